"""A step of several batches is the step of one with all their rows, whatever weighs the rows; weights are scikit-learn's."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import Bench, same, weights
from lextune.errors import ConfigError, DataError
from lextune.tasks.text_classification import TextClassification
from lextune.training.health import Health
from lextune.training.loop import Trainer
from lextune.training.objective import Objective, class_weights

TASK = TextClassification("sentiment")
FIGURE = st.floats(0.05, 20)


@st.composite
def problems(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, float]:
    """Logits, labels, perhaps weights, and a smoothing."""
    rows, classes = draw(st.integers(1, 12)), draw(st.integers(2, 4))
    torch.manual_seed(draw(st.integers(0, 1000)))
    labels = torch.tensor(draw(st.lists(st.integers(0, classes - 1), min_size=rows, max_size=rows)))
    weighed = draw(st.none() | st.lists(FIGURE, min_size=classes, max_size=classes))
    smoothing = draw(st.sampled_from([0.0, 0.1, 0.5]))
    logits = torch.randn(rows, classes, dtype=torch.float64) * 3
    return logits, labels, None if weighed is None else torch.tensor(weighed), smoothing


@settings(max_examples=60, deadline=None)
@given(problems(), st.data())
def test_any_cut_into_batches_has_the_gradient_of_the_whole(
    problem: tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, float], data: st.DataObject
) -> None:
    logits, labels, weighed, smoothing = problem
    objective = Objective(TASK, smoothing, weighed)
    whole = logits.clone().requires_grad_()
    loss = objective(whole, labels)
    loss.backward()  # type: ignore[no-untyped-call]
    inner = range(1, len(labels))
    cuts = sorted(data.draw(st.sets(st.sampled_from(inner))) if inner else [])
    parts = np.split(np.arange(len(labels)), cuts)
    shares = objective.shares([labels[one] for one in parts])
    assert sum(shares) == pytest.approx(1)
    cut, total = logits.clone().requires_grad_(), 0.0
    for rows, share in zip(parts, shares, strict=True):
        piece = objective(cut[rows], labels[rows]) * share
        piece.backward()
        total += float(piece.detach())
    assert total == pytest.approx(float(loss.detach()), rel=1e-5)
    assert whole.grad is not None
    assert cut.grad is not None
    torch.testing.assert_close(cut.grad, whole.grad, rtol=1e-4, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_the_loss_is_the_mean_over_rows_weighted_by_their_class(
    problem: tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, float],
) -> None:
    logits, labels, weighed, _ = problem
    by_hand = -logits.float().log_softmax(-1)[torch.arange(len(labels)), labels].numpy()
    each = None if weighed is None else weighed.numpy()[labels.numpy()]
    found = float(Objective(TASK, 0.0, weighed)(logits, labels))
    assert found == pytest.approx(float(np.average(by_hand, weights=each)), rel=1e-4, abs=1e-6)


def test_smoothing_moves_a_share_of_the_label_to_all_classes() -> None:
    logits, labels = torch.tensor([[2.0, 0.0, -1.0, 0.5]]), torch.tensor([0])
    target = torch.full((1, 4), 0.3 / 4)
    target[0, 0] += 0.7
    expected = -(target * logits.log_softmax(-1)).sum()
    assert float(Objective(TASK, 0.3)(logits, labels)) == pytest.approx(float(expected))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=50))
def test_balanced_is_what_scikit_learn_says(found: list[int]) -> None:
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.array([*found, 0, 1, 2, 3], np.int64)
    weighed = class_weights("balanced", "abcd", np.bincount(labels))
    assert weighed is not None
    expected = compute_class_weight("balanced", classes=np.arange(4), y=labels)
    np.testing.assert_allclose(weighed.numpy(), expected, rtol=1e-6)
    # each class then weighs the same
    per_class = np.bincount(labels, weights=weighed.double().numpy()[labels])
    np.testing.assert_allclose(per_class, per_class[0], rtol=1e-6)


def test_a_mapping_weighs_by_name_and_the_rest_with_one() -> None:
    counts = np.array([1, 1, 1])
    weighed = class_weights({"spam": 5}, ("ham", "other", "spam"), counts)
    assert weighed is not None
    assert weighed.tolist() == [1, 1, 5]
    assert class_weights(None, ("ham", "spam"), counts) is None


def test_every_unknown_class_is_told_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError) as caught:
        class_weights({"spm": 2.0, "ham": 1.0, "zzz": 3.0}, ("ham", "spam"), np.array([1, 1]))
    first, second = map(str, caught.value.problems)
    assert "did you mean 'spam'?" in first
    assert "use some of ham, spam" in second


def test_a_class_without_a_row_cannot_be_balanced() -> None:
    with pytest.raises(DataError, match="'other' has no training row"):
        class_weights("balanced", ("ham", "other", "spam"), np.array([1, 0, 2]))


def gradient(trainer: Trainer, bench: Bench, batches: list[np.ndarray]) -> dict[str, torch.Tensor]:
    trainer.optimizer.zero_grad(set_to_none=True)
    health = Health(trainer.model, trainer.optimizer, trainer.progress, 2)
    trainer._gradient(bench.part(bench.train), batches, health)
    found = {name: one.grad for name, one in trainer.model.named_parameters()}
    return {name: one.clone() for name, one in found.items() if one is not None}


@pytest.mark.parametrize(
    "extra", [{}, {"class_weights": {"positive": 7.0}, "label_smoothing_factor": 0.1}]
)
@settings(max_examples=10, deadline=None)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_the_gradient_of_the_model_is_that_of_one_large_batch(
    whole_bench: Bench, tmp_path_factory: Any, extra: dict[str, Any], sizes: list[int]
) -> None:
    bench = dataclasses.replace(whole_bench, settings={"dropout": 0.0, **extra})
    trainer = bench.trainer(tmp_path_factory.mktemp("c"))
    rows = np.random.default_rng(sum(sizes)).permutation(len(bench.train))[: sum(sizes)]
    one = gradient(trainer, bench, [rows])
    many = gradient(trainer, bench, np.split(rows, np.cumsum(sizes)[:-1]))
    assert one.keys() == many.keys()
    for name in one:
        torch.testing.assert_close(many[name], one[name], rtol=2e-3, atol=2e-6)


def test_accumulated_steps_are_counted_as_steps(bench: Bench, tmp_path: Path) -> None:
    """76 rows in batches of 8 are 10 batches: steps of 4, 4 and 2."""
    bench.settings = {"gradient_accumulation_steps": 4, "epochs": 2}
    sizes: list[int] = []
    trainer = bench.trainer(tmp_path / "c")
    plan = trainer._plan
    trainer._plan = lambda rows: sizes.extend(map(len, found := plan(rows))) or found  # type: ignore
    outcome = bench.run(trainer)
    assert sizes == [4, 4, 2] * 2
    assert outcome.steps == 6


def test_validation_is_the_plain_loss(bench: Bench, tmp_path: Path) -> None:
    found = []
    for extra in ({}, {"class_weights": {"positive": 7.0}, "label_smoothing_factor": 0.4}):
        bench.settings = extra
        trainer = bench.trainer(tmp_path / str(len(found)))
        found.append(trainer.validate(bench.part(bench.rows[76:])))
    assert found[0] == found[1]


def test_weights_and_smoothing_change_the_training(bench: Bench, tmp_path: Path) -> None:
    found = []
    for extra in ({}, {"class_weights": "balanced"}, {"class_weights": {"negative": 3.0}},
                  {"label_smoothing_factor": 0.2}):  # fmt: skip
        bench.settings = {"epochs": 1, **extra}
        trainer = bench.trainer(tmp_path / str(len(found)))
        bench.run(trainer)
        found.append(weights(trainer))
    assert same(found[0], found[1])  # 38 rows of each class
    assert not same(found[0], found[2])
    assert not same(found[0], found[3])
