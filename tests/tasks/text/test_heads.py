"""The head on the features is the model, in every architecture whose head is known; others are refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from architectures import KINDS, built, of_kind
from bench import Bench
from lextune.errors import ModelError


@pytest.fixture
def bench(tmp_path: Any) -> Bench:
    return Bench.make(tmp_path, rows=12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_head_on_the_features_is_the_model(bench: Bench, kind: str) -> None:
    bench = of_kind(bench, kind)
    model, task = built(bench).eval(), bench.task
    batch = task.collate(bench.part(bench.rows).encoded, np.array([3, 0, 11, 5]))
    with torch.inference_mode():
        features = task.features(model, batch)
        expected, found = task.logits(model, batch), task.head_logits(model, features)
        library = model(**batch.padded()).logits
    assert features.shape == (4, 32)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(found, library, rtol=1e-4, atol=1e-5)
    assert len({tuple(row.tolist()) for row in features}) == 4


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("modernbert", {**KINDS["modernbert"], "classifier_pooling": "mean"}),
        ("xlnet", {"d_model": 32, "n_layer": 1, "n_head": 2, "d_inner": 64}),
    ],
)
def test_a_head_that_reads_something_else_is_refused(
    bench: Bench, kind: str, values: dict[str, Any]
) -> None:
    bench = of_kind(bench, kind, **values)
    model = built(bench)
    batch = bench.task.collate(bench.part(bench.rows).encoded, np.arange(3))
    for ask in (
        lambda: bench.task.features(model, batch),
        lambda: bench.task.head_logits(model, torch.zeros(3, 32)),
    ):
        with pytest.raises(ModelError, match="what the head of") as caught:
            ask()
        assert "train.method: full" in caught.value.problems[0].remedy
