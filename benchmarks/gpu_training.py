"""Training steps on a GPU: packed rows beside the library's padded ones, IMDb, all-MiniLM-L6-v2, 512 tokens.

    python benchmarks/gpu_training.py --shared ../shared

Both take the same batches of similar length in bf16 with the same fused AdamW, in turn. Without a GPU nothing is measured.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from machine import describe
from side_by_side import model_files, model_folder, small_part


def epoch(
    model: Any, batches: list[Any], labels: Any, logits: Callable[[Any], Any]
) -> tuple[float, float]:
    """Rows a second after the first three steps, and the peak memory in 10^9 bytes."""
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, fused=True)
    torch.cuda.reset_peak_memory_stats()
    rows, start = 0, 0.0
    for number, batch in enumerate(batches):
        if number == 3:
            torch.cuda.synchronize()
            start = time.perf_counter()
        with torch.autocast("cuda", torch.bfloat16):
            found = logits(batch)
        wanted = torch.from_numpy(labels[batch.rows]).cuda()
        torch.nn.functional.cross_entropy(found.float(), wanted).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        rows += len(batch) if number >= 3 else 0
    torch.cuda.synchronize()
    return rows / (time.perf_counter() - start), torch.cuda.max_memory_allocated() / 1e9


def main() -> None:
    """Train with both in turn, and print every repetition."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    options = parser.parse_args()
    import numpy as np
    import torch

    if not torch.cuda.is_available():
        sys.exit("this machine has no GPU that torch can use: nothing was measured")
    from lextune.models.loading import load_pretrained
    from lextune.tasks.base import tasks
    from lextune.training.batching import plan_epoch

    print(describe("torch", "transformers"))
    print(torch.cuda.get_device_name())
    found = small_part(options.shared.resolve() / "data/sentiment/imdb", "train")
    labels = np.array([label == "pos" for label, _, _ in found]).astype(np.int64)
    files = model_files(model_folder())
    task = tasks.get("sentiment")
    loaded = load_pretrained(files, task, ("neg", "pos"), max_length=512, dropout=0.0)
    model = loaded.model.cuda().train()
    encoded = loaded.encode([text.replace("<br />", " ") for _, _, text in found])
    plan = plan_epoch(encoded.lengths, options.batch_size, 42, 0)
    batches = [task.collate(encoded, rows).to(torch.device("cuda")) for rows in plan]
    sides = {
        "lextune": lambda batch: task.logits(model, batch),
        "library": lambda batch: model(**batch.padded()).logits,
    }
    speeds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(options.repetitions):
        for name, logits in sides.items():
            speed, memory = epoch(model, batches, labels, logits)
            speeds[name].append(speed)
            print(f"{number + 1} {name:8} {speed:8.1f} rows/s, peak {memory:.2f} GB", flush=True)
    ratios = [a / b for a, b in zip(speeds["lextune"], speeds["library"], strict=True)]
    print(f"lextune / library: median {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
