"""Files of installed packages are read only as they were installed, and nothing of a package is run."""

from __future__ import annotations

import base64
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lextune import distributions
from lextune.errors import ConfigError, MissingExtraError, VerificationError

DATA = b"text,label\nfine,1\n"
FILES = {
    "thesaurus_data/__init__.py": b"raise SystemExit('this package was run')\n",
    "thesaurus_data/a.csv": DATA,
    "thesaurus_data/sub/b,c.csv": b"x",
    "thesaurus_data/__pycache__/a.cpython-311.pyc": b"\0",
}
Install = Callable[..., Path]


def recorded(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Lay out a package as an installer would; `hashes` replaces what RECORD says of a file."""

    def make(
        hashes: dict[str, str] | None = None, metadata: str = "License: MIT\n", record: bool = True
    ) -> Path:
        site = tmp_path / "site"
        lines = []
        for name, data in FILES.items():
            path = site / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            shown = f'"{name}"' if "," in name else name
            lines.append(f"{shown},{(hashes or {}).get(name, recorded(data))},{len(data)}")
        info = site / "thesaurus_data-2.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.4\nName: thesaurus-data\nVersion: 2.5\n{metadata}"
        )
        if record:
            lines.append("thesaurus_data-2.5.dist-info/RECORD,,")
            (info / "RECORD").write_text("\n".join(lines) + "\n")
        monkeypatch.syspath_prepend(str(site))
        return site

    return make


@pytest.fixture(autouse=True)
def nothing_is_imported() -> object:
    yield
    assert "thesaurus_data" not in sys.modules


def test_a_right_file_is_read(install: Install) -> None:
    install()
    name = "thesaurus_data/a.csv"
    pin = hashlib.sha256(DATA).hexdigest()
    assert distributions.read_file("thesaurus-data", name, None) == DATA
    assert distributions.read_file("thesaurus-data", name, pin) == DATA
    assert distributions.read_file("Thesaurus.Data", name, pin) == DATA
    assert distributions.read_file("thesaurus-data", "thesaurus_data/sub/b,c.csv", None) == b"x"
    assert distributions.installed_version("thesaurus-data") == "2.5"


def test_files_are_listed_without_compiled_caches(install: Install) -> None:
    install()
    listed = distributions.list_package_files("thesaurus-data", "thesaurus_data/")
    assert listed == [
        "thesaurus_data/__init__.py",
        "thesaurus_data/a.csv",
        "thesaurus_data/sub/b,c.csv",
    ]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.write_bytes(b"text,label\nfine,0\n"), "not the file that was installed"),
        (lambda path: path.write_bytes(b""), "not the file that was installed"),
        (lambda path: path.unlink(), "is gone"),
    ],
)
def test_a_file_that_changed_or_went_is_refused(
    install: Install, spoil: Callable[[Path], object], told: str
) -> None:
    site = install()
    spoil(site / "thesaurus_data/a.csv")
    with pytest.raises(VerificationError, match=told) as caught:
        distributions.read_file("thesaurus-data", "thesaurus_data/a.csv", None)
    assert "pip install --force-reinstall" in caught.value.problems[0].remedy
    # a file that is gone is still listed, so that nothing goes missing in silence
    assert "thesaurus_data/a.csv" in distributions.list_package_files("thesaurus-data")


def test_another_pin_shows_both_digests(install: Install) -> None:
    install()
    with pytest.raises(VerificationError) as caught:
        distributions.read_file("thesaurus-data", "thesaurus_data/a.csv", "0" * 64)
    assert hashlib.sha256(DATA).hexdigest() in str(caught.value)
    assert "0" * 64 in str(caught.value)


@pytest.mark.parametrize("hash_", ["", "md5=abc", "sha1=abc"])
def test_a_file_without_a_sha256_in_record_cannot_be_checked(install: Install, hash_: str) -> None:
    install({"thesaurus_data/a.csv": hash_})
    with pytest.raises(VerificationError, match="records no SHA-256"):
        distributions.read_file("thesaurus-data", "thesaurus_data/a.csv", None)


def test_a_package_without_record_has_no_files_to_trust(install: Install) -> None:
    install(record=False)
    assert distributions.list_package_files("thesaurus-data") == []
    with pytest.raises(VerificationError, match="no file list"):
        distributions.read_file("thesaurus-data", "thesaurus_data/a.csv", None)


@pytest.mark.parametrize(
    "path", ["", "a.csv", "thesaurus_data/../thesaurus_data/a.csv", "/etc/passwd", "../secret"]
)
def test_a_path_that_record_does_not_list_is_refused(
    install: Install, tmp_path: Path, path: str
) -> None:
    install()
    (tmp_path / "secret").write_text("x")
    with pytest.raises(ConfigError, match=r"no file .* in its RECORD"):
        distributions.read_file("thesaurus-data", path, None)


@pytest.mark.parametrize("package", ["thesaurus-data", "Thesaurus_Data", "thesaurus.data"])
def test_every_spelling_of_a_package_is_its_one_name(package: str) -> None:
    assert distributions.split_source(f"pypi:{package}/a/B_c.csv") == (
        "thesaurus-data",
        "a/B_c.csv",
    )
    assert distributions.normal_source(f"pypi:{package}/B") == "pypi:thesaurus-data/B"
    assert distributions.normal_source(f"pypi:{package}") == "pypi:thesaurus-data"
    assert distributions.normal_source("My_Folder/A.b") == "My_Folder/A.b"


def test_a_missing_package_says_what_to_install() -> None:
    with pytest.raises(MissingExtraError) as caught:
        distributions.installed_version("no-such-package-anywhere")
    assert caught.value.problems[0].remedy == "pip install no-such-package-anywhere"


@pytest.mark.parametrize("name", ["", " ", "a b", "../x", "-r evil.txt", "x;y"])
def test_a_name_that_no_package_can_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="no name of a package"):
        distributions.list_package_files(name)


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("License: MIT\n", "MIT"),
        ("License-Expression: Apache-2.0\nLicense: old words\n", "Apache-2.0"),
        ("License: UNKNOWN\n", None),
        ("", None),
        ("License: A long text\n        over two lines\n", None),
    ],
)
def test_the_packages_own_licence_is_read_from_its_metadata(
    install: Install, metadata: str, licence: str | None
) -> None:
    install(metadata=metadata)
    assert distributions.licence_field("thesaurus-data") == licence


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("pypi:a", ("a", "")),
        ("pypi:a/b/c.csv", ("a", "b/c.csv")),
        ("pypi:", ("", "")),
    ],
)
def test_a_source_splits_into_package_and_path(source: str, parts: tuple[str, str]) -> None:
    assert distributions.split_source(source) == parts
