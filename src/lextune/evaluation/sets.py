"""What is measured of tasks that give each row any number of classes; it knows no bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from lextune import statistics
from lextune.evaluation.baselines import fit_tfidf
from lextune.evaluation.kinds import (
    Kind,
    Resampling,
    TrainingInputs,
    in_groups,
    kinds,
    made_up_scores,
    row_f1_errors,
)
from lextune.evaluation.metrics import measured, proportion
from lextune.labels import LabelKind, read_classes, write_classes
from lextune.records import Measurement
from lextune.registry import Registry
from lextune.tasks.multi_label_classification import THRESHOLD

_BLOCK = 4096


@dataclass(frozen=True)
class ScoredSets:
    """Predictions of one part in memory.

    Attributes:
        ids: Row ids, shape (rows,).
        labels: Which classes each row has, bool, shape (rows, classes).
        scores: A probability for each class, float64, shape (rows, classes).
        classes: Names of the columns.
        groups: Column to the group of each row; null where the row has none.
    """

    kind: ClassVar[LabelKind] = "classes"
    ids: tuple[str, ...]
    labels: npt.NDArray[np.bool_]
    scores: npt.NDArray[np.float64]
    classes: tuple[str, ...]
    groups: Mapping[str, Sequence[str | None]]

    @property
    def predicted(self) -> npt.NDArray[np.bool_]:
        """Classes that are given, shape (rows, classes)."""
        return np.asarray(self.scores >= THRESHOLD)

    @property
    def finite(self) -> npt.NDArray[np.bool_]:
        """Where every class has a finite score, shape (rows,)."""
        return np.asarray(np.isfinite(self.scores).all(axis=1))

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """True positives, false positives, false negatives of each row and class, shape (rows, classes, 3)."""
        given, has = self.predicted, self.labels
        return np.stack([given & has, given & ~has, ~given & has], axis=2).astype(np.int64)

    def keep(self, mask: npt.NDArray[np.bool_]) -> ScoredSets:
        """The rows where the mask is True."""
        chosen = np.flatnonzero(mask).tolist()
        groups = {name: [values[i] for i in chosen] for name, values in self.groups.items()}
        ids = tuple(self.ids[i] for i in chosen)
        return ScoredSets(ids, self.labels[mask], self.scores[mask], self.classes, groups)

    def columns(self) -> dict[str, Any]:
        """label, prediction (cells of several classes; null without finite scores) and score.CLASS."""
        cells = [
            [self._cell(row) if good else None for row, good in zip(rows, self.finite, strict=True)]
            for rows in (self.predicted,)
        ]
        found: dict[str, Any] = {
            "label": [self._cell(row) for row in self.labels], "prediction": cells[0],
        }  # fmt: skip
        return found | {f"score.{name}": self.scores[:, i] for i, name in enumerate(self.classes)}

    def _cell(self, row: npt.NDArray[np.bool_]) -> str:
        return write_classes(self.classes[i] for i in np.flatnonzero(row).tolist())


metrics: Registry[Any] = Registry("metric of several classes", "lextune.evaluation")


@metrics.register("micro_f1")
def micro_f1(scored: ScoredSets, resampling: Resampling) -> list[Measurement]:
    """F1 over all decisions, one a row and class; n is the number of classes to be given."""
    counts = scored.counts.sum(axis=1)
    interval = statistics.pooled_f1_interval(
        counts, samples=resampling.samples, seed=resampling.seed
    )
    value = statistics.pooled_f1(counts)
    return [measured("micro_f1", value, interval, int(scored.labels.sum()))]


@metrics.register("macro_f1")
def macro_f1(scored: ScoredSets, resampling: Resampling) -> list[Measurement]:
    """Mean F1 over the classes that occur in labels or predictions.

    The interval is the mean of the classes' limits, as if all erred together: conservative.
    """
    counts = scored.counts
    seen = [i for i in range(len(scored.classes)) if counts[:, i].any()]
    values = [statistics.pooled_f1(counts[:, i]) for i in seen]
    limits = [
        statistics.pooled_f1_interval(
            counts[:, i], samples=resampling.samples, seed=resampling.seed
        )
        for i in seen
    ]
    interval = statistics.mean_interval(limits)
    value = float(np.mean(values)) if values else float("nan")
    return [measured("macro_f1", value, interval, len(scored.ids))]


@metrics.register("subset_accuracy")
def subset_accuracy(scored: ScoredSets, resampling: Resampling) -> list[Measurement]:  # noqa: ARG001
    """Share of rows that are given just their classes."""
    right = int((scored.predicted == scored.labels).all(axis=1).sum())
    return [proportion("subset_accuracy", right, len(scored.ids))]


@metrics.register("precision")
def precision(scored: ScoredSets, resampling: Resampling) -> list[Measurement]:  # noqa: ARG001
    """Per class: of the rows that are given it, the share that have it."""
    return _per_class("precision", scored, scored.predicted)


@metrics.register("recall")
def recall(scored: ScoredSets, resampling: Resampling) -> list[Measurement]:  # noqa: ARG001
    """Per class: of the rows that have it, the share that are given it."""
    return _per_class("recall", scored, scored.labels)


def _per_class(name: str, scored: ScoredSets, of: npt.NDArray[np.bool_]) -> list[Measurement]:
    hits = (scored.predicted & scored.labels).sum(axis=0)
    return [
        proportion(f"{name}.{one}", int(hits[i]), int(of[:, i].sum()))
        for i, one in enumerate(scored.classes)
    ]


@metrics.register("macro_roc_auc")
def macro_roc_auc(scored: ScoredSets, resampling: Resampling) -> list[Measurement]:  # noqa: ARG001
    """Mean area under the ROC curve over the classes that some rows have and others not."""
    values, limits = [], []
    for i in range(len(scored.classes)):
        labels = scored.labels[:, i].astype(np.int64)
        if 0 < labels.sum() < len(labels):
            both = np.column_stack([1 - scored.scores[:, i], scored.scores[:, i]])
            values.append(statistics.roc_auc(labels, both))
            limits.append(statistics.roc_auc_interval(labels, both))
    value = float(np.mean(values)) if values else float("nan")
    return [measured("macro_roc_auc", value, statistics.mean_interval(limits), len(scored.ids))]


def by_group(scored: ScoredSets, resampling: Resampling) -> list[Measurement]:
    """Micro F1 of each group of each group column; rows without a group are counted."""
    return in_groups(scored, micro_f1, resampling)


baselines: Registry[Any] = Registry("baseline of several classes", "lextune.evaluation")


@baselines.register("most_frequent_classes")
def most_frequent_classes(train: TrainingInputs, test: Sequence[Any]) -> npt.NDArray[np.float64]:
    """Always the shares of train as scores, and where none reaches the threshold, the most frequent class."""
    shares = train.labels.mean(axis=0).astype(np.float64)
    if (shares < THRESHOLD).all():
        shares[shares.argmax()] = THRESHOLD
    return np.tile(shares, (len(test), 1))


@baselines.register("tfidf_one_vs_rest")
def tfidf_one_vs_rest(train: TrainingInputs, test: Sequence[str]) -> npt.NDArray[np.float64]:
    """Logistic regression (C = 10) on TF-IDF for each class by itself; a class that all or none has keeps its share."""
    from sklearn.linear_model import LogisticRegression

    vectoriser, features = fit_tfidf(train.inputs)
    labels = train.labels
    scores = np.tile(labels.mean(axis=0).astype(np.float64), (len(test), 1))
    models = {}
    for i in range(labels.shape[1]):
        if 0 < labels[:, i].sum() < len(labels):
            models[i] = LogisticRegression(C=10, max_iter=1000).fit(features, labels[:, i])
    for start in range(0, len(test), _BLOCK):
        block = vectoriser.transform(test[start : start + _BLOCK])
        for i, model in models.items():
            scores[start : start + _BLOCK, i] = model.predict_proba(block)[:, 1]
    return scores


def answer(
    baseline: Any, train: TrainingInputs, test: Sequence[Any], like: ScoredSets
) -> ScoredSets:
    """The baseline's scores beside the labels that the model's answers have."""
    scores = baseline(replace(train, labels=train.labels.astype(bool)), test)
    return ScoredSets(like.ids, like.labels, scores, like.classes, {})


def difference(
    model: ScoredSets, baseline: ScoredSets, name: str, resampling: Resampling
) -> Measurement:
    """Micro F1 of the model minus the baseline's on the same rows."""
    value, interval = statistics.pooled_f1_difference(
        model.counts.sum(axis=1), baseline.counts.sum(axis=1),
        samples=resampling.samples, seed=resampling.seed,
    )  # fmt: skip
    return measured(f"micro_f1_minus_{name}", value, interval, len(model.ids))


def labels(
    inputs: Sequence[Any], cells: Sequence[str], classes: Sequence[str]  # noqa: ARG001
) -> npt.NDArray[np.bool_]:  # fmt: skip
    """Which classes each row has, shape (rows, classes)."""
    number = {name: index for index, name in enumerate(classes)}
    found = np.zeros((len(cells), len(classes)), bool)
    for row, cell in enumerate(cells):
        found[row, [number[name] for name in read_classes(cell)]] = True
    return found


def row_errors(scored: ScoredSets) -> npt.NDArray[np.float64]:
    """1 minus the F1 of the row's classes; NaN where it has none and was given none."""
    right, extra, missed = np.moveaxis(scored.counts.sum(axis=1), 1, 0)
    return row_f1_errors(right, right + extra, right + missed, scored.finite)


kinds.register("classes")(
    Kind(
        ScoredSets, labels, made_up_scores, metrics, by_group, baselines, answer,
        ("micro_f1", "subset_accuracy"), row_errors, difference,
    )
)  # fmt: skip
