"""Finds the files of a split in folders of Hugging Face `datasets`, saved to disk or as a hub keeps them; it reads no row.

Two layouts. `save_to_disk` leaves `dataset_info.json`, `state.json` and Arrow files, one folder per split under
`dataset_dict.json`. A repository of a hub has data files, and a README.md whose `configs` say which belong to which
split (https://huggingface.co/docs/hub/datasets-manual-configuration); without, names say it.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from lextune import strict_yaml
from lextune.errors import DataError, LextuneError, Problem

#: What is data and can be read; code never is.
DATA_SUFFIXES = (".parquet", ".arrow", ".csv", ".tsv", ".jsonl", ".json", ".ndjson")
_PACKED = ("", ".gz", ".bz2", ".xz", ".zst")
#: What may be downloaded of a repository.
PATTERNS = ("README.md", *(f"*{suffix}{packed}" for suffix in DATA_SUFFIXES for packed in _PACKED))
_NOT_DATA = ("dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json")
#: https://huggingface.co/docs/hub/datasets-file-names-and-splits
_SPLIT_WORDS = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "eval": "test",
    "evaluation": "test", "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
}  # fmt: skip
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})(?=\.)")
#: Splits of configurations: configuration to split to files.
Splits = dict[str, dict[str, list[Path]]]
#: Writes configuration (empty where there is one only) and split as a config names them.
Shown = Callable[[str, str], str]


@dataclass(frozen=True)
class SplitFiles:
    """The files of one split.

    Attributes:
        config: Which configuration of the data set it is of.
        files: In order.
        class_names: Column to the names of its classes, so far as the folder says them.
    """

    config: str
    split: str
    files: tuple[Path, ...]
    class_names: dict[str, list[str]] = field(default_factory=dict)


def is_dataset_folder(folder: Path) -> bool:
    """Whether a folder says of itself that it is a data set."""
    if (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file():
        return True
    front = _front_matter(folder)
    return isinstance(front.get("configs"), list) or "dataset_info" in front


def inside_dataset(path: Path) -> tuple[Path, list[str]] | None:
    """The data set's folder above a path that is not there, and the words below it: configuration and split."""
    for above in list(path.parents)[:2]:
        if os.path.isdir(above):
            words = list(path.relative_to(above).parts)
            return (above, words) if is_dataset_folder(above) else None
    return None


def find_split(folder: Path, words: list[str], shown: Shown) -> SplitFiles:
    """The files of the split that is meant.

    Args:
        folder: Of the data set.
        words: Configuration and split, the split, the configuration, or nothing, where there is one only.
        shown: How a config names a split of it.

    Raises:
        DataError: There is no such split, or it is open which is meant, or files are missing.
    """
    splits, default = _all_splits(folder)
    splits = {config: found for config, found in splits.items() if any(found.values())}
    if not splits:
        made = sorted(path.name for path in folder.glob("*.py"))
        why = f"its rows would be made by {made[0]}, and code is never run" if made else ""
        raise _error(
            f"{folder.name} holds no data files",
            "give a data set of files, or download its files",
            why,
        )
    config, rest = _config(splits, default, words, shown)
    found = splits[config]
    if not rest and len(found) == 1:
        rest = list(found)
    if len(rest) != 1 or rest[0] not in found:
        there = ", ".join(found)
        asked = f"there is no split {rest[0]!r}" if rest else "it is open which split is meant"
        raise _error(
            f"{asked}; there are {there}",
            f"write one of {', '.join(shown(config if len(splits) > 1 else '', name) for name in found)}",
        )
    files = found[rest[0]]
    missing = missing_files(files)
    if missing:
        raise _error(
            f"{', '.join(missing)} of {folder.name} are not there", "download or copy them as well"
        )
    return SplitFiles(config, rest[0], tuple(files), _class_names(folder, files, config))


def class_names(feature: Any) -> list[str] | None:
    """The names of a ClassLabel, or of a list of such, as `datasets` writes features; None where it is none."""
    if isinstance(feature, list) and len(feature) == 1:
        return class_names(feature[0])
    if not isinstance(feature, dict):
        return None
    if feature.get("_type") == "ClassLabel" and isinstance(feature.get("names"), list):
        return [str(one) for one in feature["names"]]
    return class_names(feature.get("feature"))


def missing_files(files: list[Path]) -> list[str]:
    """Names of files that are not there, or that shards call for: `-00000-of-00003` has two more."""
    missing = {path.name for path in files if not path.is_file()}
    there = {path.name for path in files}
    for path in files:
        match = _SHARD.search(path.name)
        for number in range(int(match[2]) if match else 0):
            name = _SHARD.sub(f"-{number:05}-of-{match[2]}", path.name) if match else ""
            missing |= {name} - there
    return sorted(missing)


def _config(splits: Splits, default: str, words: list[str], shown: Shown) -> tuple[str, list[str]]:
    """Which configuration is meant, and the words that are left."""
    lone = next(iter(splits)) if len(splits) == 1 else None
    if words and words[0] in splits and not (words == [lone] and lone in splits[words[0]]):
        return words[0], words[1:]
    if lone is not None:
        return lone, words
    if default in splits:
        return default, words
    names = [shown(config, split) for config, found in splits.items() for split in found]
    raise _error(
        f"it is open which configuration is meant; there are {', '.join(splits)}",
        f"write one of {', '.join(names[:12])}",
    )


