"""Trains on shop visits beside the peer's gradient boosting, on the same hold-out; the peer is named by its path."""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "behaviour_prediction.yaml"


def write_parts(table: Path, target: str, folder: Path, seed: int) -> dict[str, Path]:
    """Train and test as the peer draws them: 20 % stratified by the target."""
    from sklearn.model_selection import train_test_split

    with open(table, newline="", encoding="utf-8") as stream:
        header, *rows = list(csv.reader(stream))
    labels = [row[header.index(target)] for row in rows]
    parts = train_test_split(rows, test_size=0.2, stratify=labels, random_state=seed)
    paths = {name: folder / f"{name}.csv" for name in ("train", "test")}
    for path, part in zip(paths.values(), parts, strict=True):
        with open(path, "w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([header, *part])
    return paths


def run(paths: dict[str, Path], target: str, source: str, out: Path) -> tuple[dict[str, object], float]:  # fmt: skip
    """What `lextune run --json` says, and the seconds of the whole process."""
    settings = {
        "data.train": paths["train"], "data.test": paths["test"], "data.columns.label": target,
        "model.source": source,
    }  # fmt: skip
    command = [sys.executable, "-c", "import sys; from lextune.cli import main; sys.exit(main())"]
    command += ["run", str(EXAMPLE), "--out", str(out), "--json"]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if not done.stdout:
        raise SystemExit(f"lextune run ended with {done.returncode}")
    answer: dict[str, object] = json.loads(done.stdout)
    return answer, time.perf_counter() - start


def main() -> None:
    """Print the peer's lines, then lextune's figures for the transformer and the trees."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path, help="online_shoppers_intention.csv")
    parser.add_argument("--peer", type=Path, help="the peer's script, behaviour_prediction.py")
    parser.add_argument("--target", default="Revenue")
    parser.add_argument("--seed", type=int, default=42)
    given = parser.parse_args()
    if given.peer is not None:
        subprocess.run([sys.executable, given.peer, "--data", given.table.parent], check=True)
    with tempfile.TemporaryDirectory(prefix="lextune-visits-") as folder:
        paths = write_parts(given.table, given.target, Path(folder), given.seed)
        for source in ("init:tabular-transformer", "init:hist-gradient-boosting"):
            out = Path(folder) / source.removeprefix("init:")
            answer, seconds = run(paths, given.target, source, out)
            print(f"{source}: {seconds:.0f} s")
            metrics = answer["metrics"]
            assert isinstance(metrics, dict)
            for name in ("roc_auc", "average_precision", "average_precision_minus_hist_gradient_boosting"):  # fmt: skip
                one = metrics[name]
                print(f"  {name} {one['value']:.4f} ({one['low']:.4f} to {one['high']:.4f}), n={one['n']}")  # fmt: skip


if __name__ == "__main__":
    main()
