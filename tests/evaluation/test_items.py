"""Ranks among all unseen items, what is made of them, the baselines, and what the switch costs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.config import DataConfig
from lextune.data.inputs import Histories, inputs_of
from lextune.data.prepare import prepare
from lextune.evaluation.evaluate import compare, evaluate
from lextune.evaluation.items import by_group, metrics, switched_off
from lextune.evaluation.kinds import Resampling, TrainingInputs, kinds
from lextune.evaluation.predict import write_predictions
from lextune.evaluation.ranking import Asked, Ranked, ScoredItems, asked_of, ranked, reduce
from lextune.evaluation.recommenders import counting
from lextune.histories import Event, HistoryInput
from lextune.records import Measurement

DRAWS = Resampling(200, 0)
ITEMS = tuple("abcdefgh")
NAMES = ("ndcg_10", "hit_rate_10", "mrr", "coverage_10", "novelty_10", "popularity_lift_10")


def asked(target: int, seen: tuple[int, ...] = ()) -> Asked:
    return Asked((target,), np.array(sorted(seen), np.int32), len(seen))


def scored(ranks: list[int], seen: int = 1, **more: Any) -> ScoredItems:
    labels = [asked(0, tuple(range(1, 1 + seen))) for _ in ranks]
    found = [Ranked(one, np.array([0, 2, 3], np.int32)) for one in ranks]
    counts = np.array([5, 1, 9, 0, 0, 0, 0, 0])
    ids = tuple(f"r{i}" for i in range(len(ranks)))
    return ScoredItems(ids, labels, found, ITEMS, {}, **{"counts": counts, **more})


def value(found: list[Measurement], name: str, group: str | None = None) -> float:
    [one] = [one for one in found if one.name == name and one.group == group]
    assert one.value is not None
    return one.value


def test_ties_count_against_and_what_was_taken_is_left_out() -> None:
    scores = np.array([1.0, 1.0, 5.0, 1.0, 0.0])
    assert ranked(scores, asked(0)).rank == 3  # type: ignore[union-attr]
    assert ranked(scores, asked(0, (2,))).rank == 2  # type: ignore[union-attr]
    assert ranked(scores, asked(0, (2,))).top.tolist() == [0, 1, 3, 4]  # type: ignore[union-attr]


def test_equal_scores_for_all_put_the_next_item_last() -> None:
    assert ranked(np.zeros(100), asked(7)).rank == 99  # type: ignore[union-attr]


def test_an_item_that_nobody_ranks_is_a_miss() -> None:
    scores = np.array([1.0, -np.inf, 2.0])
    assert ranked(scores, asked(1)).rank == -1  # type: ignore[union-attr]
    assert ranked(scores, asked(-1)).rank == -1  # type: ignore[union-attr]
    assert ranked(scores, asked(1)).top.tolist() == [2, 0]  # type: ignore[union-attr]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_scores_that_are_not_finite_are_no_answer(bad: float) -> None:
    assert ranked(np.array([1.0, bad]), asked(0)) is None


def test_items_that_the_model_does_not_know_are_no_part_of_a_history() -> None:
    given_ = HistoryInput((Event("b", 1), Event("new", 2), Event("b", 3)), ("newer", "a"))
    [one] = asked_of([given_], ITEMS)
    assert (one.targets, one.seen.tolist(), one.history) == ((-1, 0), [1], 3)
    assert reduce(None, given_, ITEMS) is None


@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=90),
    st.data(),
)
def test_ranks_are_those_of_a_full_sort(scores: list[int], data: st.DataObject) -> None:
    target = data.draw(st.integers(0, len(scores) - 1))
    others = [i for i in range(len(scores)) if i != target]
    seen = set(data.draw(st.lists(st.sampled_from(others)))) if others else set()
    found = ranked(np.array(scores, float), asked(target, tuple(seen)))
    assert found is not None
    left = [i for i in range(len(scores)) if i not in seen]
    worst = sorted(left, key=lambda i: (-scores[i], i == target))
    assert found.rank == worst.index(target)
    assert found.top.tolist() == sorted(left, key=lambda i: (-scores[i], i))[:50]


def test_figures_of_known_ranks() -> None:
    given_ = scored([0, 9, 10, -1])
    found = [one for name in NAMES for one in metrics.get(name)(given_, DRAWS)]
    assert value(found, "hit_rate_10") == 0.5
    assert value(found, "ndcg_10") == pytest.approx((1 + 1 / math.log2(11)) / 4)
    assert value(found, "mrr") == pytest.approx((1 + 1 / 10 + 1 / 11) / 4)
    assert value(found, "coverage_10") == 3 / 8
    # of 15 events and 8 items: (5 + 1) / 23, (9 + 1) / 23, (0 + 1) / 23
    assert value(found, "novelty_10") == pytest.approx(-np.log2(np.array([6, 10, 1]) / 23).mean())
    # lists: (5 + 9 + 0) / 3; histories: item 1, of one event
    assert value(found, "popularity_lift_10") == pytest.approx(14 / 3 - 1)
    assert all(
        one.interval is not None and one.interval.low <= (one.value or 0) <= one.interval.high
        for one in found
    )


def test_without_counts_novelty_is_not_applicable() -> None:
    [one] = metrics.get("novelty_10")(scored([0], counts=None), DRAWS)
    assert one.value is None
    assert (one.problem or "").startswith("not applicable")


def test_users_and_items_that_nobody_knows_are_measured_apart() -> None:
    labels = [asked(0, (1,)), asked(3, (1,)), asked(0), asked(-1, (1, 2))]
    found = [Ranked(rank, np.array([0], np.int32)) for rank in (0, 20, 1, -1)]
    given_ = ScoredItems(
        tuple("wxyz"),
        labels,
        found,
        ITEMS,
        {"g": ["a", "a", "b", None]},
        np.array([5, 1, 9, 0, 0, 0, 0, 0]),
    )
    parts = by_group(given_, DRAWS)
    assert value(parts, "ndcg_10", "history=none") == pytest.approx(1 / math.log2(3))
    assert value(parts, "ndcg_10", "target=new") == 0
    assert {one.n for one in parts if one.name == "ndcg_10" and one.group == "target=new"} == {2}
    assert value(parts, "ndcg_10", "g=a") == 0.5
    groups = {(one.group or "").partition("=")[0] for one in parts}
    assert groups >= {"g", "history", "target", "activity", "taste"}
    assert value(parts, "rows_without_g") == 1


def test_longer_lists_are_measured_besides(tmp_path: Path) -> None:
    asked_for = Resampling(200, 0, top_k=20)
    given_ = scored([0, 15, 3])
    made = evaluate(given_, write_predictions(given_, tmp_path, "test"), NAMES, asked_for)
    names = {one.name for one in made.measurements}
    assert {"ndcg_10", "ndcg_20", "hit_rate_20", "mrr"} <= names
    assert "mrr_20" not in names
    assert value(list(made.measurements), "hit_rate_20") == 1
    assert value(list(made.measurements), "failed_metrics") == 0


@pytest.mark.parametrize("name", metrics.names())
@settings(max_examples=15, deadline=None)
@given(ranks=st.lists(st.integers(-1, 60), max_size=12), seen=st.integers(0, 3))
def test_every_metric_measures_any_answers_soundly(name: str, ranks: list[int], seen: int) -> None:
    given_ = scored(ranks, seen)
    found = metrics.get(name)(given_, DRAWS)
    assert [one.name for one in found] == [name]
    assert found == metrics.get(name)(given_, DRAWS)
    for one in found:
        assert (one.value is None) == (one.problem is not None)
        assert one.value is None or one.interval is not None
        if one.interval is not None and one.unit == "proportion":
            assert 0 <= one.interval.low <= (one.value or 0) <= one.interval.high <= 1


def test_predictions_on_disk_name_items_and_ranks_alone() -> None:
    columns = scored([2, -1]).columns()
    assert columns["label"] == ['["a"]', '["a"]']
    assert columns["prediction"][0] == '["a","c","d"]'
    assert columns["rank"] == [3, None]


def world(users: int = 60, items: int = 30, seed: int = 0) -> list[HistoryInput]:
    """Users of two kinds, who take items of their half."""
    rng = np.random.default_rng(seed)
    made = []
    for user in range(users):
        taken = rng.choice(items // 2, 6, replace=False) + (user % 2) * (items // 2)
        events = tuple(Event(str(item), t) for t, item in enumerate(taken[:-1].tolist()))
        made.append(HistoryInput(events, (str(taken[-1]),)))
    return made


def taught(inputs: list[HistoryInput], classes: tuple[str, ...]) -> TrainingInputs:
    return TrainingInputs(inputs, asked_of(inputs, classes), len(inputs))


@pytest.mark.parametrize("name", ["popularity", "item_knn", "ease"])
def test_baselines_learn_who_takes_what(name: str) -> None:
    classes = tuple(map(str, range(30)))
    train, test = world(), world(seed=1)
    kind = kinds.get("items")
    like = ScoredItems(tuple(map(str, range(60))), asked_of(test, classes), [None] * 60, classes, {})  # fmt: skip
    found = kind.answer(kind.baselines.get(name), taught(train, classes), test, like)
    assert found.finite.all()
    rate = value(metrics.get("hit_rate_10")(found, DRAWS), "hit_rate_10")
    assert rate > (0.25 if name == "popularity" else 0.6)
    for one, label in zip(found.found, found.labels, strict=True):
        assert one is not None
        assert not set(one.top.tolist()) & set(label.seen.tolist())


def test_item_knn_keeps_the_nearest_alone() -> None:
    from scipy import sparse

    taken = sparse.csr_matrix(np.array([[1, 1, 0], [1, 1, 0], [0, 1, 1]], float))
    scores = counting.item_knn(taken)(sparse.csr_matrix([[1.0, 0, 0]]))
    assert scores[0].tolist() == pytest.approx([1, 2 / math.sqrt(6), 0])


def test_ease_is_the_ridge_regression_of_each_item_on_the_others() -> None:
    from scipy import sparse

    rng = np.random.default_rng(0)
    taken = (rng.random((40, 6)) < 0.4).astype(float)
    weights = counting.ease(sparse.csr_matrix(taken))(sparse.csr_matrix(np.eye(6)))
    for item in range(6):
        others = np.delete(taken, item, axis=1)
        gram = others.T @ others + counting.RIDGE * np.eye(5)
        expected = np.linalg.solve(gram, others.T @ taken[:, item])
        np.testing.assert_allclose(np.delete(weights[:, item], item), expected, atol=1e-10)
        assert weights[item, item] == 0


def test_ease_says_that_a_catalogue_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_ITEMS", 20)
    classes = tuple(map(str, range(30)))
    test = world()
    kind = kinds.get("items")
    like = ScoredItems(
        tuple(map(str, range(60))),
        asked_of(test, classes),
        kind.made_up(asked_of(test, classes), 30),
        classes,
        {},
    )
    other = kind.answer(kind.baselines.get("ease"), taught(test, classes), test, like)
    found = kind.difference(like, other, "ease", DRAWS)
    assert {one.name for one in found} == {"ndcg_10_minus_ease", "hit_rate_10_minus_ease"}
    assert all(one.value is None and "30 by 30 items" in (one.problem or "") for one in found)


def test_baselines_stand_beside_the_model_with_paired_differences(tmp_path: Path) -> None:
    classes = tuple(map(str, range(30)))
    test = world(seed=2)
    labels = asked_of(test, classes)
    model = ScoredItems(
        tuple(map(str, range(60))),
        labels,
        kinds.get("items").made_up(labels, 30),
        classes,
        {},
        np.ones(30, np.int64),
    )
    made = evaluate(model, write_predictions(model, tmp_path, "test"), NAMES, DRAWS)
    made = compare(made, model, test, taught(world(), classes), ("popularity", "ease"), DRAWS)
    assert set(made.baselines) == {"popularity", "ease"}
    one = next(one for one in made.measurements if one.name == "ndcg_10_minus_popularity")
    assert one.interval is not None
    assert one.interval.low > 0
    assert "paired" in one.interval.method


def test_without_personal_features_everybody_gets_the_same_list() -> None:
    given_ = scored([0, 0, 5, 9])
    scores = np.arange(8, dtype=np.float32)[::-1]
    found = switched_off(given_, scores, DRAWS)
    assert value(found, "hit_rate_10_without_personal_features") == 1
    assert value(found, "ndcg_10_without_personal_features") == 1
    assert value(found, "ndcg_10_minus_without_personal_features") < 0
    # what was taken is not known, and so not left out
    lists = switched_off(scored([0]), np.array([0, 9, 0, 0, 0, 0, 0, 0.0]), DRAWS)
    assert value(lists, "ndcg_10_without_personal_features") < 1


def test_no_answer_without_a_history_is_no_figure() -> None:
    for scores in (None, np.full(8, np.nan)):
        found = switched_off(scored([0, 1]), scores, DRAWS)
        assert all(one.value is None and one.problem for one in found)


@pytest.mark.shared
def test_baselines_reach_the_figures_of_the_peers_on_movielens(shared: Path) -> None:
    """shared/peers/RESULTS.md: leave-last-out, full ranking, ties against."""
    folder = shared / "data" / "recommendation" / "movielens_100k"
    config = DataConfig.model_validate({"train": (str(folder),), "split": {"method": "leave_last_out"}})  # fmt: skip
    found = prepare(config, kind="items", inputs="history")
    classes, kind = found.ref.classes, kinds.get("items")
    test, known = (inputs_of(table, "history") for table in (found.parts["test"], found.known))
    assert isinstance(test, Histories)
    labels = kind.labels(test, [], classes)
    like = ScoredItems(tuple(found.parts["test"]["id"].to_pylist()), labels, [None] * len(labels), classes, {})  # fmt: skip
    learnt = TrainingInputs(known, kind.labels(known, [], classes), len(known))
    for name, hits, gain in (("popularity", 0.0859, 0.0439), ("item_knn", 0.1177, 0.0631)):
        other = kind.answer(kind.baselines.get(name), learnt, test, like)
        assert value(metrics.get("hit_rate_10")(other, DRAWS), "hit_rate_10") == pytest.approx(hits, abs=1e-4)  # fmt: skip
        assert value(metrics.get("ndcg_10")(other, DRAWS), "ndcg_10") == pytest.approx(gain, abs=2e-4)  # fmt: skip
