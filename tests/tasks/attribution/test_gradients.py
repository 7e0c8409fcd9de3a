"""Weights sum to what the answer differs from its baseline, captum finds the same, and the model stays as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import architectures
import tiny
from lextune.config import load_config
from lextune.errors import ModelError
from lextune.features import write_features
from lextune.models.initial import initial_files
from lextune.models.loading import LoadedModel, load_pretrained
from lextune.tasks.attribution.cells import usual_cells
from lextune.tasks.attribution.explaining import explain, method_for
from lextune.tasks.attribution.gradients import differentiable, integrate, way_of
from lextune.tasks.base import tasks
from visits import draw_visits

CLASSES = ("bad", "good", "neither")
TEXTS = ["a superb film", "the plot was boring and the ending awful " * 6, "wonderful"]


def loaded_text(folder: Path, kind: str = "bert", task: str = "sentiment") -> LoadedModel:
    tiny.write_tiny_model(folder / kind, kind, **architectures.KINDS[kind])
    files = {one.name: one.read_bytes() for one in (folder / kind).iterdir()}
    torch.manual_seed(1)
    found = load_pretrained(files, tasks.get(task), CLASSES, max_length=40, dropout=0.0)
    with torch.no_grad():
        for name, one in found.model.named_parameters():
            # small random weights hardly tell words apart: larger ones bend the way
            one.mul_(4.0 if one.ndim == 2 and "embed" not in name else 1.0)
    found.model.eval()
    return found


def loaded_records(*, events: bool = False) -> tuple[LoadedModel, list[str]]:
    rows = draw_visits(120, 0, events=events)
    for row in rows:
        row.pop("bought")
    texts = [write_features(row) for row in rows]
    task = tasks.get("behaviour_prediction")
    config = {"task": task.name, "model": {"source": "auto"}, "data": {"train": ["x"]}}
    chosen = task.settings(load_config({**config, "train": {"hidden_size": 16}}), texts, [])
    torch.manual_seed(0)
    files = initial_files("init:tabular-transformer")
    found = load_pretrained(files, task, CLASSES, max_length=64, dropout=0.0, settings=chosen)
    with torch.no_grad():
        found.model.head.weight.mul_(40.0)  # type: ignore[union-attr,operator]
    found.model.eval()
    return found, texts


@pytest.mark.parametrize("kind", sorted(architectures.KINDS))
def test_weights_sum_to_the_difference_in_every_architecture(kind: str, tmp_path: Path) -> None:
    loaded = loaded_text(tmp_path, kind)
    for text in TEXTS:
        way = way_of(loaded, text)
        found = integrate(loaded, way, 1, 48)
        spread = float(np.abs(found.weights).sum())
        assert spread > 1e-3
        assert found.gap < 1e-5 + 0.02 * spread
        assert len(found.weights) == int((loaded.encode.pieces(text)[:, 1] > 0).sum())  # type: ignore[attr-defined]


def test_the_score_is_that_of_the_answer(tmp_path: Path) -> None:
    loaded = loaded_text(tmp_path)
    encoded = loaded.encode(TEXTS)
    scores = loaded.scores(encoded, np.arange(3)).astype(float)
    for row, text in enumerate(TEXTS):
        expected = np.log(scores[row, 2]) - np.log(scores[row, 0] + scores[row, 1])
        assert integrate(loaded, way_of(loaded, text), 2, 4).score == pytest.approx(
            expected, abs=1e-4
        )


def test_captum_finds_the_same_weights(tmp_path: Path) -> None:
    attr = pytest.importorskip("captum.attr")
    loaded = loaded_text(tmp_path)
    model: Any = loaded.model

    def forward(ids: torch.Tensor) -> torch.Tensor:
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        return logits[:, 1] - torch.logsumexp(logits[:, [0, 2]], 1)

    oracle = attr.LayerIntegratedGradients(forward, model.get_input_embeddings())
    for text in TEXTS:
        ids = torch.from_numpy(loaded.encode([text]).ids.astype(np.int64))[None]
        content = loaded.encode.pieces(text)[:, 1] > 0  # type: ignore[attr-defined]
        baseline = torch.where(torch.from_numpy(content), 0, ids[0])[None]
        expected = oracle.attribute(ids, baselines=baseline, n_steps=24, method="gausslegendre")
        found = integrate(loaded, way_of(loaded, text), 1, 24)
        np.testing.assert_allclose(
            found.weights, expected.sum(-1)[0].detach().numpy()[content], atol=2e-4
        )


def test_a_record_s_weights_sum_to_how_it_differs_from_the_usual_one() -> None:
    loaded, texts = loaded_records()
    scores = loaded.scores(loaded.encode(texts), np.arange(len(texts)))
    target = int(np.abs(scores - scores.mean(0)).max(1).argmax())
    found = explain(loaded, texts[target], 1, lambda _: scores)
    assert found.method == "integrated_gradients"
    assert found.complete
    assert found.baseline is not None
    assert found.weights.sum() == pytest.approx(found.score - found.baseline, abs=0.02)
    usual = usual_cells(loaded.settings)
    same = [
        w
        for part, w in zip(found.parts, found.weights, strict=True)
        if part.value == usual[part.name]
    ]
    assert same
    np.testing.assert_allclose(same, 0, atol=1e-6)


def test_what_is_not_differentiable_is_occluded(tmp_path: Path) -> None:
    loaded, _ = loaded_records(events=True)
    assert not differentiable(loaded)
    assert method_for(loaded) == "occlusion"
    with pytest.raises(ModelError, match="no integrated gradients"):
        method_for(loaded, "integrated_gradients")


def test_the_model_is_left_as_it_was(tmp_path: Path) -> None:
    loaded = loaded_text(tmp_path)
    before = {name: one.clone() for name, one in loaded.model.state_dict().items()}
    scores = loaded.scores(loaded.encode(TEXTS), np.arange(3))
    for text in TEXTS:
        integrate(loaded, way_of(loaded, text), 0, 4)
    assert all(torch.equal(one, before[name]) for name, one in loaded.model.state_dict().items())
    assert all(one.grad is None for one in loaded.model.parameters())
    np.testing.assert_array_equal(loaded.scores(loaded.encode(TEXTS), np.arange(3)), scores)


def test_classes_that_do_not_exclude_each_other_have_odds_of_their_own(tmp_path: Path) -> None:
    loaded = loaded_text(tmp_path, task="multi_label_classification")
    score = loaded.scores(loaded.encode(TEXTS[:1]), np.arange(1)).astype(float)[0, 1]
    found = integrate(loaded, way_of(loaded, TEXTS[0]), 1, 32)
    assert found.score == pytest.approx(np.log(score / (1 - score)), abs=1e-4)
    assert found.gap < 0.02
