"""Training speed beside the stock transformers Trainer: IMDb, all-MiniLM-L6-v2, 512 tokens, batches of 32.

    python benchmarks/training_speed.py --shared ../shared

One epoch over the same reviews with each recipe, in turn, in processes of their own. The peers are
`peers/sentiment.py` of the shared folder, run as it is:

    tutorial     every review padded to 512, fp32, AdamW; a few steps, since all steps are alike
    best         bf16, fused AdamW, grouped by length, the model's own dropout
    no-dropout   the same with every dropout at 0 and tcmalloc

Rows a second leave out each process's first step. `share` is what the loop reaches of the rate at which
this machine multiplies matrices of the model's shapes, measured before and after each run, in model FLOPs:
6 x parameters beside embeddings x real tokens.
"""

from __future__ import annotations

import argparse
import ctypes.util
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import describe
from side_by_side import (
    Finished,
    environment,
    heldout_folder,
    measured,
    median_ratio,
    model_files,
    model_folder,
    run,
    small_part,
    without_dropout,
)

_BATCH = 32
#: Tokens of a pass through the model, for the rate of its products.
_PASS = 4096


def lextune_side(options: argparse.Namespace) -> None:
    """Train in this process, and print one JSON line."""
    import numpy as np
    import torch

    from lextune.config_training import TrainConfig
    from lextune.models.loading import load_pretrained
    from lextune.tasks.base import tasks
    from lextune.training.loop import Rows, Trainer
    from lextune.training.machine import keep_freed_memory

    keep_freed_memory()
    config = TrainConfig(
        epochs=1, batch_size=_BATCH, max_length=options.max_length, learning_rate=5e-5,
        dropout=options.dropout,
    )  # fmt: skip
    found = _rows(options)
    task = tasks.get("sentiment")
    files = model_files(model_folder())
    torch.manual_seed(config.seed)
    loaded = load_pretrained(
        files, task, ("neg", "pos"), max_length=config.max_length, dropout=config.dropout
    )

    def part(rows: list[tuple[str, int]]) -> Rows:
        labels = np.array([label for _, label in rows], np.int64)
        ids = [f"row-{number}" for number in range(len(rows))]
        return Rows(loaded.encode([text for text, _ in rows]), labels, ids)

    class Clock:
        """Notes when each step ended."""

        def __init__(self) -> None:
            self.ends: list[float] = []

        def on_start(self, steps: int, done: int) -> None: ...
        def on_step(self, step: int, figures: dict[str, float]) -> None:
            self.ends.append(time.perf_counter())

        def on_epoch(self, epoch: int, figures: dict[str, float]) -> None: ...

    train, clock = part(found), Clock()
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            task, loaded.model, config, Path(folder), identity="benchmark", callbacks=[clock]
        )
        outcome = trainer.run(train, part(found[:_BATCH]), 2, resume=False)
    speed = (len(clock.ends) - 1) * _BATCH / (clock.ends[-1] - clock.ends[0])
    tokens = speed * float(train.encoded.lengths.mean())
    print(json.dumps({
        "train_samples_per_s": speed, "tokens_per_s": tokens, "precision": outcome.precision,
        "flops": 6 * _weights(loaded.model) * tokens,
    }))  # fmt: skip


def rate_side() -> None:
    """Print how fast this machine multiplies matrices of the model's shapes, as one JSON line."""
    rates = product_rate(_PASS)
    kind = max(rates, key=rates.__getitem__)
    print(json.dumps({"product_rate": rates[kind], "type": kind}))


def _weights(model: Any) -> int:
    """Parameters beside the embeddings."""
    return sum(one.numel() for name, one in model.named_parameters() if "embeddings" not in name)


def product_rate(tokens: int) -> dict[str, float]:
    """FLOP/s of the products of one layer, forwards and backwards, by type of number."""
    import torch

    shapes = ((384, 384, 2), (384, 768, 1), (384, 1536, 1), (1536, 384, 1))
    rates = {}
    for dtype in (torch.float32, torch.bfloat16):
        seconds = work = 0.0
        for inside, outside, times in shapes:
            x, g = torch.ones(tokens, inside, dtype=dtype), torch.ones(tokens, outside, dtype=dtype)
            w = torch.ones(outside, inside, dtype=dtype)
            for left, right in ((x, w.t()), (g, w), (g.t(), x)):
                taken = []
                for _ in range(5):
                    start = time.perf_counter()
                    left @ right
                    taken.append(time.perf_counter() - start)
                seconds += times * sorted(taken)[2]
                work += times * 2 * tokens * inside * outside
        rates[str(dtype).removeprefix("torch.")] = work / seconds
    return rates


def _rows(options: argparse.Namespace) -> list[tuple[str, int]]:
    """The first reviews of each class in turn."""
    found = small_part(options.shared / "data/sentiment/imdb", "train")
    half = len(found) // 2
    each = [
        row for pair in zip(found[:half], found[half:], strict=True) for row in pair
    ]  # neg, pos, neg, pos
    return [
        (text.replace("<br />", " "), int(label == "pos"))
        for label, _, text in each[: options.rows]
    ]


