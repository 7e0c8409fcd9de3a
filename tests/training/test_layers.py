"""A drawn head over layers begins with those that tell the classes apart; one that a file held is left alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.preprocessing import StandardScaler

from lextune.training.layers import _left_out, start_layer_weights
from lextune.training.loop import Rows

NEW = {"layer_weights", "projector.weight", "projector.bias"}


class Model(torch.nn.Module):
    """A head over three layers of width 4."""

    def __init__(self) -> None:
        super().__init__()
        self.layer_weights = torch.nn.Parameter(torch.ones(3) / 3)
        self.projector = torch.nn.Linear(4, 4)


def rows(count: int = 60) -> tuple[Any, Model, Rows]:
    """Rows of which the second layer alone tells the three classes apart, in large numbers."""
    draw = np.random.default_rng(0)
    labels = np.arange(count) % 3
    layers = draw.normal(size=(count, 3, 4))
    layers[:, 1] = 50 * (layers[:, 1] * 0.3 + 2 * np.eye(4)[labels])
    features = torch.from_numpy(layers).float().flatten(1)
    task = SimpleNamespace(
        collate=lambda encoded, chosen: SimpleNamespace(to=lambda _: features[chosen]),
        features=lambda model, batch: batch,
    )
    encoded = SimpleNamespace(lengths=np.ones(count, np.int64))
    return task, Model(), Rows(encoded, labels, [str(n) for n in range(count)])  # type: ignore[arg-type]


def test_the_layer_that_tells_the_classes_apart_is_preferred_whatever_its_scale() -> None:
    task, model, given = rows()
    found = start_layer_weights(task, model, given, NEW)
    assert found is not None
    effective = found * torch.tensor([1.0, 50.0, 1.0])
    assert float(effective[1] / effective.sum()) > 0.99
    torch.testing.assert_close(model.layer_weights.softmax(0), found.float(), atol=1e-4, rtol=0)
    layers = task.features(None, task.collate(None, np.arange(60)).to(None)).unflatten(1, (-1, 4))
    made = model.projector((layers * model.layer_weights.softmax(0)[:, None]).sum(1))
    torch.testing.assert_close(made.mean(0), torch.zeros(4), atol=1e-4, rtol=0)
    spread = made.detach().std(0)
    assert 0.5 < float(spread.min()) <= float(spread.max()) < 1.05


def test_rows_left_out_in_closed_form_are_those_of_scikit_learn() -> None:
    draw = np.random.default_rng(1)
    labels = np.arange(30) % 3
    given = draw.normal(size=(30, 5)) + 0.8 * np.eye(5)[labels]
    scaled = StandardScaler().fit_transform(given)
    ridge = RidgeClassifier(alpha=5 * 30 / 10)
    expected = (cross_val_predict(ridge, scaled, labels, cv=LeaveOneOut()) == labels).mean()
    found = _left_out(torch.from_numpy(given), torch.from_numpy(labels))
    assert float(found) == pytest.approx(expected, abs=0.04)  # the centre is of all rows here


@pytest.mark.parametrize("new", [set(), {"classifier.weight"}, NEW - {"layer_weights"}])
def test_a_head_that_a_file_held_is_left_alone(new: set[str]) -> None:
    task, model, given = rows()
    before = {name: one.clone() for name, one in model.state_dict().items()}
    assert start_layer_weights(task, model, given, new) is None
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())
