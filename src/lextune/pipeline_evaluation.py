"""Scores tables of labelled rows, and measures a verified release on other data; it decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lextune.config import EvaluationConfig, RunConfig, load_config
from lextune.evidence.keys import load_trust
from lextune.extras import require
from lextune.listener import Listener
from lextune.records import Evaluation, Measurement
from lextune.release import read_release

if TYPE_CHECKING:
    from lextune.data.prepare import Prepared
    from lextune.evaluation.evaluate import TrainingTexts
    from lextune.evaluation.predict import Scored
    from lextune.models.loading import LoadedModel
    from lextune.tasks.base import Task


def evaluate_release(
    folder: Path,
    data: str,
    overrides: Sequence[str] = (),
    trust: Path | None = None,
    listener: Listener | None = None,
) -> dict[str, Any]:
    """Verify a release, read labelled rows and measure.

    Args:
        folder: The release.
        data: As in `data.test`.
        overrides: `data.x=value` strings over the data section that the release was made with.
        trust: A trust file; None is the user's own.
        listener: Told what goes on.

    Returns:
        `metrics` (name to value, low, high, level, n), `rows`, `release`, `run`, `fingerprint`.

    Raises:
        VerificationError: The release does not verify.
        DataError: The data has faults, or a class that the model does not know.
    """
    from lextune.data.prepare import load_labelled
    from lextune.evaluation.evaluate import measure
    from lextune.evaluation.metrics import Resampling
    from lextune.models.loading import load_finished

    require("text")
    listener = listener or Listener()
    release = read_release(folder, load_trust(trust))
    config = load_config(release.config.for_other_data(), overrides)
    loaded = load_finished(release.files)
    rows = load_labelled((data,), config.data, loaded.classes, listener.tell)
    scored = score_table(loaded, rows.table, config.evaluation.batch_size, listener)
    resampling = Resampling(config.evaluation.bootstrap_samples, config.evaluation.seed)
    return {
        "metrics": metrics_document(measure(scored, loaded.task.metrics, resampling)),
        "rows": len(scored.labels),
        "release": release.name,
        "run": release.verification.evidence.run,
        "fingerprint": rows.fingerprint,
    }


def score_table(
    loaded: LoadedModel, table: Any, batch_size: int, listener: Listener, folder: Path | None = None
) -> Scored:
    """Predict a table of labelled rows (columns id, text, label, group.NAME), in its own order.

    Args:
        loaded: The model.
        table: As the data room makes it.
        batch_size: Rows predicted at a time.
        listener: Told what goes on.
        folder: On whose disk the tokenised rows lie meanwhile; None is the system's.
    """
    from lextune.data.columns import Texts
    from lextune.evaluation.predict import Scored, score_rows
    from lextune.pipeline_training import class_numbers
    from lextune.tasks.text.tokens import unnamed_tokens

    texts = Texts(table["text"])
    encoded = unnamed_tokens(
        loaded.encode, texts.blocks(), listener.bar("tokenise", len(texts)), folder
    )
    advance = listener.bar("predict", len(encoded))
    scores = score_rows(
        encoded.in_order(batch_size),
        lambda rows: loaded.scores(encoded, rows),
        len(encoded),
        len(loaded.classes),
        advance,
    )
    groups = {
        name.removeprefix("group."): table[name].to_pylist()
        for name in table.column_names
        if name.startswith("group.")
    }
    labels = class_numbers(table["label"], loaded.classes)
    return Scored(tuple(table["id"].to_pylist()), labels, scores, loaded.classes, groups)


@dataclass(frozen=True)
class Measuring:
    """How predictions of the test part are measured, and beside what.

    Attributes:
        task: Names the metrics and the baselines.
        learnt: What the baselines learn from.
        leaked: Ids of test rows that also stand elsewhere.
        config: The config's evaluation section.
    """

    task: Task
    learnt: TrainingTexts
    leaked: frozenset[str]
    config: EvaluationConfig

    def __call__(
        self, scored: Scored, texts: Any, folder: Path, tell: Callable[[str], None]
    ) -> Evaluation:
        """Write the predictions into `folder`, and measure them; `texts` is the test part's column."""
        from lextune.data.columns import Texts
        from lextune.evaluation.evaluate import compare, evaluate
        from lextune.evaluation.metrics import Resampling
        from lextune.evaluation.predict import write_predictions

        predictions = write_predictions(scored, folder, "test")
        resampling = Resampling(self.config.bootstrap_samples, self.config.seed)
        evaluation = evaluate(
            scored, predictions, self.task.metrics, resampling, leaked=self.leaked
        )
        return compare(
            evaluation, scored, Texts(texts), self.learnt, self.task.baselines, resampling,
            lambda name: tell(f"baseline {name}"),
        )  # fmt: skip


def try_measuring(
    config: RunConfig, prepared: Prepared, train: int, test: int, folder: Path, listener: Listener
) -> float:
    """Seconds of measuring made-up scores of the first `test` test rows, with baselines of the first `train` rows.

    A baseline needs rows of two classes: where the first rows have one, they are given labels in turn.
    """
    import numpy as np

    from lextune.evaluation.evaluate import TrainingTexts
    from lextune.evaluation.predict import Scored
    from lextune.pipeline_training import class_numbers
    from lextune.tasks.base import tasks

    classes = prepared.ref.classes
    few, measured = prepared.parts["train"][:train], prepared.parts["test"][:test]
    labels = class_numbers(measured["label"], classes)
    scores = np.random.default_rng(0).dirichlet(np.ones(len(classes)), len(labels))
    scored = Scored(tuple(measured["id"].to_pylist()), labels, scores, classes, {})
    start = time.perf_counter()
    texts = few["text"].to_pylist()
    taught = class_numbers(few["label"], classes)
    if len(set(taught.tolist())) < 2:
        taught = np.arange(len(texts)) % len(classes)
    learnt = TrainingTexts(texts, taught, len(texts))
    measuring = Measuring(tasks.get(config.task), learnt, frozenset(), config.evaluation)
    measuring(scored, measured["text"], folder / "predictions", listener.tell)
    return time.perf_counter() - start


def training_texts(table: Any, classes: Sequence[str], seed: int) -> TrainingTexts:
    """What the baselines learn from: the training part, or so many of its rows as they take, drawn with the seed."""
    import numpy as np

    from lextune.data.columns import Names, Texts
    from lextune.data.splits import sample
    from lextune.evaluation.baselines import MOST_ROWS
    from lextune.evaluation.evaluate import TrainingTexts
    from lextune.pipeline_training import class_numbers

    labels = class_numbers(table["label"], classes)
    ids = np.array(table["id"].to_pylist(), np.bytes_)
    rows = sample(ids, Names(classes, labels.astype(np.int32)), MOST_ROWS, seed)
    return TrainingTexts(Texts(table["text"]).take(rows), labels[rows], len(labels))


def metrics_document(measurements: Sequence[Measurement]) -> dict[str, dict[str, Any]]:
    """Name (with its group in brackets) to value, low, high, level, n."""
    found = {}
    for one in measurements:
        name = f"{one.name}[{one.group}]" if one.group else one.name
        interval = one.interval
        found[name] = {
            "value": one.value,
            "low": interval.low if interval else None,
            "high": interval.high if interval else None,
            "level": interval.level if interval else None,
            "n": one.n,
        }
    return found
