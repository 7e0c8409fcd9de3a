"""The audit `explanation`: whether what explains an answer really moves it, beside parts drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, Field

from lextune import statistics
from lextune.audits.base import AuditInput, Chart, audit
from lextune.audits.numbers.skewed import mean_interval
from lextune.config_training import Section
from lextune.records import AuditResult, Measurement
from lextune.validation import listed

Floats = npt.NDArray[np.float64]
#: Reasons that a person is given.
_REASONS = 4


class Parameters(Section):
    """What is explained, and what is taken away."""

    rows: int = Field(default=32, ge=1, description="Rows of the test part that are explained.")
    parts: int = Field(
        default=32, ge=2, description="Of a row at most: longer texts are explained by phrases."
    )
    steps: int = Field(default=16, ge=4, le=128, description="Points of integrated gradients at first.")  # fmt: skip
    deleted: Annotated[tuple[float, ...], BeforeValidator(listed)] = Field(
        default=(0.1, 0.2, 0.5), description="Shares of the parts that are taken away."
    )
    random_orders: int = Field(default=3, ge=1, description="Orders drawn at random to compare with.")  # fmt: skip
    adverse_class: str | None = Field(
        default=None,
        description="The class whose answers need reasons: rows answered so are explained, and `lextune predict "
        "--explain` gives reasons for it.",
    )


@dataclass(frozen=True)
class _Row:
    """What one row gave.

    Attributes:
        drops: Fall of the probability by what explains it, by method, shape (shares + 1,); the last is of the reasons.
        random: The same of parts drawn at random, the mean of the orders.
        complete: Whether the weights summed to what they must; None where they need not.
        gap: By how much they did not.
    """

    drops: dict[str, Floats]
    random: Floats
    complete: bool | None
    gap: float | None


@audit(
    "explanation", parameters=Parameters, needs=["model"],
    kinds=["class", "classes", "text", "record", "image", "audio"],
    provides=[
        "faithfulness_above_random", "occlusion_faithfulness_above_random", "reasons_above_random",
        "completeness_within_tolerance", "completeness_gap",
    ],
    charts=[
        Chart(
            "score_drop_above_random", "line",
            ("What explains an answer, taken away", "去除解释所指部分的影响"),
            (
                "How much more the score falls without the parts that explain the answer than without as many drawn at random.",
                "与随机去除同样多的部分相比，去除解释所指的部分会使得分多下降多少。",
            ),
            axis=("share of the parts taken away", "去除部分的比例"),
        ),
    ],
)  # fmt: skip
def explanation(given: AuditInput) -> AuditResult:
    """Faithfulness by deletion against random deletion, completeness of the gradients, and the reasons of single answers.

    Samek et al. 2017 (arXiv:1509.06321), area over the perturbation curve, with the parts most for the answer first.
    """
    from lextune.tasks.attribution.explaining import method_for

    bench, asked = given.require_bench(), given.parameters
    given.require_finite()
    method = method_for(bench.loaded)
    rows = _chosen(given)
    if not len(rows):
        return explanation.not_applicable(given, "No row of the test part is answered so.")
    methods = [method] + ["occlusion"] * (method != "occlusion")
    advance = bench.bar("explaining", len(rows))
    found: list[_Row] = []
    for number, row in enumerate(rows.tolist()):
        one = _explained(given, methods, row, np.random.default_rng([given.seed, 46, number]))
        found += [one] if one is not None else []
        advance(1)
    if not found:
        return explanation.not_applicable(given, "No row that was drawn has two parts.")
    return explanation.complete(
        given, _measurements(given, methods, found), _findings(methods, found),
        method=method, explained_rows=len(found), reasons=_REASONS,
        adverse_class=asked.adverse_class,
    )  # fmt: skip


def _chosen(given: AuditInput) -> npt.NDArray[np.int64]:
    """Rows that are explained: those answered with the adverse class where one is declared."""
    wanted = given.parameters.adverse_class
    rows = np.arange(len(given.scores))
    if wanted is not None:
        if wanted not in given.classes:
            raise ValueError("audit_parameters.explanation.adverse_class is no class of the data")
        rows = np.flatnonzero(given.scores.argmax(axis=1) == given.classes.index(wanted))
    most = min(given.parameters.rows, len(rows))
    draw = np.random.default_rng([given.seed, 46])
    return np.sort(draw.choice(rows, most, replace=False)) if most else rows[:0]


def _explained(
    given: AuditInput, methods: Sequence[str], row: int, draw: np.random.Generator
) -> _Row | None:
    """One row by each method; None where it has a single part."""
    from lextune.tasks.attribution.explaining import explain
    from lextune.tasks.attribution.parts import divided

    bench, asked = given.require_bench(), given.parameters
    one, target = bench.inputs[row], int(given.scores[row].argmax())
    cut = divided(bench.loaded, one, asked.parts)
    count = len(cut.parts)
    if count < 2:
        return None
    made: dict[str, Any] = {
        method: explain(
            bench.loaded, one, target, bench.scores, method=method, most=asked.parts, steps=asked.steps  # type: ignore[arg-type]
        )
        for method in methods
    }  # fmt: skip
    sizes = [min(max(round(share * count), 1), count) for share in asked.deleted]
    sizes.append(min(_REASONS, count - 1))
    orders = [np.argsort(-each.weights, kind="stable") for each in made.values()]
    orders += [draw.permutation(count) for _ in range(asked.random_orders)]
    gone = [np.isin(np.arange(count), order[:size]) for order in orders for size in sizes]
    scores = bench.scores([cut.whole, *(cut.without(mask) for mask in gone)])[:, target]
    drops = (scores[0] - scores[1:]).reshape(len(orders), len(sizes))
    first = made[methods[0]]
    return _Row(
        dict(zip(methods, drops, strict=False)),
        drops[len(methods) :].mean(axis=0),
        None if first.gap is None else first.complete,
        first.gap,
    )


def _measurements(
    given: AuditInput, methods: Sequence[str], found: Sequence[_Row]
) -> list[Measurement]:
    chance = np.array([one.random for one in found])
    above = {name: np.array([one.drops[name] for one in found]) - chance for name in methods}
    main = above[methods[0]]
    measured = [_mean(given, "faithfulness_above_random", main[:, :-1].mean(axis=1))]
    measured.append(
        _mean(given, "occlusion_faithfulness_above_random", above["occlusion"][:, :-1].mean(axis=1))
    )
    measured.append(_mean(given, "reasons_above_random", main[:, -1]))
    measured += _completeness(given, found)
    for place, share in enumerate(given.parameters.deleted):
        group = f"deleted={share:g}"
        own = np.array([one.drops[methods[0]][place] for one in found])
        measured.append(_mean(given, "score_drop_above_random", main[:, place], group))
        measured.append(_mean(given, "score_drop", own, group))
        measured.append(_mean(given, "score_drop_at_random", chance[:, place], group))
    return measured


def _mean(given: AuditInput, name: str, values: Floats, group: str | None = None) -> Measurement:
    """A mean over rows; a difference of probabilities, so between -1 and 1."""
    interval = mean_interval(values, samples=given.samples, seed=given.seed)
    return Measurement(
        name=name, value=float(values.mean()), interval=interval, n=len(values), unit="proportion",
        group=group,
    )  # fmt: skip


def _completeness(given: AuditInput, found: Sequence[_Row]) -> list[Measurement]:
    """Whether weights sum to the difference between the input and its baseline."""
    gaps = np.array([one.gap for one in found if one.gap is not None])
    n = len(gaps)
    if not n:
        why = "what occlusion finds of each part need not sum to anything"
        return [
            Measurement(name=name, value=None, n=0, unit=unit, problem=why)
            for name, unit in (
                ("completeness_within_tolerance", "proportion"),
                ("completeness_gap", "nats"),
            )
        ]
    kept = sum(one.complete is True for one in found)
    return [
        Measurement(
            name="completeness_within_tolerance", value=kept / n,
            interval=statistics.wilson(kept, n), n=n, unit="proportion",
        ),
        Measurement(
            name="completeness_gap", value=float(gaps.mean()),
            interval=mean_interval(gaps, samples=given.samples, seed=given.seed), n=n, unit="nats",
        ),
    ]  # fmt: skip


def _findings(methods: Sequence[str], found: Sequence[_Row]) -> list[str]:
    said = [f"Answers are explained by {methods[0].replace('_', ' ')} ({len(found)} rows)."]
    off = sum(one.complete is False for one in found)
    if off:
        said.append(f"In {off} rows the weights do not sum to what they must.")
    harmful = np.array([one.drops[methods[0]][-1] - one.random[-1] for one in found])
    worse = int((harmful < 0).sum())
    if worse:
        said.append(
            f"In {worse} of {len(found)} rows parts drawn at random moved the answer more than the {_REASONS} reasons did."
        )
    return said
