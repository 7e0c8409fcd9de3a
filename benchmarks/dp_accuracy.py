"""Accuracy of private training at several epsilons beside the same run without noise, on IMDb reviews and SST-2.

    python benchmarks/dp_accuracy.py --shared ../shared

Every run is the training loop as `lextune run` has it, on all-MiniLM-L6-v2: the training rows, a validation part
that chooses the epoch, and a test part that no training saw. IMDb: 2,000 or more reviews (`--imdb-rows`), tested on the
2,000 of `aclImdb_small/test`. SST-2: `--sst2-rows` drawn rows of train.tsv, tested on dev.tsv (872). Intervals are
Wilson's for one accuracy; seeds differ in the order of rows, while noise is never the same twice. Private runs train the
head alone: so few rows hide no more weights. Their rate and batch were chosen among a few by 1,000 validation sentences of
SST-2. Beside them stand all weights without noise, and the head without noise.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import describe
from side_by_side import model_files, model_folder, other_reviews, small_part

_CLASSES = ("negative", "positive")
#: Of private runs: many rows a step and a high rate (Li et al. 2022, arXiv:2110.05679, section 3). The bound is of the size of a
#: row's gradient at the head: with a small one, rows that are right push as hard as those that are wrong.
_PRIVATE = {
    "method": "dp_sgd", "dp_scope": "head", "batch_size": 1024, "epochs": 12, "learning_rate": 1e-2,
    "max_grad_norm": 5.0, "weight_decay": 0.0, "early_stopping_patience": 12,
}  # fmt: skip
_PLAIN = {
    "none, full": {"method": "full", "batch_size": 32, "epochs": 3, "learning_rate": 1e-4},
    "none, head": {
        "method": "head", "batch_size": 256, "epochs": 12, "learning_rate": 1e-3, "early_stopping_patience": 12,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """Texts with their class numbers."""

    texts: list[str]
    labels: list[int]


def imdb(options: argparse.Namespace) -> dict[str, Part]:
    """Reviews by part; rows beyond the small archive's come from the large one."""
    folder = options.shared / "data/sentiment/imdb"
    train = small_part(folder, "train")
    known = {name for _, name, _ in train}
    more = other_reviews(folder, "train", known, max(0, options.imdb_rows - len(train)) + 400)
    half = len(more) // 2  # negative ones first
    cut = [*more[:200], *more[half : half + 200]]
    rest = [*more[200:half], *more[half + 200 :]]
    found = {"train": [*train, *rest], "validation": cut, "test": small_part(folder, "test")}
    return {
        name: Part([text for _, _, text in rows], [int(label == "pos") for label, _, _ in rows])
        for name, rows in found.items()
    }


def sst2(options: argparse.Namespace) -> dict[str, Part]:
    """Sentences by part; train and validation are drawn from train.tsv with seed 0."""
    import numpy as np

    def read(name: str) -> Part:
        path = options.shared / "data/text_classification/sst2" / name
        with open(path, newline="", encoding="utf-8") as stream:
            # the columns have other names in dev.tsv, in the same order
            rows = list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
        return Part([text for _, text in rows], [int(label) for label, _ in rows])

    whole, test = read("train.tsv"), read("dev.tsv")
    order = np.random.default_rng(0).permutation(len(whole.texts))

    def taken(places: Iterable[int]) -> Part:
        chosen = list(places)
        return Part([whole.texts[i] for i in chosen], [whole.labels[i] for i in chosen])

    end = 1000 + options.sst2_rows
    return {"train": taken(order[1000:end]), "validation": taken(order[:1000]), "test": test}


def train_once(parts: dict[str, Part], settings: dict[str, Any], max_length: int) -> dict[str, Any]:
    """One training; what the test part says of it."""
    import numpy as np
    import torch
    from scipy.stats import binomtest

    from lextune.config_training import TrainConfig
    from lextune.models.loading import load_pretrained
    from lextune.tasks.base import tasks
    from lextune.training.loop import Rows, Trainer
    from lextune.training.machine import keep_freed_memory
    from lextune.training.methods.base import methods
    from lextune.training.pooling import standardise_pooler

    keep_freed_memory()
    config = TrainConfig(**settings, max_length=max_length, save_steps=10**6)
    task = tasks.get("sentiment")
    torch.manual_seed(config.seed)
    loaded = load_pretrained(
        model_files(model_folder()), task, _CLASSES, max_length=max_length, dropout=0.0
    )
    rows = {
        name: Rows(loaded.encode(one.texts), np.array(one.labels), [str(i) for i in range(len(one.texts))])
        for name, one in parts.items()
    }  # fmt: skip
    method = methods.get(config.method)
    method.check(config, task, len(rows["train"].ids))
    start = rows["validation" if method.guarded else "train"]
    standardise_pooler(task, loaded.model, start, loaded.new_tensors)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(task, loaded.model, config, Path(folder), identity="benchmark")
        outcome = trainer.run(rows["train"], rows["validation"], 2, resume=False)
        seconds = time.perf_counter() - begun
        accuracy = trainer.validate(rows["test"])[1]
        spent = trainer.method.privacy(outcome.steps, outcome.epochs)
    n = len(parts["test"].labels)
    interval = binomtest(round(accuracy * n), n).proportion_ci(method="wilson")
    kept = ("epsilon", "delta", "noise_multiplier", "sampling_rate", "steps")
    return {
        "accuracy": accuracy, "low": interval.low, "high": interval.high, "n": n,
        "best_epoch": outcome.best_epoch, "seconds": seconds,
        "train_samples_per_s": outcome.samples_per_second,
        **({} if spent is None else {key: spent[key] for key in kept}),
    }  # fmt: skip


def main() -> None:
    """All runs of both sets, one line each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--sets", nargs="+", choices=("imdb", "sst2"), default=["imdb", "sst2"])
    parser.add_argument("--epsilons", type=float, nargs="+", default=[3.0, 8.0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[42])
    parser.add_argument("--imdb-rows", type=int, default=2000)
    parser.add_argument("--sst2-rows", type=int, default=20_000)
    parser.add_argument("--without-plain", action="store_true")
    parser.add_argument(
        "--private", type=json.loads, default={}, help="JSON of train settings to change"
    )
    options = parser.parse_args()
    options.shared = options.shared.resolve()
    print(describe("torch", "transformers", "opacus", "dp-accounting"), flush=True)
    for name in options.sets:
        parts = {"imdb": imdb, "sst2": sst2}[name](options)
        length = {"imdb": 256, "sst2": 64}[name]
        for seed in options.seeds:
            plain = {} if options.without_plain else _PLAIN
            runs = {target: {**one, "seed": seed} for target, one in plain.items()}
            for epsilon in options.epsilons:
                runs[str(epsilon)] = {
                    **_PRIVATE, "target_epsilon": epsilon, "seed": seed, **options.private,
                }  # fmt: skip
            for epsilon, settings in runs.items():
                row = train_once(parts, settings, length)
                found = {
                    "set": name,
                    "rows": len(parts["train"].labels),
                    "seed": seed,
                    "target": epsilon,
                }
                print(json.dumps(found | row), flush=True)


if __name__ == "__main__":
    main()
