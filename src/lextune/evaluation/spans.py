"""What is measured of tasks that find spans in texts, entity by entity; it knows no bound.

An entity is right if start, end and type are those of the label: the strict matching of CoNLL (Tjong Kim Sang and
De Meulder 2003, cs/0306050) and of seqeval's strict mode in IOB2. n is the number of entities behind a figure.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from lextune import statistics
from lextune.evaluation.kinds import (
    Kind,
    Resampling,
    TrainingInputs,
    groups_of,
    kept,
    kinds,
    row_f1_errors,
    rows_without_group,
)
from lextune.evaluation.metrics import measured
from lextune.labels import LabelKind, Span, read_spans, write_spans
from lextune.records import Measurement
from lextune.registry import Registry
from lextune.tasks.text.scripts import UNSPACED
from lextune.tasks.text.tagging import ScoredSpan

Found = tuple[ScoredSpan, ...]


@dataclass(frozen=True)
class ScoredSpans:
    """Predictions of one part in memory.

    Attributes:
        ids: Row ids, shape (rows,).
        labels: The entities of each row.
        found: What the model found in each row; None where it gave a number that is not finite.
        classes: Types.
        groups: Column to the group of each row; null where the row has none.
    """

    kind: ClassVar[LabelKind] = "spans"
    ids: tuple[str, ...]
    labels: Sequence[tuple[Span, ...]]
    found: Sequence[Found | None]
    classes: tuple[str, ...]
    groups: Mapping[str, Sequence[str | None]]

    @property
    def finite(self) -> npt.NDArray[np.bool_]:
        """Where the model answered, shape (rows,)."""
        return np.array([one is not None for one in self.found], bool)

    def counts(self, kind: str | None = None) -> npt.NDArray[np.int64]:
        """True positives, false positives, false negatives of each row, shape (rows, 3).

        Args:
            kind: Of this type alone; None is all types.
        """
        rows = np.zeros((len(self.ids), 3), np.int64)
        for row, (labels, found) in enumerate(zip(self.labels, self.found, strict=True)):
            true = {span for span in labels if kind in (None, span.type)}
            given = {Span(*one[:3]) for one in found or () if kind in (None, one.type)}
            both = len(true & given)
            rows[row] = both, len(given) - both, len(true) - both
        return rows

    def keep(self, mask: npt.NDArray[np.bool_]) -> ScoredSpans:
        """The rows where the mask is True."""
        made: ScoredSpans = kept(self, mask)
        return made

    def columns(self) -> dict[str, Any]:
        """label and prediction (cells of spans; null where the model did not answer), and the spans' scores."""
        return {
            "label": [write_spans(spans) for spans in self.labels],
            "prediction": [
                None if spans is None else write_spans(one[:3] for one in spans)
                for spans in self.found
            ],
            "scores": [
                None if spans is None else json.dumps([round(one.score, 6) for one in spans])
                for spans in self.found
            ],
        }


metrics: Registry[Any] = Registry("metric of spans", "lextune.evaluation")


def _by_type(name: str, scored: ScoredSpans, resampling: Resampling) -> list[Measurement]:
    """The figure of all types, and of each type that occurs or is found."""
    found = [_figure(name, scored.counts(), resampling)]
    for kind in scored.classes:
        one = _figure(name, scored.counts(kind), resampling)
        found.append(one.model_copy(update={"name": f"{name}.{kind}"}))
    return found


def _figure(name: str, counts: npt.NDArray[np.int64], resampling: Resampling) -> Measurement:
    how = {"samples": resampling.samples, "seed": resampling.seed}
    right, _, missed = counts.sum(axis=0).tolist()
    if name == "entity_f1":
        value = statistics.pooled_f1(counts)
        interval = statistics.pooled_f1_interval(counts, **how)
        return measured(name, value, interval, right + missed)
    of = counts[:, 0] + counts[:, 1 if name == "entity_precision" else 2]
    total = int(of.sum())
    interval = statistics.pooled_ratio_interval(counts[:, 0], of, **how)
    return measured(name, right / total if total else float("nan"), interval, total)


@metrics.register("entity_f1")
def entity_f1(scored: ScoredSpans, resampling: Resampling) -> list[Measurement]:
    """F1 of all entities, and of each type; n is the number of labelled ones."""
    return _by_type("entity_f1", scored, resampling)


