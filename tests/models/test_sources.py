"""Models are read from a folder, the hub's cache or an installed package, pinned, and nothing of them is run."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest

import tiny_speech
from lextune import distributions
from lextune.config import ModelConfig
from lextune.errors import LextuneError, MissingExtraError, ModelError, VerificationError
from lextune.models.catalogue import catalogue
from lextune.models.loading import load_pretrained
from lextune.models.sources import ModelFiles, read_model
from lextune.tasks.base import tasks

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(bert: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bert, tmp_path / "my-model"))


@pytest.fixture(autouse=True)
def no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def read(source: object, **named: Any) -> ModelFiles:
    return read_model(ModelConfig(source=str(source), **named), lambda _: None)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_folder_is_read_with_the_digest_of_every_file(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"\x80pickle")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "x.json").write_text("{}")
    found = read(folder)
    assert found.id == "my-model"
    assert len(found.revision) == 64
    assert "pytorch_model.bin" not in found.files
    assert {one.path for one in found.digests} == {
        "README.md", "config.json", "model.safetensors", "pytorch_model.bin", "tokenizer.json",
        "tokenizer_config.json",
    }  # fmt: skip
    for one in found.digests:
        assert one.sha256 == digest(folder / one.path)
        assert one.size == (folder / one.path).stat().st_size
    (folder / "config.json").write_bytes((folder / "config.json").read_bytes() + b" ")
    assert read(folder).revision != found.revision


def test_a_home_folder_may_be_written_with_a_tilde(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    assert read("~/my-model").id == "my-model"


@pytest.mark.parametrize("source", ["./gone", "/gone/model", "~/gone", "a/b/c"])
def test_a_folder_that_is_not_there_is_no_hub_id(source: str) -> None:
    with pytest.raises(ModelError, match="no folder"):
        read(source)


def test_a_pinned_folder_is_checked(folder: Path) -> None:
    right = {"model.safetensors": digest(folder / "model.safetensors")}
    assert read(folder, sha256=right).files
    wrong = {"model.safetensors": "0" * 64, "config.json": "1" * 64, "gone.json": "2" * 64}
    with pytest.raises(ModelError) as caught:
        read(folder, sha256=wrong)
    assert right["model.safetensors"] in str(caught.value)
    assert len(caught.value.problems) >= 2
    with pytest.raises(ModelError, match=r"gone\.json is not there"):
        read(folder, sha256={"gone.json": "2" * 64})


def spoil_lfs(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 90868376\n"
    )


def spoil_pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def spoil_nested(folder: Path) -> None:
    (folder / "checkpoint-5").mkdir()
    (folder / "model.safetensors").rename(folder / "checkpoint-5" / "model.safetensors")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_lfs, "Git LFS pointer"),
        (spoil_pickled, r"pytorch_model\.bin, which is pickled"),
        (spoil_nested, r"no \.safetensors weights"),
        (lambda folder: (folder / "config.json").unlink(), r"no config\.json"),
    ],
)
def test_a_folder_that_is_no_safe_model_is_refused_with_a_remedy(
    folder: Path, spoil: Callable[[Path], object], told: str
) -> None:
    spoil(folder)
    with pytest.raises(ModelError, match=told) as caught:
        read(folder)
    assert all(one.remedy for one in caught.value.problems)


@pytest.fixture
def cache(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache as huggingface_hub lays it out: links in snapshots to files in blobs."""
    root = tmp_path / "hub"
    model = root / "models--ann--tiny-bert"
    (model / "blobs").mkdir(parents=True)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(COMMIT)
    snapshot = model / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    for path in bert.iterdir():
        blob = model / "blobs" / digest(path)
        shutil.copy(path, blob)
        (snapshot / path.name).symlink_to(os.path.relpath(blob, snapshot))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(root))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return root


@pytest.mark.parametrize("revision", [None, COMMIT])
def test_a_hub_id_is_read_from_the_cache_and_pinned_to_its_commit(
    cache: Path, bert: Path, revision: str | None
) -> None:
    told: list[str] = []
    found = read_model(ModelConfig(source="ann/tiny-bert", revision=revision), told.append)
    assert (found.id, found.revision) == ("ann/tiny-bert", COMMIT)
    assert found.files["model.safetensors"] == (bert / "model.safetensors").read_bytes()
    assert {one.path for one in found.digests} == {path.name for path in bert.iterdir()}
    assert any(COMMIT in one for one in told) is (revision is None)


@pytest.mark.parametrize(
    ("source", "revision"), [("ann/tiny-bert", "f" * 40), ("ann/other", None), ("an id", None)]
)
def test_what_is_not_in_the_cache_is_named_without_a_socket(
    cache: Path, source: str, revision: str | None
) -> None:
    with pytest.raises(ModelError, match="neither in the cache") as caught:
        read(source, revision=revision)
    assert source in str(caught.value)
    assert str(cache) in str(caught.value)


