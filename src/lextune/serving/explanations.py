"""What moved one answer, as records for answers of servers and files; it knows no request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from lextune.errors import ConfigError, Problem
from lextune.records import Record
from lextune.tasks.attribution.explaining import Attribution, explain, method_for, reasons


class ExplainedPart(Record):
    """A part of an input and how much it moved the answer.

    Attributes:
        part: A word, the name of a feature, or where a patch or a stretch lies.
        weight: In log-odds of the explained class: above 0 towards it.
        place: `start` and `end` in code points or seconds, or corners in pixels; null of a feature.
        value: Of a feature, its cell.
        usual: Of a feature, what it is compared with.
    """

    part: str
    weight: float
    place: dict[str, float] | None = None
    value: str | None = None
    usual: str | None = None


class Explanation(Record):
    """What moved one answer towards a class.

    Attributes:
        label: The class: the one asked for, else the adverse one that the release declares, else the answer itself.
        answered: Whether that class is the answer (of several classes, one of the answers).
        method: `integrated_gradients` or `occlusion`.
        log_odds: Of the class.
        baseline_log_odds: Of what the input is compared with; null where each part is compared by itself.
        gap: By how much the weights fail to sum to the difference of the two; null where they need not.
        complete: Whether that is within the tolerance.
        reasons: What moved the answer towards the class most, at most four sentences.
        parts: All of the input, in its order.
    """

    label: str
    answered: bool
    method: str
    log_odds: float
    baseline_log_odds: float | None
    gap: float | None
    complete: bool
    reasons: tuple[str, ...]
    parts: tuple[ExplainedPart, ...]


def target_of(wanted: str | None, classes: Sequence[str], scores: Sequence[float]) -> int:
    """Number of the class to explain: the wanted one, or the likeliest.

    Raises:
        ConfigError: It is no class of the model.
    """
    if wanted is None:
        return max(range(len(scores)), key=scores.__getitem__)
    if wanted not in classes:
        raise ConfigError(
            Problem(
                "the class that is to be explained is none of the model's",
                f"name one of {', '.join(classes[:20])}",
            )
        )
    return classes.index(wanted)


def explained(
    loaded: Any, given: Any, wanted: str | None, scores_of: Callable[[Sequence[Any]], Any],
    lock: AbstractContextManager[Any],
) -> Explanation:  # fmt: skip
    """The explanation of one input.

    Args:
        loaded: A `models.loading.LoadedModel`.
        given: The input as its encoder takes it.
        wanted: The class to explain; None is the likeliest.
        scores_of: From inputs to probabilities, shape (inputs, classes); it takes the lock itself.
        lock: Held while the model is asked for gradients.

    Raises:
        ConfigError: `wanted` is no class of the model.
        ModelError: Answers of this model are not explained.
        UnfitFileError: A file cannot be read.
    """
    scores = [float(one) for one in scores_of([given])[0]]
    target = target_of(wanted, loaded.classes, scores)
    answered = scores[target] >= (0.5 if loaded.task.label_kind == "classes" else max(scores))
    with lock if method_for(loaded) == "integrated_gradients" else nullcontext():
        found = explain(loaded, given, target, scores_of)
    return _record(found, loaded.classes, answered)


def _record(found: Attribution, classes: Sequence[str], answered: bool) -> Explanation:
    return Explanation(
        label=classes[found.target], answered=answered, method=found.method, log_odds=found.score,
        baseline_log_odds=found.baseline, gap=found.gap, complete=found.complete,
        reasons=reasons(found, classes),
        parts=tuple(
            ExplainedPart(
                part=one.name, weight=float(weight), place=dict(one.place) or None,
                value=one.value, usual=one.usual,
            )
            for one, weight in zip(found.parts, found.weights, strict=True)
        ),
    )  # fmt: skip
