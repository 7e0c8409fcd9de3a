"""Membership inference on made-up models that remember their rows, or do not, or whose rows are just hard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from audited import MadeUpBench
from lextune.audits.base import AuditInput, Part
from lextune.audits.membership_inference import Parameters, membership_inference
from lextune.canaries import Canaries
from lextune.errors import ModelError, Problem
from lextune.evaluation.predict import Scored
from lextune.records import AuditResult

CLASSES = ("no", "yes")


class World:
    """Rows `train 0`, `test 0`, ...: some are hard for everybody, and a model is surer of rows that it remembers.

    Args:
        memory: How much surer, in log odds.
        hard: Standard deviation of the rows' difficulty.
        noise: Of each model, apart from difficulty.
    """

    def __init__(
        self, count: int = 300, memory: float = 0.0, hard: float = 2.0, noise: float = 0.5,
        seed: int = 0, groups: Callable[[int], str | None] = lambda _: None,
    ) -> None:  # fmt: skip
        draw = np.random.default_rng(seed)
        self.memory, self.noise = memory, noise
        self.names = {part: [f"{part} {i}" for i in range(count)] for part in ("train", "test")}
        self.hardness = {
            one: hard * draw.normal() for names in self.names.values() for one in names
        }
        self.label = {one: int(draw.integers(2)) for one in self.hardness}
        self.groups = groups
        self.seen: list[set[str]] = []

    def answers(self, inputs: Sequence[str], seen: set[str], seed: int) -> Scored:
        draw = np.random.default_rng([seed, len(inputs)])
        labels = np.array([self.label[one] for one in inputs])
        sure = np.array([1 + self.hardness[one] + self.memory * (one in seen) for one in inputs])
        own = 1 / (1 + np.exp(-sure - self.noise * draw.normal(size=len(inputs))))
        scores = np.where(labels[:, None] == [0, 1], own[:, None], 1 - own[:, None])
        groups = {"place": [self.groups(i) for i in range(len(inputs))]}
        return Scored(tuple(f"id of {one}" for one in inputs), labels, scores, CLASSES, groups)

    def bench(self, **more: Any) -> MadeUpBench:
        seen = set(self.names["train"])
        parts = {
            name: Part(self.answers(inputs, seen, 1), inputs, np.arange(len(inputs)))
            for name, inputs in self.names.items()
        }

        def fitted(rows: Any, seed: int, _: Any) -> Any:
            again = {self.names["train"][row] for row in rows}
            self.seen.append(again)
            return lambda inputs, like: self.answers(inputs, again, seed)

        return MadeUpBench(
            score=lambda _: (0.5, 0.5),
            inputs=self.names["test"],
            parts=parts,
            fitted=fitted,
            **more,
        )

    def audit(self, bench: MadeUpBench | None = None, **parameters: Any) -> AuditResult:
        bench = bench or NoFeatures(**vars(self.bench()))
        given = AuditInput(
            bench.parts["test"].answers, parameters=Parameters(**parameters), bench=bench
        )
        return membership_inference(given)


class NoFeatures(MadeUpBench):
    """Of a model of which nobody knows where the head begins."""

    def features(self, inputs: Sequence[Any], *, base: bool = False) -> Any:
        raise ModelError(Problem("it is not known where the head begins", "none"))


def measured(result: AuditResult, name: str, group: str | None = None) -> Any:
    (found,) = [one for one in result.measurements if (one.name, one.group) == (name, group)]
    return found


def test_rows_that_a_model_remembers_are_found_and_named_by_id() -> None:
    world = World(memory=6, hard=0.5)
    found = world.audit(rows=120, listed_rows=3)
    auc = measured(found, "membership_auc")
    assert auc.interval.low > 0.95
    assert auc.n == 240
    rate = measured(found, "membership_tpr_at_fpr_1_percent")
    assert rate.value > 0.9
    assert rate.n == 120
    named = found.parameters["most_exposed_rows"]
    assert len(named) == 3
    assert all(one.startswith("id of train ") for one in named)
    assert any(named[0] in one for one in found.findings)
    assert measured(found, "membership_true_positive_rate", "fpr=0.5").value == 1


def test_reference_models_never_saw_the_rows_that_are_attacked() -> None:
    world = World(count=100)
    world.audit(rows=80, references=2, reference_rows=30)
    attacked = set(world.names["train"][:50])  # at most half of train
    assert len(world.seen) == 2
    assert world.seen[0] != world.seen[1]
    for again in world.seen:
        assert len(again) == 30
        assert not again & attacked


def test_rows_that_are_hard_for_everybody_are_told_from_rows_that_were_not_seen() -> None:
    found = World(count=600, memory=1.5, hard=5).audit(rows=300)
    plain, calibrated = (
        measured(found, name) for name in ("membership_auc_uncalibrated", "membership_auc")
    )
    assert calibrated.value > plain.value + 0.2
    assert calibrated.interval.low > 0.7
    assert len(found.parameters["calibrated_by"]) == 2


def test_a_model_that_remembers_nothing_is_seldom_accused() -> None:
    above = below = 0
    for seed in range(60):
        found = measured(World(count=80, seed=seed).audit(rows=40, references=1), "membership_auc")
        above += found.interval.low > 0.5
        below += found.interval.high < 0.5
    assert above + below <= 8  # the 99.9 % quantile of a binomial number of 60 at 5 %


def test_a_linear_probe_of_the_pretrained_model_calibrates_too() -> None:
    """What makes a row hard is plain to see in its states."""
    world = World(count=600, memory=2.0, hard=5)
    sign = {one: 2 * label - 1 for one, label in world.label.items()}
    bench = world.bench(embedded=lambda one: [sign[one] * (1 + world.hardness[one]), 1.0])
    found = world.audit(bench, rows=300, references=0)
    assert found.parameters["calibrated_by"] == [
        "a linear probe of the pretrained model, out of fold"
    ]
    assert (
        measured(found, "membership_auc").value
        > measured(found, "membership_auc_uncalibrated").value + 0.1
    )
    assert 0.4 < measured(found, "membership_train_test_auc").value < 0.6
    assert not world.seen


def test_parts_that_differ_in_themselves_are_told() -> None:
    world = World(count=200)
    bench = world.bench(embedded=lambda one: [float(one.startswith("train")), world.hardness[one]])
    found = world.audit(bench, rows=100, references=0)
    assert measured(found, "membership_train_test_auc").value > 0.99
    assert any("differ in themselves" in one for one in found.findings)


def test_too_few_other_rows_leave_a_rate_undefined_not_0() -> None:
    found = World(count=90, memory=9).audit(rows=90, references=0)
    for name in ("membership_tpr_at_fpr_1_percent", "membership_tpr_at_fpr_0_1_percent"):
        one = measured(found, name)
        assert one.value is None
        assert one.interval is None
        assert "too few" in one.problem
    assert measured(found, "membership_true_positive_rate", "fpr=0.02").value is not None


def test_groups_are_attacked_apart_and_small_ones_are_undefined() -> None:
    world = World(memory=6, hard=0.2, groups=lambda i: None if i < 10 else "big" if i % 10 else "small")  # fmt: skip
    found = world.audit(rows=150, minimum_group_rows=20)
    assert measured(found, "membership_auc", "place=big").interval.low > 0.9
    assert measured(found, "membership_tpr_at_fpr_1_percent", "place=big").value > 0.5
    small = measured(found, "membership_auc", "place=small")
    assert small.value is None
    assert "fewer than 20" in small.problem


def test_neither_canaries_nor_rows_of_both_parts_are_attacked() -> None:
    world = World(count=60)
    world.names["test"][:20] = world.names["train"][:20]
    planted = tuple(world.names["train"][20:30])
    bench = world.bench(canaries=Canaries(planted, ("no",) * 10, (True,) * 10))
    found = world.audit(NoFeatures(**vars(bench)), rows=60, references=0)
    assert (found.parameters["members"], found.parameters["other_rows"]) == (50, 40)


def test_without_other_rows_it_does_not_apply() -> None:
    world = World(count=10)
    world.names["test"] = list(world.names["train"])
    assert world.audit(references=0).status == "not_applicable"


def test_rows_without_a_score_are_left_out() -> None:
    world = World(count=50)
    bench = NoFeatures(**vars(world.bench()))
    bench.parts["train"].answers.scores[:5] = np.nan
    found = world.audit(bench, rows=50, references=0)
    assert found.parameters["members"] == 45
    assert measured(found, "membership_auc").n == 95


@pytest.mark.parametrize("references", [0, 1])
def test_the_same_run_gives_the_same_figures(references: int) -> None:
    one, two = (World(memory=1).audit(rows=50, references=references) for _ in range(2))
    assert one == two