def spoil_blob(snapshot: Path) -> None:
    (snapshot / "model.safetensors").resolve().unlink()


def shard(snapshot: Path) -> None:
    (snapshot / "model.safetensors").rename(snapshot / "model-1.safetensors")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (snapshot / "model.safetensors.index.json").write_text(json.dumps(index))


#: How an interrupted download, or another program that read a part only, may leave a snapshot.
IN_PART: list[tuple[Callable[[Path], object], str]] = [
    (lambda snapshot: (snapshot / "model.safetensors").unlink(), "model.safetensors"),
    (lambda snapshot: (snapshot / "config.json").unlink(), "config.json"),
    (lambda snapshot: (snapshot / "tokenizer.json").unlink(), "tokenizer.json"),
    (spoil_blob, "model.safetensors"),
    (shard, "model-2.safetensors"),
]


@pytest.mark.parametrize(("spoil", "name"), IN_PART)
@pytest.mark.parametrize("revision", [None, COMMIT])
def test_what_is_only_in_part_in_the_cache_is_downloaded_again_or_named_offline(
    cache: Path, bert: Path, monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Path], object], name: str, revision: str | None,
) -> None:  # fmt: skip
    snapshot = cache / "models--ann--tiny-bert" / "snapshots" / COMMIT
    spoil(snapshot)
    with pytest.raises(ModelError, match=f"only in part in the cache: {name}"):
        read("ann/tiny-bert", revision=revision)
    real, online = huggingface_hub.snapshot_download, []

    def download(hub_id: str, **named: Any) -> str:
        if named.get("local_files_only"):
            return str(real(hub_id, **named))
        online.append((hub_id, named["revision"]))
        for path in bert.iterdir():
            (snapshot / path.name).unlink(missing_ok=True)
            shutil.copy(path, snapshot / path.name)
        return str(snapshot)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    told: list[str] = []
    found = read_model(ModelConfig(source="ann/tiny-bert", revision=revision), told.append)
    assert online == [("ann/tiny-bert", revision or "main")]
    assert found.revision == COMMIT
    assert found.files["model.safetensors"] == (bert / "model.safetensors").read_bytes()
    assert any("downloading" in one for one in told)


@pytest.mark.parametrize(("spoil", "name"), IN_PART)
def test_what_the_hub_does_not_give_either_is_named(
    cache: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], object], name: str
) -> None:
    snapshot = cache / "models--ann--tiny-bert" / "snapshots" / COMMIT
    spoil(snapshot)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **named: str(snapshot))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(ModelError, match=f"the hub gave no {name}") as caught:
        read("ann/tiny-bert")
    assert "save_pretrained" in caught.value.problems[0].remedy


