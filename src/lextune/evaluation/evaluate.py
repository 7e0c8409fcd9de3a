"""Puts metrics, groups and baselines of one split together into an Evaluation; it judges nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from lextune.evaluation.kinds import Answers, Resampling, TrainingInputs, kinds
from lextune.evaluation.metrics import NOT_APPLICABLE
from lextune.records import Evaluation, Measurement, Predictions


def measure(scored: Answers, names: Sequence[str], resampling: Resampling) -> list[Measurement]:
    """Every named metric, then the headline by group."""
    kind = kinds.get(scored.kind)
    names = resampling.named(names)
    found = [one for name in names for one in kind.metrics.get(name)(scored, resampling)]
    return found + kind.by_group(scored, resampling)


def evaluate(
    scored: Answers,
    predictions: Predictions,
    metric_names: Sequence[str],
    resampling: Resampling,
    *,
    leaked: Collection[str] = (),
) -> Evaluation:
    """Metrics of the model on the rows it predicted, and the first of them on those that train did not contain.

    `evaluated_share` is the share of the split's rows with a finite score for every class;
    `failed_metrics` is 0 when every metric came out with its interval, and else undefined, with the names:
    what was not measured is no evidence either way. A class that no row has, or that is never predicted,
    has no recall or precision: undefined with n = 0, no failure. Nor is a metric that does not apply.
    """
    metric_names = resampling.named(metric_names)
    finite = scored.finite
    usable = scored.keep(finite)
    found = measure(usable, metric_names, resampling)
    if leaked:
        clean = usable.keep(np.array([one not in leaked for one in usable.ids], dtype=bool))
        headline = kinds.get(scored.kind).metrics.get(metric_names[0])(clean, resampling)[0]
        name = f"{headline.name}_without_leaked_rows"
        found.append(headline.model_copy(update={"name": name}))
    rows = len(scored.ids)
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
    if one.n == 0 and (one.problem or "").startswith(NOT_APPLICABLE):
        return False
    return (one.value is None or one.interval is None) and (one.n > 0 or "." not in one.name)


def _failures(names: Sequence[str], n: int) -> Measurement:
    if not names:
        return Measurement.exact("failed_metrics", 0, n=n, unit="metrics")
    why = f"without a value or an interval: {', '.join(sorted(set(names)))}"
    return Measurement(name="failed_metrics", value=None, n=n, unit="metrics", problem=why)


def compare(
    evaluation: Evaluation,
    scored: Answers,
    test_inputs: Sequence[Any],
    train: TrainingInputs,
    names: Sequence[str],
    resampling: Resampling,
    progress: Callable[[str], None] | None = None,
    headline: str = "",
) -> Evaluation:
    """The evaluation with each baseline's metrics, and the paired difference to it, added.

    Beside a baseline's metrics stands `training_rows`: how many of the model's training rows (n) it learnt from. The
    difference is of the task's headline metric where its kind says how, and else of the kind's own.
    """
    learnt = Measurement.exact("training_rows", len(train.inputs), n=train.of, unit="rows")
    kind = kinds.get(scored.kind)
    difference = kind.differences.get(headline, kind.difference)
    own = [headline] if headline in kind.differences and headline not in kind.beside else []
    beside: dict[str, tuple[Measurement, ...]] = {}
    differences: list[Measurement] = []
    for name in names:
        if progress is not None:
            progress(name)
        other = kind.answer(kind.baselines.get(name), train, test_inputs, scored)
        beside[name] = (*measure(other, (*own, *kind.beside), resampling), learnt)
        found = difference(scored, other, name, resampling)
        differences += found if isinstance(found, list) else [found]
    return evaluation.model_copy(
        update={
            "baselines": beside,
            "measurements": (*evaluation.measurements, *differences),
        }
    )
