"""The audit `membership_inference`: whether the model gives away which rows it was trained on; it judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lextune.audits.attacking.certainty import base_features, certainty, out_of_fold, told_apart
from lextune.audits.base import AuditInput, Bench, Chart, audit
from lextune.audits.numbers.attacks import area, calibrated, caught, log_odds
from lextune.config_training import Count, Section
from lextune.records import AuditResult, Measurement

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: False positive rates of the curve.
_CURVE = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_RATES = {
    "membership_tpr_at_fpr_1_percent": 0.01, "membership_tpr_at_fpr_0_1_percent": 0.001,
}  # fmt: skip


class Parameters(Section):
    """How many rows are attacked, and by how many reference models."""

    rows: Count = Field(
        400, description="Training rows that are attacked, and as many of test at most."
    )
    references: int = Field(
        2,
        ge=0,
        le=64,
        description="Models trained again on rows that are not attacked; 0 trains none.",
    )
    reference_rows: Count = Field(
        300, description="Rows that each of them learns from, at most half of train."
    )
    minimum_group_rows: Count = Field(
        20, description="Rows of a group that must be attacked on either side."
    )
    listed_rows: int = Field(
        10, ge=0, le=1000, description="Training rows that are named, by the hash that is their id."
    )


@dataclass(frozen=True)
class _Side:
    """Rows that were trained on, or rows that were not."""

    answers: Any
    inputs: Sequence[Any]

    def keep(self, mask: Bools) -> _Side:
        chosen = np.flatnonzero(mask).tolist()
        return _Side(self.answers.keep(mask), [self.inputs[i] for i in chosen])


@dataclass(frozen=True)
class _Attacked:
    """Both sides with what the attack says of them.

    Attributes:
        plain: How sure the model is of each row, members first.
        score: The same, beyond what others foresee who never saw it.
        features: Of the pretrained model, members first; None where it has none to give.
        calibrated_by: What the score was made with.
    """

    members: _Side
    others: _Side
    plain: Floats
    score: Floats
    features: Floats | None
    calibrated_by: tuple[str, ...]

    def split(self, values: Any, mask: Bools | None = None) -> tuple[Any, Any]:
        """Of the members and of the others, where a mask says so."""
        is_member = np.arange(len(self.plain)) < len(self.members.inputs)
        inside = np.ones(len(self.plain), bool) if mask is None else mask
        return values[is_member & inside], values[~is_member & inside]


@audit(
    "membership_inference", parameters=Parameters, needs=["model", "train", "refit"],
    kinds=["text", "image", "audio", "record"],
    provides=["membership_auc", "membership_auc_uncalibrated", "membership_train_test_auc", *_RATES],
    charts=[
        Chart(
            "membership_true_positive_rate", "line",
            ("Membership inference", "成员推断"),
            ("Share of training rows that an attack finds, against the share of other rows that it takes for such; "
             "on the diagonal it finds nothing.",
             "攻击识别出的训练样本比例与被误认为训练样本的其他样本比例；落在对角线上表示攻击毫无所获。"),
            axis=("False positive rate", "假阳性率"), ideal="diagonal", logarithmic=True,
        ),
    ],
)  # fmt: skip
def membership_inference(given: AuditInput) -> AuditResult:
    """How well the model's certainty, beyond what models foresee that never saw a row, tells training rows from test rows.

    Difficulty calibration (Watson et al. 2022, arXiv:2111.08440) on log odds (Carlini et al. 2022, arXiv:2112.03570).
    """
    attacked = _attack(given)
    if attacked is None:
        return membership_inference.not_applicable(
            given, "There are no training rows, or no test rows that are not among them, to attack."
        )
    members, others = attacked.split(attacked.score)
    measurements = [
        _area("membership_auc", members, others),
        *(_rate(name, members, others, rate) for name, rate in _RATES.items()),
        _area("membership_auc_uncalibrated", *attacked.split(attacked.plain)),
        _two_samples(attacked, given.seed),
        *_groups(attacked, given.parameters.minimum_group_rows),
    ]
    for rate in _CURVE:
        one = _rate("membership_true_positive_rate", members, others, rate)
        measurements.append(one.model_copy(update={"group": f"fpr={rate:g}"}))
    exposed = _exposed(attacked, given.parameters.listed_rows)
    return membership_inference.complete(
        given, measurements, _findings(measurements, attacked, exposed),
        calibrated_by=list(attacked.calibrated_by), members=len(members), other_rows=len(others),
        most_exposed_rows=exposed,
    )  # fmt: skip


def _attack(given: AuditInput) -> _Attacked | None:
    bench, asked = given.require_bench(), given.parameters
    train = bench.labelled("train").inputs
    most = min(asked.rows, max(len(train) // 2, 1)) if asked.references else asked.rows
    part = bench.part("train", most)
    canaries = bench.canaries
    planted = {_content(one) for one in canaries.inputs} if canaries is not None else set()
    members = _Side(part.answers, part.inputs).keep(
        np.array([_content(one) not in planted for one in part.inputs], bool)
    )
    others = _others(given, bench, train)
    plain = [certainty(bench, side.answers) for side in (members, others)]
    members, others = (
        side.keep(np.isfinite(found)) for side, found in zip((members, others), plain, strict=True)
    )
    sure = np.concatenate([found[np.isfinite(found)] for found in plain])
    if not len(members.inputs) or not len(others.inputs):
        return None
    features = base_features(bench, [*members.inputs, *others.inputs])
    free = np.setdiff1d(np.arange(len(train)), part.rows)
    doubts, by = _doubts(given, (members, others), features, free)
    fine: Bools = np.isfinite(np.stack([sure, *doubts])).all(axis=0)
    score = calibrated(sure[fine], np.array([one[fine] for one in doubts]))
    count = len(members.inputs)
    return _Attacked(
        members.keep(fine[:count]), others.keep(fine[count:]), sure[fine], score,
        None if features is None else features[fine], tuple(by),
    )  # fmt: skip


def _doubts(
    given: AuditInput, sides: tuple[_Side, _Side], features: Floats | None, free: npt.NDArray[np.int64]
) -> tuple[list[Floats], list[str]]:  # fmt: skip
    """How sure each model is that never saw the rows of either side, and what those models are."""
    bench, asked = given.require_bench(), given.parameters
    doubts, by = [], []
    if features is not None and given.answers.kind == "class":
        labels = np.concatenate([side.answers.labels for side in sides])
        found = out_of_fold(features, labels, given.seed)
        if found is not None:
            doubts.append(log_odds(found, labels))
            by.append("a linear probe of the pretrained model, out of fold")
    size = min(asked.reference_rows, len(free))
    for place in range(asked.references if size > 1 else 0):
        draw = np.random.default_rng([given.seed, 2, place])
        rows = np.sort(draw.choice(free, size, replace=False))
        bench.tell(f"training reference model {place + 1} of {asked.references}")
        fitted = bench.refit(rows, given.seed + 1 + place)
        again = [certainty(bench, fitted(side.inputs, side.answers)) for side in sides]
        doubts.append(np.concatenate(again))
        by.append(f"a model trained again on {size} other rows")
    return doubts, by


def _others(given: AuditInput, bench: Bench, train: Sequence[Any]) -> _Side:
    """Rows of test, drawn, none of which stands in train as well."""
    seen = {_content(one) for one in train}
    inputs = bench.inputs
    new = np.array([_content(one) not in seen for one in inputs], bool)
    chosen = np.flatnonzero(new)
    if len(chosen) > given.parameters.rows:
        draw = np.random.default_rng([given.seed, 1])
        chosen = draw.choice(chosen, given.parameters.rows, replace=False)
    mask = np.zeros(len(new), bool)
    mask[chosen] = True
    return _Side(given.answers, inputs).keep(mask)


def _content(one: Any) -> int:
    """Equal where two inputs are the same text, or pieces of the same file."""
    digest = getattr(one, "sha256", None)
    return hash(one if digest is None else (digest, getattr(one, "start", 0.0)))


def _area(name: str, members: Floats, others: Floats, group: str | None = None) -> Measurement:
    value, interval = area(members, others)
    return Measurement(
        name=name, value=value, interval=interval, n=len(members) + len(others), unit="proportion",
        group=group,
    )  # fmt: skip


def _rate(
    name: str, members: Floats, others: Floats, rate: float, group: str | None = None
) -> Measurement:
    found = caught(members, others, rate)
    if found is None:
        why = f"{len(others)} other rows are too few for a false positive rate of {rate:g}"
        return Measurement(
            name=name, value=None, n=len(members), unit="proportion", group=group, problem=why
        )
    return Measurement(
        name=name, value=found.rate, interval=found.interval, n=len(members), unit="proportion",
        group=group,
    )  # fmt: skip


def _two_samples(attacked: _Attacked, seed: int) -> Measurement:
    """Whether rows of train and of test differ in themselves, to the pretrained model."""
    name = "membership_train_test_auc"
    is_member: Bools = np.arange(len(attacked.plain)) < len(attacked.members.inputs)
    found = None
    if attacked.features is not None:
        found = told_apart(attacked.features, is_member, seed)
    if found is None:
        why = "the pretrained model says nothing of inputs, or there are too few of them"
        return Measurement(name=name, value=None, n=len(is_member), unit="proportion", problem=why)
    return _area(name, *found)


def _groups(attacked: _Attacked, least: int) -> list[Measurement]:
    """The attack within each group, where enough of its rows are on either side."""
    measurements = []
    ours, theirs = attacked.members.answers.groups, attacked.others.answers.groups
    for column in sorted(set(ours) & set(theirs)):
        values = np.array([*ours[column], *theirs[column], None], dtype=object)[:-1]
        for value in sorted({one for one in values if one is not None}):
            members, others = attacked.split(attacked.score, values == value)
            group = f"{column}={value}"
            name = "membership_tpr_at_fpr_1_percent"
            if min(len(members), len(others)) < least:
                few = f"fewer than {least} rows on one side"
                n = len(members) + len(others)
                measurements += [
                    Measurement(
                        name=one, value=None, n=n, unit="proportion", group=group, problem=few
                    )
                    for one in ("membership_auc", name)
                ]
                continue
            measurements.append(_area("membership_auc", members, others, group))
            measurements.append(_rate(name, members, others, 0.01, group))
    return measurements


def _exposed(attacked: _Attacked, most: int) -> list[str]:
    """Ids of the members that the attack is surest of, the surest first."""
    members, _ = attacked.split(attacked.score)
    order = np.argsort(-members, kind="stable")[:most].tolist()
    return [attacked.members.answers.ids[i] for i in order]


def _findings(
    measurements: Sequence[Measurement], attacked: _Attacked, exposed: Sequence[str]
) -> list[str]:
    found, shift = measurements[0], measurements[4]
    by = "; ".join(attacked.calibrated_by) or "nothing"
    findings = [f"The attack is calibrated by {by}."]
    if found.value is not None and found.interval is not None and found.interval.low > 0.5:
        findings.append(
            f"The attack tells a training row from another in {found.value:.3f} of pairs, where 0.5 is chance "
            f"(n = {found.n})."
        )
    if shift.interval is not None and shift.interval.low > 0.5:
        findings.append(
            "Train and test differ in themselves: part of what the attack finds may be that, not memory."
        )
    if exposed:
        findings.append("It is surest of these training rows: " + ", ".join(exposed) + ".")
    return findings