def test_a_whole_snapshot_is_not_downloaded_again(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    assert read("ann/tiny-bert").revision == COMMIT  # a socket would break the test


@pytest.mark.parametrize("revision", [None, COMMIT])
def test_a_models_folder_in_a_cache_is_its_snapshot(
    cache: Path, bert: Path, revision: str | None
) -> None:
    found = read(cache / "models--ann--tiny-bert", revision=revision)
    assert (found.id, found.revision) == ("ann/tiny-bert", COMMIT)
    assert {one.path for one in found.digests} == {path.name for path in bert.iterdir()}


def test_a_models_folder_in_a_cache_without_that_snapshot_names_those_it_has(cache: Path) -> None:
    folder = cache / "models--ann--tiny-bert"
    with pytest.raises(ModelError, match=r"without a snapshot of 'f+'") as caught:
        read(folder, revision="f" * 40)
    assert COMMIT in caught.value.problems[0].remedy
    (folder / "refs" / "main").unlink()
    with pytest.raises(ModelError, match=r"without a snapshot of 'main'"):
        read(folder)


def test_a_folder_that_lacks_a_shard_names_it(folder: Path) -> None:
    shard(folder)
    with pytest.raises(ModelError, match=r"lacks model-2\.safetensors, a shard"):
        read(folder)


def test_after_reading_no_library_may_go_online(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    read(folder)
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert huggingface_hub.constants.HF_HUB_OFFLINE


@pytest.fixture
def package(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The model inside an installed package whose code would break the test if it ran."""
    site = tmp_path / "site"
    root = site / "tiny_bert_pkg" / "model"
    shutil.copytree(bert, root)
    (site / "tiny_bert_pkg" / "__init__.py").write_text("raise SystemExit('run')\n")
    info = site / "tiny_bert_pkg-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: tiny-bert-pkg\nVersion: 1.0\nLicense: BSD-3-Clause\n"
    )
    lines = []
    for path in sorted((site / "tiny_bert_pkg").rglob("*")):
        if path.is_file():
            raw = hashlib.sha256(path.read_bytes()).digest()
            code = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
            lines.append(f"{path.relative_to(site).as_posix()},sha256={code},1")
    (info / "RECORD").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(site))
    return root


def test_a_package_without_a_pin_is_refused_and_the_error_shows_the_digest(package: Path) -> None:
    with pytest.raises(ModelError) as caught:
        read("pypi:tiny-bert-pkg")
    (problem,) = caught.value.problems
    assert "no SHA-256 is pinned" in problem.fact
    assert f"model.safetensors: {digest(package / 'model.safetensors')}" in problem.remedy
    assert "tiny_bert_pkg" not in sys.modules


@pytest.mark.parametrize("path", ["", "/tiny_bert_pkg/model", "/tiny_bert_pkg/model/"])
def test_a_pinned_package_is_read_and_not_run(package: Path, path: str) -> None:
    pins = {"model.safetensors": digest(package / "model.safetensors")}
    found = read(f"pypi:tiny-bert-pkg{path}", sha256=pins)
    assert (found.id, found.revision) == ("tiny-bert-pkg 1.0", "1.0")
    assert found.packaging_licence == "BSD-3-Clause"
    assert set(found.files) == {path.name for path in package.iterdir()}
    assert "tiny_bert_pkg" not in sys.modules


def test_a_package_that_is_not_what_was_pinned_or_installed_is_refused(package: Path) -> None:
    right = digest(package / "model.safetensors")
    with pytest.raises(VerificationError, match="is pinned"):
        read("pypi:tiny-bert-pkg", sha256={"model.safetensors": "0" * 64})
    with pytest.raises(ModelError, match=r"gone\.json is not there"):
        read("pypi:tiny-bert-pkg", sha256={"model.safetensors": right, "gone.json": "0" * 64})
    (package / "config.json").write_text("{}")
    with pytest.raises(VerificationError, match="not the file that was installed"):
        read("pypi:tiny-bert-pkg", sha256={"model.safetensors": right})
    (package / "config.json").unlink()
    with pytest.raises(VerificationError, match="is gone"):
        read("pypi:tiny-bert-pkg", sha256={"model.safetensors": right})


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("pypi:no-such-package-anywhere", MissingExtraError),
        ("pypi:", LextuneError),
        ("pypi:tiny-bert-pkg/elsewhere", ModelError),
        ("pypi:pytest", ModelError),
    ],
)
def test_a_package_that_is_not_there_or_has_no_model_is_refused(
    package: Path, source: str, kind: type[LextuneError]
) -> None:
    with pytest.raises(kind):
        read(source)


@pytest.mark.parametrize("source", catalogue())
def test_every_catalogued_model_that_is_installed_is_what_is_pinned(source: str) -> None:
    package = distributions.split_source(source)[0]
    try:
        distributions.installed_version(package)
    except MissingExtraError:
        pytest.skip(f"{package} is not installed")
    entry = catalogue()[source]
    found = read(source)
    assert set(entry.sha256) <= {one.path for one in found.digests}
    loaded = {name for name in found.files if name.endswith((".json", ".safetensors", ".txt"))}
    needed = {"config.json", "model.safetensors"}
    if any(tasks.get(name).input_kind == "text" for name in entry.tasks if name in tasks.names()):
        needed |= {"tokenizer.json", "tokenizer_config.json"}
    assert needed <= loaded
    assert needed <= set(entry.conversion.sha256 if entry.conversion else entry.sha256)


def test_another_version_than_the_catalogues_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    source = next(iter(catalogue()))
    monkeypatch.setattr(distributions, "installed_version", lambda package: "9.9.9")
    with pytest.raises(ModelError, match=r"9\.9\.9 is installed, but .* is pinned"):
        read(source)


@pytest.mark.parametrize("kind", ["whisper", "ctc"])
def test_a_folder_of_a_speech_model_is_read_with_all_that_it_writes_by(
    kind: str, tmp_path: Path
) -> None:
    write = {"whisper": tiny_speech.write_tiny_whisper, "ctc": tiny_speech.write_tiny_ctc}[kind]
    folder = write(tmp_path / "model")
    found = read_model(ModelConfig(source=str(folder)), lambda _: None, "audio")
    needed = {"whisper": "tokenizer.json", "ctc": "vocab.json"}[kind]
    assert {"config.json", "model.safetensors", "preprocessor_config.json", needed} <= set(
        found.files
    )
    task = tasks.get("speech_to_text")
    loaded = load_pretrained(found.files, task, (), max_length=512, dropout=0.0)
    assert not loaded.new_tensors