def peer(
    options: argparse.Namespace, work: Path, recipe: str, model: Path, steps: int
) -> list[str]:
    """The command of a stock recipe."""
    imdb = options.shared / "data/sentiment/imdb"
    return measured([
        sys.executable, str(options.shared / "peers/sentiment.py"), "--recipe", recipe,
        "--data", str(imdb), "--heldout", str(heldout_folder(work, imdb)),
        "--out", str(work / "peer.jsonl"), "--model", str(model), "--n-train", str(options.rows),
        "--max-length", str(options.max_length), "--steps", str(steps), "--epochs", "1",
        "--attn", "sdpa",
    ])  # fmt: skip


def commands(
    options: argparse.Namespace, work: Path
) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Each side's command and environment; ours first."""
    steps = options.rows // _BATCH
    ours = measured([
        sys.executable, __file__, "--side", "--shared", str(options.shared),
        "--rows", str(options.rows), "--max-length", str(options.max_length),
        "--dropout", str(options.dropout),
    ])  # fmt: skip
    found = {"lextune": (ours, environment())}
    if "tutorial" in options.sides:
        found["tutorial"] = (
            peer(options, work, "tutorial", model_folder(), min(4, steps)), environment(),
        )  # fmt: skip
    if "best" in options.sides:
        found["best"] = (peer(options, work, "trainer_best", model_folder(), steps), environment())
    if "no-dropout" in options.sides:
        library = ctypes.util.find_library("tcmalloc_minimal")
        if library is None:
            print("no-dropout is left out: tcmalloc is not installed (libtcmalloc-minimal4)")
        else:
            calm = without_dropout(work / "no-dropout")
            found["no-dropout"] = (
                peer(options, work, "trainer_best", calm, steps), environment(LD_PRELOAD=library),
            )  # fmt: skip
    return found


def rate(options: argparse.Namespace) -> dict[str, Any]:
    """This machine's rate of products just now."""
    command = [sys.executable, __file__, "--rate", "--shared", str(options.shared)]
    return run(command, environment()).row


def show(runs: dict[str, list[Finished]]) -> None:
    """Every repetition, then the ratios."""
    print(f"{'recipe':12} {'run':>3} {'rows/s':>8} {'process s':>10} {'peak GB':>8}")
    for name, results in runs.items():
        for number, one in enumerate(results, 1):
            rows = one.row["train_samples_per_s"]
            print(f"{name:12} {number:3} {rows:8.2f} {one.seconds:10.1f} {one.peak_gb:8.2f}")
    ours = runs.pop("lextune")
    for number, one in enumerate(ours, 1):
        row = one.row
        print(
            f"lextune {number}: {row['precision']}, {row['tokens_per_s']:.0f} tokens/s, products "
            f"{row['product_rate'] / 1e12:.2f} TFLOP/s in {row['type']}, share "
            f"{row['flops'] / row['product_rate']:.2f}"
        )
    for name, results in runs.items():
        speed = [one.row["train_samples_per_s"] for one in ours]
        theirs = [one.row["train_samples_per_s"] for one in results]
        middle, low, high = median_ratio(speed, theirs)
        print(f"lextune / {name}: rows/s median {middle:.2f} ({low:.2f} to {high:.2f})", end="")
        if name != "tutorial":  # which makes a few steps only
            whole = median_ratio([one.seconds for one in results], [one.seconds for one in ours])
            print(
                f", whole process median {whole[0]:.2f} ({whole[1]:.2f} to {whole[2]:.2f})", end=""
            )
        print()


def main() -> None:
    """Run every side in turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--rows", type=int, default=640, help="of train, at most 2,000")
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--dropout", type=float, default=0.0, help="of lextune")
    parser.add_argument(
        "--sides", nargs="+", default=["tutorial", "best", "no-dropout"],
        choices=["tutorial", "best", "no-dropout"],
    )  # fmt: skip
    parser.add_argument("--side", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rate", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.shared = options.shared.resolve()
    if options.side or options.rate:
        lextune_side(options) if options.side else rate_side()
        return
    print(describe("torch", "transformers", "accelerate"))
    with tempfile.TemporaryDirectory() as folder:
        sides = commands(options, Path(folder))
        runs: dict[str, list[Finished]] = {name: [] for name in sides}
        for number in range(options.repetitions):
            for name, (command, env) in sides.items():
                rates = [rate(options)] if name == "lextune" else []
                runs[name].append(run(command, env))
                if rates:
                    rates.append(rate(options))
                    middle = sum(one["product_rate"] for one in rates) / 2
                    runs[name][-1].row.update(product_rate=middle, type=rates[0]["type"])
                row = runs[name][-1].row
                print(f"{number + 1} {name} {row['train_samples_per_s']:.2f} rows/s", flush=True)
        show(runs)


if __name__ == "__main__":
    main()