def _all_splits(folder: Path) -> tuple[Splits, str]:
    """All splits, and the name of the configuration that is meant where none is named."""
    if (folder / "dataset_dict.json").is_file():
        names = _json(folder / "dataset_dict.json").get("splits")
        if not isinstance(names, list):
            raise _error(
                f"{folder.name}/dataset_dict.json names no splits", "save the data set again"
            )
        return {"": {str(name): _saved(_below(folder, str(name))) for name in names}}, ""
    if (folder / "state.json").is_file():
        split = _json(folder / "state.json").get("_split")
        return {"": {str(split or "train"): _saved(folder)}}, ""
    configs = _front_matter(folder).get("configs")
    if isinstance(configs, list) and configs:
        return _configured(folder, configs)
    return {"": _by_name(folder, folder)}, ""


def _saved(folder: Path) -> list[Path]:
    """The Arrow files of one saved split, in the order of its state."""
    state = _json(folder / "state.json")
    files = state.get("_data_files")
    if not isinstance(files, list) or state.get("_indices_data_files"):
        raise _error(
            f"{folder.name}/state.json is not as `datasets` writes it",
            "save the data set again with save_to_disk",
        )
    return [_below(folder, str(one["filename"])) for one in files]


def _configured(folder: Path, configs: list[Any]) -> tuple[Splits, str]:
    """What the `configs` of a README say, and which of them is the default."""
    splits: Splits = {}
    default = "default"
    for config in configs:
        if isinstance(config, dict):
            name = str(config.get("config_name", "default"))
            default = name if config.get("default") is True else default
            root = _below(folder, str(config.get("data_dir") or "."))
            files = config.get("data_files")
            splits[name] = _by_name(folder, root) if files is None else _listed(root, files)
    return splits, default


def _listed(root: Path, files: Any) -> dict[str, list[Path]]:
    entries = files if isinstance(files, list) else [files]
    found: dict[str, list[Path]] = defaultdict(list)
    for entry in entries:
        split = str(entry.get("split", "train")) if isinstance(entry, dict) else "train"
        paths = entry.get("path") if isinstance(entry, dict) else entry
        for pattern in paths if isinstance(paths, list) else [paths]:
            _below(root, str(pattern))
            found[split] += [path for path in sorted(root.glob(str(pattern))) if _is_data(path)]
    return {split: list(dict.fromkeys(paths)) for split, paths in found.items()}


def _by_name(folder: Path, root: Path) -> dict[str, list[Path]]:
    """Data files by the word for a split in their name, else in a folder's; all are train where no name has one."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(folder).parts
        if _is_data(path) and not any(part.startswith(".") for part in parts):
            words = [
                word for part in reversed(parts) for word in re.split(r"[^a-z]+", part.lower())
            ]
            found[next((_SPLIT_WORDS[word] for word in words if word in _SPLIT_WORDS), "")].append(
                path
            )
    nameless = found.pop("", [])
    return dict(found) if found else {"train": nameless}


def _is_data(path: Path) -> bool:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    return (
        bool(suffixes)
        and suffixes[-1] in DATA_SUFFIXES
        and path.name not in _NOT_DATA
        and path.is_file()
    )


def _below(folder: Path, name: str) -> Path:
    """A path that a file of the data set names; it may not leave its folder."""
    parts = PurePosixPath(name).parts
    if PurePosixPath(name).is_absolute() or ".." in parts:
        raise _error(
            f"{folder.name} names {name!r}, which is outside of it",
            "review where the data set comes from",
        )
    return folder.joinpath(*parts)


def _class_names(folder: Path, files: list[Path], config: str) -> dict[str, list[str]]:
    """From `dataset_info.json` beside the files, or from the README."""
    info = files[0].parent / "dataset_info.json"
    if info.is_file():
        features = _json(info).get("features")
        named = features.items() if isinstance(features, dict) else ()
        return {str(name): found for name, feature in named if (found := class_names(feature))}
    told = _front_matter(folder).get("dataset_info")
    infos = [one for one in (told if isinstance(told, list) else [told]) if isinstance(one, dict)]
    fitting = [one for one in infos if str(one.get("config_name", "default")) == config] or infos[
        :1
    ]
    features = fitting[0].get("features") if fitting else None
    rows = [one for one in features if isinstance(one, dict)] if isinstance(features, list) else []
    return {str(one.get("name")): found for one in rows if (found := _readme_names(one))}


def _readme_names(feature: Mapping[str, Any]) -> list[str] | None:
    """`dtype: {class_label: {names: {'0': neg, '1': pos}}}`, also below `sequence` or `list`."""
    for key in ("dtype", "sequence", "list"):
        inner = feature.get(key)
        label = inner.get("class_label") if isinstance(inner, dict) else None
        names = label.get("names") if isinstance(label, dict) else None
        if isinstance(names, dict) and {str(key) for key in names} == {
            str(n) for n in range(len(names))
        }:
            return [str(names.get(str(n), names.get(n))) for n in range(len(names))]
        if isinstance(names, list):
            return [str(name) for name in names]
    return None


def _front_matter(folder: Path) -> dict[str, Any]:
    """The YAML at the head of a README.md; empty where there is none."""
    readme = folder / "README.md"
    if not readme.is_file():
        return {}
    text = readme.read_text(encoding="utf-8", errors="replace").removeprefix("\ufeff")
    match = re.match(r"---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(\r?\n|$)", text, re.DOTALL)
    if match is None or not re.search(r"^(configs|dataset_info):", match[1], re.MULTILINE):
        return {}
    try:
        found = strict_yaml.load(match[1], f"{folder.name}/README.md").data
    except LextuneError as error:
        raise DataError(error.problems) from error
    return found if isinstance(found, dict) else {}


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _error(
            f"{path.parent.name}/{path.name} cannot be read", "save or download the data set again"
        ) from error
    return found if isinstance(found, dict) else {}


def _error(fact: str, remedy: str, reason: str = "") -> DataError:
    return DataError(Problem(fact, remedy, reason))
