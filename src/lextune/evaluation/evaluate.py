"""Puts metrics, groups and baselines of one split together into an Evaluation; it judges nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lextune.evaluation.baselines import accuracy_difference, baselines
from lextune.evaluation.metrics import Resampling, by_group, metrics
from lextune.evaluation.predict import Scored
from lextune.records import Evaluation, Measurement, Predictions


@dataclass(frozen=True)
class TrainingTexts:
    """What the baselines learn from: the same rows as the model, or some of them where they are very many.

    Attributes:
        of: How many rows the model learnt from.
    """

    texts: Sequence[str]
    labels: npt.NDArray[np.int64]
    of: int


def measure(scored: Scored, names: Sequence[str], resampling: Resampling) -> list[Measurement]:
    """Every named metric, then accuracy by group."""
    found = [one for name in names for one in metrics.get(name)(scored, resampling)]
    return found + by_group(scored)


def evaluate(
    scored: Scored,
    predictions: Predictions,
    metric_names: Sequence[str],
    resampling: Resampling,
    *,
    leaked: Collection[str] = (),
) -> Evaluation:
    """Metrics of the model on the rows it predicted, and on those of them that train did not contain.

    `evaluated_share` is the share of the split's rows with a finite score for every class;
    `failed_metrics` is 0 when every metric came out with its interval, and else undefined, with the names:
    what was not measured is no evidence either way. A class that no row has, or that is never predicted,
    has no recall or precision: undefined with n = 0, no failure.
    """
    finite = scored.finite
    usable = scored.keep(finite)
    found = measure(usable, metric_names, resampling)
    if leaked:
        clean = usable.keep(np.array([one not in leaked for one in usable.ids], dtype=bool))
        for one in metrics.get("accuracy")(clean, resampling):
            found.append(one.model_copy(update={"name": "accuracy_without_leaked_rows"}))
    rows = len(scored.labels)
    share = float(finite.mean()) if rows else float("nan")
    measured = {one.name.partition(".")[0] for one in found if one.group is None}
    absent = [name for name in metric_names if name not in measured]
    failed = [*absent, *(one.name for one in found if _failed(one))]
    found += [
        Measurement.exact("evaluated_share", share, n=rows, unit="proportion"),
        _failures(failed, len(found)),
    ]
    return Evaluation(
        status="complete",
        split=predictions.split,
        predictions=predictions,
        measurements=tuple(found),
        baselines={},
    )


def _failed(one: Measurement) -> bool:
    return (one.value is None or one.interval is None) and (one.n > 0 or "." not in one.name)


def _failures(names: Sequence[str], n: int) -> Measurement:
    if not names:
        return Measurement.exact("failed_metrics", 0, n=n, unit="metrics")
    why = f"without a value or an interval: {', '.join(sorted(set(names)))}"
    return Measurement(name="failed_metrics", value=None, n=n, unit="metrics", problem=why)


def compare(
    evaluation: Evaluation,
    scored: Scored,
    test_texts: Sequence[str],
    train: TrainingTexts,
    names: Sequence[str],
    resampling: Resampling,
    progress: Callable[[str], None] | None = None,
) -> Evaluation:
    """The evaluation with each baseline's metrics, and the paired difference to it, added.

    Beside a baseline's metrics stands `training_rows`: how many of the model's training rows (n) it learnt from.
    """
    learnt = Measurement.exact("training_rows", len(train.labels), n=train.of, unit="rows")
    beside: dict[str, tuple[Measurement, ...]] = {}
    differences = []
    for name in names:
        if progress is not None:
            progress(name)
        scores = baselines.get(name)(train.texts, train.labels, test_texts, len(scored.classes))
        other = Scored(scored.ids, scored.labels, scores, scored.classes, {})
        beside[name] = (*measure(other, ("accuracy", "macro_f1"), resampling), learnt)
        differences.append(accuracy_difference(scored, other, name))
    return evaluation.model_copy(
        update={
            "baselines": beside,
            "measurements": (*evaluation.measurements, *differences),
        }
    )
