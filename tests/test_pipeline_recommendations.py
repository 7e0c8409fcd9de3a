"""A log of events through prepare, a model's answers and their figures: what the pipeline adds for recommendations."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lextune.config import RunConfig, load_config
from lextune.data.inputs import inputs_of
from lextune.data.prepare import Prepared, prepare
from lextune.evaluation.ranking import ScoredItems
from lextune.histories import HistoryInput
from lextune.listener import Listener
from lextune.pipeline_evaluation import (
    Measuring,
    cost_of_the_switch,
    score_table,
    told,
    training_inputs,
)
from lextune.tasks.base import tasks
from lextune.tasks.sequence.found import FoundItems

ITEMS, USERS = 12, 20


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    rng = np.random.default_rng(0)
    rows = [
        f"u{user},{item},{100 * user + time}"
        for user in range(USERS)
        for time, item in enumerate(rng.permutation(ITEMS)[:6].tolist())
    ]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(["user,item,time", *rows]) + "\n")
    data = {"train": [str(path)], "split": {"method": "leave_last_out"}}
    return load_config(
        {"task": "recommendation", "model": {"source": "auto"}, "data": data,
         "evaluation": {"bootstrap_samples": 200, "top_k": 5}}, [],
    )  # fmt: skip


@pytest.fixture
def prepared(config: RunConfig) -> Prepared:
    return prepare(config.data, kind="items", inputs="history")


class Model:
    """Answers whoever has a history with the item after their last one, and everybody else alike."""

    def __init__(self, prepared: Prepared, *, silent: bool = False) -> None:
        self.classes, self.asked, self.silent = prepared.ref.classes, [], silent  # type: ignore[var-annotated]
        counts = inputs_of(prepared.parts["train"], "history").counts  # type: ignore[union-attr]
        self.settings = {"item_counts": json.dumps([counts.get(one, 0) for one in self.classes])}
        self.task = tasks.get("recommendation")

    def find(
        self, inputs: list[HistoryInput], batch_size: int, advance: Any
    ) -> list[FoundItems | None]:  # fmt: skip
        self.asked += inputs
        found: list[FoundItems | None] = []
        for one in inputs:
            scores = np.arange(ITEMS, 0, -1, dtype=np.float32)
            if one.events:
                scores[self.classes.index(one.events[-1].item)] += 20
            found.append(None if self.silent and not one.events else FoundItems(scores))
        return found


def scored(config: RunConfig, prepared: Prepared, model: Model) -> ScoredItems:
    made = score_table(model, prepared.parts["test"], 8, Listener())  # type: ignore[arg-type]
    found: ScoredItems = told(made, model, config)  # type: ignore[arg-type]
    return found


def test_a_model_is_measured_beside_baselines_that_know_train_and_validation(
    config: RunConfig, prepared: Prepared, tmp_path: Path
) -> None:
    answers = scored(config, prepared, Model(prepared))
    assert answers.counts is not None
    assert answers.counts.sum() == USERS * 4
    task = tasks.get("recommendation")
    learnt = training_inputs(task, prepared.known, answers.classes, 0)
    assert sum(len(one.seen) + len(one.targets) for one in learnt.labels) == USERS * 5
    test = inputs_of(prepared.parts["test"], "history")
    evaluation = Measuring(task, learnt, frozenset(), config.evaluation)(
        answers, test, tmp_path, lambda _: None
    )
    values = {one.name: one.value for one in evaluation.measurements if one.group is None}
    assert values["failed_metrics"] == 0
    for name in ("ndcg_10", "ndcg_5", "hit_rate_5", "mrr", "novelty_10", "popularity_lift_10"):
        assert values[name] is not None
    for baseline in ("popularity", "item_knn", "ease"):
        assert values[f"ndcg_10_minus_{baseline}"] is not None
        assert {"ndcg_10", "hit_rate_10"} <= {one.name for one in evaluation.baselines[baseline]}


def test_the_switch_is_asked_once_with_nothing_of_anybody(
    config: RunConfig, prepared: Prepared
) -> None:
    model = Model(prepared)
    answers = scored(config, prepared, model)
    model.asked = []
    found = cost_of_the_switch(model, answers, config.evaluation)  # type: ignore[arg-type]
    assert model.asked == [HistoryInput(())]
    names = {one.name: one.value for one in found}
    assert names["hit_rate_5_without_personal_features"] is not None
    assert names["ndcg_10_minus_without_personal_features"] is not None


def test_a_model_that_says_nothing_without_a_history_has_no_figure_of_it(
    config: RunConfig, prepared: Prepared
) -> None:
    model = Model(prepared, silent=True)
    found = cost_of_the_switch(model, scored(config, prepared, model), config.evaluation)  # type: ignore[arg-type]
    assert found
    assert all(one.value is None and one.problem for one in found)


def test_other_kinds_of_answers_have_no_switch(config: RunConfig) -> None:
    other = SimpleNamespace(kind="class")
    assert cost_of_the_switch(None, other, config.evaluation) == []  # type: ignore[arg-type]
