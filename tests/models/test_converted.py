"""A converted model is kept, checked byte for byte at each use, and never half there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from e5s1 import tiny
from lextune.errors import ModelError
from lextune.files import home_folder, sha256
from lextune.models.catalogue import CatalogueEntry, Conversion
from lextune.models.conversions.base import Converter, converters
from lextune.models.converted import converted_files

SOURCES = {"tiny.bin": tiny().data}
ANYTHING = CatalogueEntry(
    version="1.0", root="tiny", upstream="ann/tiny", languages=["zh"], tasks=["sentiment"],
    sha256={"tiny.bin": sha256(SOURCES["tiny.bin"])},
    conversion=Conversion(format="e5s1", licence="MIT", note="Made for a test.", sha256={}),
)  # fmt: skip


def pinned(entry: CatalogueEntry = ANYTHING, **changes: str) -> CatalogueEntry:
    """The entry with the digests that the conversion really gives, but for the changes."""
    from lextune.models import converted

    assert entry.conversion is not None
    files = converters.get("e5s1").convert(SOURCES)
    files["README.md"] = converted._card("tiny", entry, entry.conversion)
    pins = {name: sha256(data) for name, data in files.items()} | changes
    conversion = entry.conversion.model_copy(update={"sha256": pins})
    return entry.model_copy(update={"conversion": conversion})


def cached() -> Path:
    (folder,) = (home_folder() / "converted").iterdir()
    return folder


def test_the_second_use_reads_what_the_first_one_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    entry, told = pinned(), []  # type: tuple[CatalogueEntry, list[str]]
    first = converted_files("tiny", entry, SOURCES, told.append)
    assert any("converting tiny.bin" in one for one in told)
    assert {path.name: path.read_bytes() for path in cached().iterdir()} == first
    assert cached().stat().st_mode & 0o077 == 0

    def never(files: object) -> dict[str, bytes]:
        raise AssertionError("converted again")

    monkeypatch.setitem(converters._items, "e5s1", Converter(1, never))
    told.clear()
    assert converted_files("tiny", entry, SOURCES, told.append) == first
    assert told == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "config.json").write_text("{}"),
        lambda folder: (folder / "model.safetensors").unlink(),
        lambda folder: (folder / "extra.json").write_text("{}"),
        lambda folder: (folder / "tokenizer.json").rename(folder / "other.json"),
        lambda folder: (
            (folder / "README.md").unlink(), (folder / "README.md").symlink_to("config.json")
        ),
        lambda folder: (folder / "config.json").write_bytes(b""),
    ],
)  # fmt: skip
def test_a_changed_cache_is_told_and_made_anew(spoil: object) -> None:
    entry, told = pinned(), []  # type: tuple[CatalogueEntry, list[str]]
    first = converted_files("tiny", entry, SOURCES, told.append)
    spoil(cached())  # type: ignore[operator]
    told.clear()
    assert converted_files("tiny", entry, SOURCES, told.append) == first
    assert "was changed or is damaged" in told[0]
    assert {path.name: path.read_bytes() for path in cached().iterdir()} == first


def test_a_cache_that_is_a_link_elsewhere_is_replaced(tmp_path: Path) -> None:
    entry = pinned()
    first = converted_files("tiny", entry, SOURCES, lambda _: None)
    folder = cached()
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert converted_files("tiny", entry, SOURCES, lambda _: None) == first
    assert not folder.is_symlink()
    assert (tmp_path / "elsewhere" / "config.json").is_file()


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "README.md"])
def test_a_conversion_that_gives_other_bytes_than_are_pinned_is_refused(name: str) -> None:
    entry = pinned(**{name: "0" * 64})
    with pytest.raises(ModelError, match=f"another {name} than is pinned"):
        converted_files("tiny", entry, SOURCES, lambda _: None)
    assert list((home_folder() / "converted").iterdir()) == []


def test_another_source_or_converter_has_a_place_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = pinned()
    converted_files("tiny", entry, SOURCES, lambda _: None)
    convert = converters.get("e5s1").convert
    monkeypatch.setitem(converters._items, "e5s1", Converter(2, convert))
    converted_files("tiny", entry, SOURCES, lambda _: None)
    assert len(list((home_folder() / "converted").iterdir())) == 2
    with pytest.raises(ModelError, match=r"another model\.safetensors than"):
        converted_files("tiny", entry, {"tiny.bin": tiny(seed=1).data}, lambda _: None)


_HANG = """
import sys, time
from lextune import files
from lextune.models import converted
from test_converted import SOURCES, pinned

def write(path, data, **named):
    if path.name == "model.safetensors":
        path.write_bytes(data[: len(data) // 2])
        print("half", flush=True)
        time.sleep(600)
    path.write_bytes(data)

converted.write_atomic = write
converted.converted_files("tiny", pinned(), SOURCES, lambda _: None)
"""


def test_a_killed_conversion_leaves_nothing_half() -> None:
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[1]), *sys.path]
    with subprocess.Popen(
        [sys.executable, "-c", _HANG], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    left = list((home_folder() / "converted").iterdir())
    assert all(one.name.startswith(".") for one in left)
    start = time.monotonic()
    assert converted_files("tiny", pinned(), SOURCES, lambda _: None)
    assert time.monotonic() - start < 60  # the lock went with the process
    assert not cached().name.startswith(".")
