"""Prediction beside the stock transformers pipeline: IMDb reviews, a fine-tuned all-MiniLM-L6-v2.

    python benchmarks/predict_speed.py --shared ../shared --model FOLDER

FOLDER is the `model/` of a finished run (or a release). Both sides predict the same reviews in turn, in
processes of their own, from a file of texts to a file of labels. The pipeline gets its best settings:
texts sorted by length, batches of the best of several sizes, fp32 (as it loads the model) or bf16.
Labels must be those of the fp32 pipeline, but where its two best scores differ by less than 0.001.
"""

from __future__ import annotations

import argparse
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
    measured,
    median_ratio,
    model_files,
    other_reviews,
    run,
)


def texts(path: Path) -> list[str]:
    """One JSON string a line."""
    with open(path, encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def finish(options: argparse.Namespace, scores: list[dict[str, float]], seconds: float) -> None:
    """Write the scores, and print the row."""
    with open(options.out, "w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(one) + "\n" for one in scores)
    print(json.dumps({"rows_per_s": len(scores) / seconds, "predict_s": seconds}))


def lextune_side(options: argparse.Namespace) -> None:
    """As `lextune predict` does it, without a release around the model."""
    import numpy as np

    from lextune.models.loading import load_finished
    from lextune.training.machine import keep_freed_memory

    keep_freed_memory()
    files = model_files(options.model)
    loaded = load_finished(files)
    given = texts(options.texts)
    start = time.perf_counter()
    found = np.empty((len(given), len(loaded.classes)))
    for begin in range(0, len(given), 1024):  # as `predict_stream` cuts its input
        encoded = loaded.encode(given[begin : begin + 1024])
        for rows in encoded.in_order(64):
            found[begin + rows] = loaded.scores(encoded, rows)
    seconds = time.perf_counter() - start
    finish(
        options, [dict(zip(loaded.classes, row, strict=True)) for row in found.tolist()], seconds
    )


def pipeline_side(options: argparse.Namespace) -> None:
    """The stock pipeline, sorted and batched."""
    import torch
    from transformers import pipeline

    classify = pipeline(
        "text-classification", model=str(options.model), top_k=None, device="cpu",
        dtype=torch.bfloat16 if options.bf16 else torch.float32,
    )  # fmt: skip
    given = texts(options.texts)
    start = time.perf_counter()
    order = sorted(range(len(given)), key=lambda index: -len(given[index]))
    # cut where the model's own tokenizer says
    out = classify(
        [given[index] for index in order], batch_size=options.batch_size, truncation=True
    )
    found: list[dict[str, float]] = [{}] * len(given)
    for index, one in zip(order, out, strict=True):
        found[index] = {item["label"]: item["score"] for item in one}
    finish(options, found, time.perf_counter() - start)


def command(
    options: argparse.Namespace, side: str, work: Path, rows: Path, *more: str
) -> list[str]:
    """One side's command; its scores go to a file of its name."""
    return measured([
        sys.executable, __file__, "--side", side, "--model", str(options.model),
        "--texts", str(rows), "--out", str(work / f"{'-'.join([side, *more])}.jsonl"), *more,
    ])  # fmt: skip


def differing(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> tuple[int, int, float]:
    """Labels that differ, those of them where their two best scores are 0.001 apart or more, the largest gap of a score."""
    other = far = 0
    largest = 0.0
    for one, two in zip(ours, theirs, strict=True):
        largest = max(largest, *(abs(one[name] - two[name]) for name in two))
        best = sorted(two.values())
        if max(one, key=one.__getitem__) != max(two, key=two.__getitem__):
            other += 1
            far += best[-1] - best[-2] >= 1e-3
    return other, far, largest


def scores(path: Path) -> list[dict[str, float]]:
    """What a side wrote."""
    with open(path, encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def compare(options: argparse.Namespace, work: Path) -> None:
    """Find the pipeline's best batch size, then run all sides in turn."""
    imdb = options.shared / "data/sentiment/imdb"
    reviews = [
        text.replace("<br />", " ")
        for _, _, text in other_reviews(imdb, "test", set(), options.rows)
    ]
    for name, some in (("few", reviews[:: max(1, len(reviews) // 400)]), ("all", reviews)):
        (work / name).write_text("".join(json.dumps(one) + "\n" for one in some), encoding="utf-8")
    env = environment()
    sides = {"lextune": command(options, "lextune", work, work / "all")}
    for name, more in (("pipeline", ()), ("pipeline-bf16", ("--bf16",))):
        speed = {}
        for size in (8, 16, 32):
            tried = command(
                options, "pipeline", work, work / "few", "--batch-size", str(size), *more
            )
            speed[size] = run(tried, env).row["rows_per_s"]
        best = max(speed, key=speed.__getitem__)
        print(
            f"{name}: batches of {best} are fastest ({', '.join(f'{k}: {v:.1f}/s' for k, v in speed.items())})"
        )
        sides[name] = command(
            options, "pipeline", work, work / "all", "--batch-size", str(best), *more
        )
    runs: dict[str, list[Finished]] = {name: [] for name in sides}
    for number in range(options.repetitions):
        for name, one in sides.items():
            runs[name].append(run(one, env))
            found = runs[name][-1]
            print(
                f"{number + 1} {name:14} {found.row['rows_per_s']:8.1f} rows/s, process "
                f"{found.seconds:6.1f} s, peak {found.peak_gb:.2f} GB", flush=True,
            )  # fmt: skip
    written = {name: scores(Path(one[one.index("--out") + 1])) for name, one in sides.items()}
    ours = [one.row["rows_per_s"] for one in runs["lextune"]]
    for name in ("pipeline", "pipeline-bf16"):
        middle, low, high = median_ratio(ours, [one.row["rows_per_s"] for one in runs[name]])
        print(f"lextune / {name}: median {middle:.2f} ({low:.2f} to {high:.2f})")
    for name in ("lextune", "pipeline-bf16"):
        other, far, largest = differing(written[name], written["pipeline"])
        print(
            f"{name} beside pipeline, n {len(reviews)}: {other} labels differ, {far} of them where its two "
            f"best scores are 0.001 apart or more; largest difference of a score {largest:.4f}"
        )


def main() -> None:
    """Run one side, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--repetitions", type=int, default=3)
    for name, kind in (("--side", str), ("--texts", Path), ("--out", Path)):
        parser.add_argument(name, type=kind, help=argparse.SUPPRESS)
    parser.add_argument("--batch-size", type=int, default=16, help=argparse.SUPPRESS)
    parser.add_argument("--bf16", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        {"lextune": lextune_side, "pipeline": pipeline_side}[options.side](options)
        return
    options.shared, options.model = options.shared.resolve(), options.model.resolve()
    print(describe("torch", "transformers", "tokenizers"))
    with tempfile.TemporaryDirectory() as folder:
        compare(options, Path(folder))


if __name__ == "__main__":
    main()
