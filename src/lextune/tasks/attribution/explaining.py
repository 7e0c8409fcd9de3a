"""Explains one answer: how much each part of the input moved it, and in sentences; it knows no law and no request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lextune.errors import ModelError, Problem
from lextune.tasks.attribution.parts import Divided, Part, divided

Floats = npt.NDArray[np.float64]
Scores = Callable[[Sequence[Any]], npt.NDArray[np.floating[Any]]]
Method = Literal["auto", "integrated_gradients", "occlusion"]

#: Points of the integral, which are doubled up to the most while the weights do not sum to the difference.
_STEPS, _MOST_STEPS = 16, 128
#: How far the sum may be off, as a share of the difference, or in log-odds where that is small.
TOLERANCE, _SMALL = 0.05, 0.5
#: A probability of 0 has no log-odds; this one is as good as 0.
_LEAST = 1e-12


@dataclass(frozen=True)
class Attribution:
    """How much each part of an input moved the log-odds of a class.

    Attributes:
        target: Number of the class.
        method: By which it was found.
        parts: Of the input.
        weights: In log-odds, shape (parts,): above 0 towards the class.
        score: Log-odds of the class.
        baseline: Log-odds of what the input is compared with; None where each part is compared by itself.
        gap: By how much the weights fail to sum to the difference of the two; None where they need not.
    """

    target: int
    method: str
    parts: tuple[Part, ...]
    weights: Floats
    score: float
    baseline: float | None = None
    gap: float | None = None

    @property
    def complete(self) -> bool:
        """Whether the weights sum to the difference within the tolerance, where they must."""
        if self.gap is None or self.baseline is None:
            return True
        return self.gap <= max(TOLERANCE * abs(self.score - self.baseline), TOLERANCE * _SMALL)


def log_odds(scores: npt.NDArray[np.floating[Any]], target: int, *, each: bool) -> Floats:
    """Logarithm of p / (1 - p) of a class, shape (rows,).

    Args:
        scores: Probabilities, shape (rows, classes).
        target: Number of the class.
        each: Whether classes do not exclude each other.
    """
    found = np.asarray(scores, np.float64)
    mine = found[:, target]
    # near 1 the other classes say more exactly what is missing
    others = 1 - mine if each else np.delete(found, target, axis=1).sum(axis=1)
    return np.asarray(np.log(np.maximum(mine, _LEAST)) - np.log(np.maximum(others, _LEAST)))


def method_for(loaded: Any, wanted: Method = "auto") -> str:
    """Which method explains a model: integrated gradients where it has gradients that are known, else occlusion.

    Raises:
        ModelError: Integrated gradients are asked for, and it has none; or its answers are no classes.
    """
    if loaded.task.label_kind not in ("class", "classes"):
        raise ModelError(
            Problem(
                f"answers of the task {loaded.task.name} are not explained",
                "ask for explanations of a model that answers with classes",
            )
        )
    if wanted == "occlusion":
        return wanted
    from lextune.tasks.attribution.gradients import differentiable

    if differentiable(loaded):
        return "integrated_gradients"
    if wanted == "integrated_gradients":
        raise ModelError(
            Problem("this model has no integrated gradients", "explain with the method occlusion")
        )
    return "occlusion"


def explain(
    loaded: Any, given: Any, target: int, scores: Scores, *,
    method: Method = "auto", most: int | None = None, steps: int = _STEPS,
) -> Attribution:  # fmt: skip
    """How much each part of one input moved one class.

    Args:
        loaded: A `models.loading.LoadedModel`.
        given: The input as its encoder takes it.
        target: Number of the class.
        scores: From inputs to probabilities, shape (inputs, classes).
        method: Which to use.
        most: Parts, as `parts.divided` takes it.
        steps: Points of the integral at first.

    Raises:
        ModelError: As `method_for` and `parts.divided`.
        UnfitFileError: A file cannot be read.
    """
    chosen = method_for(loaded, method)
    cut = divided(loaded, given, most)
    if chosen == "integrated_gradients":
        return _by_gradients(loaded, cut, target, steps)
    return occlude(cut, target, scores, each=loaded.task.label_kind == "classes")


def occlude(cut: Divided, target: int, scores: Scores, *, each: bool) -> Attribution:
    """How much the log-odds fall when each part is taken away alone (Zeiler and Fergus 2014, arXiv:1311.2901).

    Args:
        cut: The input.
        target: Number of the class.
        scores: As for `explain`.
        each: Whether classes do not exclude each other.
    """
    asked = [cut.whole, *(cut.without(gone) for gone in np.eye(len(cut.parts), dtype=bool))]
    found = log_odds(scores(asked), target, each=each)
    return Attribution(
        target, "occlusion", tuple(cut.parts), np.asarray(found[0] - found[1:]), float(found[0])
    )


def _by_gradients(loaded: Any, cut: Any, target: int, steps: int) -> Attribution:
    from lextune.tasks.attribution.gradients import integrate, way_of

    text = loaded.task.input_kind == "text"
    usual = None if text else cut.without(np.ones(len(cut.parts), bool))
    way = way_of(loaded, cut.whole, usual)
    owners = cut.owners(loaded.encode.pieces(cut.whole)) if text else _cell_owners(loaded)
    while True:
        found = integrate(loaded, way, target, steps)
        weights = np.bincount(owners, found.weights, len(cut.parts)).astype(np.float64)
        made = Attribution(
            target, "integrated_gradients", tuple(cut.parts), weights, found.score, found.baseline, found.gap
        )  # fmt: skip
        if made.complete or steps >= _MOST_STEPS:
            return made
        steps *= 2


def _cell_owners(loaded: Any) -> npt.NDArray[np.int64]:
    """The feature (in the order of names) of each number and code that a network reads."""
    from lextune.tasks.tabular.columns import read_columns
    from lextune.tasks.tabular.encoding import layout_of

    columns = read_columns(loaded.settings["columns"])
    place = {name: index for index, name in enumerate(sorted(one.name for one in columns))}
    numbers, codes = [], []
    for one in columns:
        layout = layout_of([one])
        numbers += [place[one.name]] * len(layout.numbers)
        codes += [place[one.name]] * len(layout.codes)
    return np.array(numbers + codes, np.int64)


def reasons(found: Attribution, classes: Sequence[str], most: int = 4) -> tuple[str, ...]:
    """What moved the answer towards the class most, as sentences, the strongest first; none where nothing did.

    Four is as many as Regulation B's commentary thinks helpful (12 CFR 1002, comment 9(b)(2)-1).

    Args:
        found: Of the class that is to be explained.
        classes: Names of all.
        most: Sentences.
    """
    name = classes[found.target]
    order = np.argsort(-found.weights, kind="stable")
    chosen = [int(i) for i in order[:most] if found.weights[i] > 0]
    return tuple(
        f"{found.parts[i].said} moved the answer towards {name!r} by {found.weights[i]:.2f} in log-odds"
        for i in chosen
    )
