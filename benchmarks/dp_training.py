"""Private training beside stock Opacus: the same MiniLM, reviews, batch, clipping and noise; rows a second in turn.

    python benchmarks/dp_training.py --shared ../shared

Each side trains for some steps in a process of its own, all weights or all but the word embeddings. The peers are
Opacus 1.6 as its tutorials use it: `PrivacyEngine.make_private` with Poisson sampling, batches padded to their
longest row, transformers' model with dropout 0 and `position_ids` for each row (without them the gradients of
BERT's position embedding are wrong):

    opacus        one gradient a row is kept (`grad_sample_mode="hooks"`), in physical batches, fp32
    opacus-bf16   the same inside bf16 autocast
    opacus-ghost  norms without gradients of rows, then a second backward pass (`"ghost"`), fp32
    opacus-ghost-bf16  the same inside bf16 autocast

Rows a second leave out the first step of each process. Accuracy at a given epsilon: `dp_accuracy.py`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import describe
from side_by_side import (
    environment,
    measured,
    median_ratio,
    model_files,
    model_folder,
    run,
    small_part,
)

_SIDES = ("lextune", "opacus", "opacus-bf16", "opacus-ghost", "opacus-ghost-bf16")


def reviews(options: argparse.Namespace) -> tuple[list[str], list[int]]:
    """The first reviews of each class in turn."""
    found = small_part(options.shared / "data/sentiment/imdb", "train")
    half = len(found) // 2
    each = [row for pair in zip(found[:half], found[half:], strict=True) for row in pair]
    chosen = each[: options.rows]
    texts = [text.replace("<br />", " ") for _, _, text in chosen]
    return texts, [int(label == "pos") for label, _, _ in chosen]


def lextune_side(options: argparse.Namespace) -> dict[str, Any]:
    """Our loop with the method `dp_sgd`."""
    import numpy as np
    import torch

    from lextune.config_training import TrainConfig
    from lextune.models.loading import load_pretrained
    from lextune.tasks.base import tasks
    from lextune.training.loop import Rows, Trainer
    from lextune.training.machine import keep_freed_memory

    keep_freed_memory()
    count = -(-options.rows // options.batch_size)
    config = TrainConfig(
        method="dp_sgd", epochs=-(-options.steps // count), batch_size=options.batch_size,
        max_length=options.max_length, learning_rate=1e-4, noise_multiplier=options.noise,
        freeze_embeddings=options.frozen_embeddings, save_steps=10**6,
    )  # fmt: skip
    task, (texts, labels) = tasks.get("sentiment"), reviews(options)
    torch.manual_seed(config.seed)
    loaded = load_pretrained(
        model_files(model_folder()), task, ("neg", "pos"), max_length=config.max_length, dropout=0.0
    )
    ends: list[float] = []

    class Clock:
        def on_start(self, steps: int, done: int) -> None: ...
        def on_epoch(self, epoch: int, figures: dict[str, float]) -> None: ...
        def on_step(self, step: int, figures: dict[str, float]) -> None:
            ends.append(time.perf_counter())
            if len(ends) == options.steps:
                raise KeyboardInterrupt

    ids = [f"row-{number}" for number in range(len(texts))]
    train = Rows(loaded.encode(texts), np.array(labels, np.int64), ids)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            task, loaded.model, config, Path(folder), identity="benchmark", callbacks=[Clock()]
        )
        few = Rows(loaded.encode(texts[:8]), train.labels[:8], ids[:8])
        with contextlib.suppress(KeyboardInterrupt):
            trainer.run(train, few, 2, resume=False)
    sizes = [
        sum(len(rows) for rows in batches)
        for epoch in range(config.epochs)
        for batches in trainer.method.steps(train.encoded.lengths, epoch)
    ]
    return {"rows": sum(sizes[1 : len(ends)]), "seconds": ends[-1] - ends[0],
            "precision": trainer.progress.precision, "steps": len(ends)}  # fmt: skip


def opacus_side(options: argparse.Namespace) -> dict[str, Any]:
    """Opacus as its tutorials use it."""
    import warnings

    import torch
    from opacus import PrivacyEngine
    from opacus.utils.batch_memory_manager import BatchMemoryManager
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    warnings.simplefilter("ignore")
    ghost, half = "ghost" in options.side, "bf16" in options.side
    folder, (texts, labels) = model_folder(), reviews(options)
    torch.manual_seed(42)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=2, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    if options.frozen_embeddings:
        model.bert.embeddings.word_embeddings.requires_grad_(False)
    model.train()
    ids = tokenizer(texts, truncation=True, max_length=options.max_length)["input_ids"]
    rows = list(zip(ids, labels, strict=True))

    def collate(batch: list[tuple[list[int], int]]) -> dict[str, torch.Tensor]:
        width = max((len(one) for one, _ in batch), default=1)
        filled = [one + [0] * (width - len(one)) for one, _ in batch]
        found = torch.tensor(filled, dtype=torch.long).view(len(batch), width)
        mask = torch.tensor([[1] * len(one) + [0] * (width - len(one)) for one, _ in batch])
        return {
            "input_ids": found, "attention_mask": mask.view(len(batch), width),
            "position_ids": torch.arange(width).repeat(len(batch), 1),
            "token_type_ids": torch.zeros_like(found),
            "labels": torch.tensor([label for _, label in batch], dtype=torch.long),
        }  # fmt: skip

    loader = torch.utils.data.DataLoader(rows, batch_size=options.batch_size, collate_fn=collate)  # type: ignore[var-annotated]
    optimizer = torch.optim.AdamW(
        [one for one in model.parameters() if one.requires_grad], lr=1e-4, fused=True
    )
    criterion = torch.nn.CrossEntropyLoss()
    made = PrivacyEngine().make_private(
        module=model, optimizer=optimizer, data_loader=loader, noise_multiplier=options.noise,
        max_grad_norm=1.0, poisson_sampling=True,
        **({"criterion": criterion, "grad_sample_mode": "ghost"} if ghost else {}),
    )  # fmt: skip
    model, optimizer, loader = (
        (made[0], made[1], made[-1]) if not ghost else (made[0], made[1], made[3])
    )
    if ghost:
        criterion = made[2]
    ends, sizes, pending = [], [], 0
    while len(ends) < options.steps:
        with BatchMemoryManager(
            data_loader=loader, max_physical_batch_size=options.physical, optimizer=optimizer
        ) as parts:
            for batch in parts:
                wanted = batch.pop("labels")
                with torch.autocast("cpu", torch.bfloat16, enabled=half):
                    logits = model(**batch).logits
                loss = criterion(logits.float(), wanted)
                loss.backward()
                pending += len(wanted)
                skipped = optimizer._check_skip_next_step(pop_next=False)
                optimizer.step()
                optimizer.zero_grad()
                if not skipped:
                    ends.append(time.perf_counter())
                    sizes.append(pending)
                    pending = 0
                if len(ends) == options.steps:
                    break
    return {"rows": sum(sizes[1:]), "seconds": ends[-1] - ends[0],
            "precision": "bf16" if half else "fp32", "steps": len(ends)}  # fmt: skip


def side(options: argparse.Namespace) -> None:
    """Train in this process, and print one JSON line."""
    row = lextune_side(options) if options.side == "lextune" else opacus_side(options)
    print(json.dumps(row | {"rows_per_s": row["rows"] / row["seconds"]}))


def main() -> None:
    """All sides in turn, as often as asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--batch-size", type=int, default=64, help="expected rows of a step")
    parser.add_argument("--physical", type=int, default=16, help="rows in a pass of the peers")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--max-length", type=int, default=256)
    parser.add_argument("--noise", type=float, default=1.0)
    parser.add_argument("--frozen-embeddings", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sides", nargs="+", choices=_SIDES[1:], default=list(_SIDES[1:]))
    parser.add_argument("--side", choices=_SIDES, help="one side in this process")
    options = parser.parse_args()
    options.shared = options.shared.resolve()
    if options.side:
        side(options)
        return
    print(describe("torch", "transformers", "opacus"), flush=True)
    given = [
        "--shared", str(options.shared), "--rows", str(options.rows),
        "--batch-size", str(options.batch_size), "--physical", str(options.physical),
        "--steps", str(options.steps), "--max-length", str(options.max_length),
        "--noise", str(options.noise), *(["--frozen-embeddings"] * options.frozen_embeddings),
    ]  # fmt: skip
    names = ["lextune", *options.sides]
    speeds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(options.rounds):
        for name in names:
            command = measured([sys.executable, __file__, "--side", name, *given])
            found = run(command, environment())
            speeds[name].append(found.row["rows_per_s"])
            print(
                f"round {number + 1} {name:18} {found.row['rows_per_s']:7.2f} rows/s "
                f"{found.row['precision']} {found.row['rows']} rows, {found.peak_gb:.1f} GB",
                flush=True,
            )
    for name in options.sides:
        middle, low, high = median_ratio(speeds["lextune"], speeds[name])
        print(f"lextune / {name}: {middle:.2f} ({low:.2f}-{high:.2f}, {options.rounds} rounds)")


if __name__ == "__main__":
    main()
