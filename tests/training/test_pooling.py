"""A pooler that was drawn begins with standardised features; one that came with the model is left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bench import CLASSES, Bench
from lextune.models.loading import load_pretrained
from lextune.training.loop import Rows
from lextune.training.pooling import standardise_pooler

POOLER = {"bert.pooler.dense.weight", "bert.pooler.dense.bias"}


@pytest.fixture
def loaded(bench: Bench):  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    return load_pretrained(bench.files, bench.task, CLASSES, max_length=32, dropout=0.0)


def pooled(loaded, rows: Rows) -> torch.Tensor:  # type: ignore[no-untyped-def]
    """What the pooler gives before its tanh."""
    model = loaded.model.eval()
    batch = loaded.task.collate(rows.encoded, np.arange(len(rows.ids)))
    with torch.no_grad():
        return model.bert.pooler.dense(loaded.task.features(model, batch))


def test_features_have_no_mean_and_at_most_unit_scale(bench: Bench, loaded) -> None:  # type: ignore[no-untyped-def]
    rows = bench.part(bench.train)
    assert len(rows.ids) <= 128
    before = pooled(loaded, rows)
    assert standardise_pooler(bench.task, loaded.model, rows, POOLER)
    found = pooled(loaded, rows)
    assert torch.allclose(found.mean(0), torch.zeros(found.shape[1]), atol=1e-4)
    spread = found.std(0, unbiased=False)
    assert float(spread.max()) <= 1.0001
    assert float(spread.median()) > 0.9
    assert not torch.allclose(before, found, atol=1e-2)
    assert loaded.model.bert.pooler.dense.weight.requires_grad


@pytest.mark.parametrize("new", [set(), {"classifier.weight"}, {"bert.pooler.dense.weight"}])
def test_a_pooler_that_a_file_held_is_left_alone(bench: Bench, loaded, new: set[str]) -> None:  # type: ignore[no-untyped-def]
    before = {name: one.clone() for name, one in loaded.model.state_dict().items()}
    assert not standardise_pooler(bench.task, loaded.model, bench.part(bench.train), new)
    assert all(torch.equal(one, before[name]) for name, one in loaded.model.state_dict().items())


def test_a_single_row_has_no_scale(bench: Bench, loaded) -> None:  # type: ignore[no-untyped-def]
    before = loaded.model.bert.pooler.dense.weight.clone()
    assert not standardise_pooler(bench.task, loaded.model, bench.part(bench.train[:1]), POOLER)
    assert torch.equal(loaded.model.bert.pooler.dense.weight, before)


def test_neither_the_generator_nor_the_mode_is_touched(bench: Bench, loaded) -> None:  # type: ignore[no-untyped-def]
    loaded.model.train()
    before = torch.get_rng_state()
    standardise_pooler(bench.task, loaded.model, bench.part(bench.train), POOLER)
    assert loaded.model.training
    assert torch.equal(torch.get_rng_state(), before)


def test_an_encoder_without_a_pooler_is_trained_with_one_that_begins_so(
    bert: Path, tmp_path: Path
) -> None:
    """Through the training room: the files hold no pooler, the trained folder does."""
    import safetensors.torch

    import lextune
    import tiny

    folder = tmp_path / "bare"
    folder.mkdir()
    for path in bert.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    state = safetensors.torch.load_file(folder / "model.safetensors")
    kept = {name: one for name, one in state.items() if "pooler" not in name}
    safetensors.torch.save_file(kept, folder / "model.safetensors", {"format": "pt"})
    data = tiny.write_reviews(tmp_path / "reviews.csv", 1000)
    config = tiny.tiny_config(folder, data)
    config["train"] |= {"epochs": 1, "learning_rate": 1e-9}
    run = lextune.run(config, out=tmp_path / "run")
    assert run.trained is not None
    found = safetensors.torch.load_file(tmp_path / "run" / "model" / "model.safetensors")
    weight, bias = (found[f"bert.pooler.dense.{name}"] for name in ("weight", "bias"))
    assert float((weight - torch.diag(weight.diagonal())).abs().max()) < 1e-5
    assert bool(bias.any())