@metrics.register("entity_precision")
def entity_precision(scored: ScoredSpans, resampling: Resampling) -> list[Measurement]:
    """Of the entities found, the share that are labelled so."""
    return _by_type("entity_precision", scored, resampling)


@metrics.register("entity_recall")
def entity_recall(scored: ScoredSpans, resampling: Resampling) -> list[Measurement]:
    """Of the labelled entities, the share that is found."""
    return _by_type("entity_recall", scored, resampling)


def by_group(scored: ScoredSpans, resampling: Resampling) -> list[Measurement]:
    """F1 and recall of each group of each group column; rows without a group are counted."""
    found = []
    for group, mask in groups_of(scored):
        counts = scored.keep(mask).counts()
        for name in ("entity_f1", "entity_recall"):
            one = _figure(name, counts, resampling)
            found.append(one.model_copy(update={"group": group}))
    return found + rows_without_group(scored)


baselines: Registry[Any] = Registry("baseline of spans", "lextune.evaluation")


@baselines.register("dictionary")
def dictionary(train: TrainingInputs, test: Sequence[str]) -> list[Found]:
    """Every text of a training entity, found again wherever it stands, the longest first.

    A text is an entity of the type that it was most often labelled, if at least half of its occurrences in
    the training texts were labelled at all. Case counts. In scripts that set spaces it must be whole words.
    """
    types: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text, spans in zip(train.inputs, train.labels, strict=True):
        for span in spans:
            types[text[span.start : span.end]][span.type] += 1
    everything = _any_of(types)
    seen = Counter(one.group() for text in train.inputs for one in everything.finditer(text))
    kept = {
        text: max(sorted(counts), key=counts.__getitem__)
        for text, counts in types.items()
        if 2 * counts.total() >= seen[text]
    }
    pattern = _any_of(kept)
    return [
        tuple(
            ScoredSpan(one.start(), one.end(), kept[one.group()], 1.0)
            for one in pattern.finditer(text)
        )
        for text in test
    ]


def _any_of(texts: Mapping[str, Any]) -> re.Pattern[str]:
    """Matches any of the texts, long ones first; nothing where there are none."""
    parts = []
    for text in sorted(texts, key=lambda one: (-len(one), one)):
        before = rf"(?<![^\W_{UNSPACED}])" if _WORD.match(text[:1]) else ""
        after = rf"(?![^\W_{UNSPACED}])" if _WORD.match(text[-1:]) else ""
        parts.append(before + re.escape(text) + after)
    return re.compile("|".join(parts) or r"(?!)")


_WORD = re.compile(rf"[^\W_{UNSPACED}]")


def answer(
    baseline: Any, train: TrainingInputs, test: Sequence[str], like: ScoredSpans
) -> ScoredSpans:
    """What the baseline finds beside the labels that the model's answers have."""
    found = baseline(train, test)
    return ScoredSpans(like.ids, like.labels, found, like.classes, {})


def difference(
    model: ScoredSpans, baseline: ScoredSpans, name: str, resampling: Resampling
) -> Measurement:
    """Entity F1 of the model minus the baseline's on the same rows; n is the number of labelled entities."""
    first, second = model.counts(), baseline.counts()
    value, interval = statistics.pooled_f1_difference(
        first, second, samples=resampling.samples, seed=resampling.seed
    )
    entities = int(first[:, [0, 2]].sum())
    return measured(f"entity_f1_minus_{name}", value, interval, entities)


def labels(
    inputs: Sequence[Any], cells: Sequence[str], classes: Sequence[str]  # noqa: ARG001
) -> list[tuple[Span, ...]]:  # fmt: skip
    """The entities of each row."""
    return [read_spans(cell) for cell in cells]


def made_up(labels: Sequence[tuple[Span, ...]], classes: int) -> list[Found]:  # noqa: ARG001
    """What is labelled, found again."""
    return [tuple(ScoredSpan(*one, 1.0) for one in spans) for spans in labels]


def row_errors(scored: ScoredSpans) -> npt.NDArray[np.float64]:
    """1 minus the F1 of the row's entities; NaN where it has none and none was found."""
    right, extra, missed = scored.counts().T
    return row_f1_errors(right, right + extra, right + missed, scored.finite)


kinds.register("spans")(
    Kind(
        ScoredSpans, labels, made_up, metrics, by_group, baselines, answer,
        ("entity_f1", "entity_precision", "entity_recall"), row_errors, difference,
    )
)  # fmt: skip
