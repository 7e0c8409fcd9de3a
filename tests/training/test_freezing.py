"""Word embeddings stay as they were where they are frozen, in every method, checkpoint and resumed run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from transformers import BertConfig, BertForSequenceClassification

from bench import Bench, StopAt, same, weights
from lextune.errors import ModelError
from lextune.training.freezing import embeddings_frozen, freeze_embeddings

TABLE = "bert.embeddings.word_embeddings.weight"


def small_bert(words: int) -> BertForSequenceClassification:
    return BertForSequenceClassification(
        BertConfig(
            vocab_size=words, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=16, max_position_embeddings=8,
        )
    )  # fmt: skip


@pytest.mark.parametrize("words", [10, 100, 150, 200, 400, 1000])
def test_auto_freezes_a_table_that_is_more_than_two_thirds(words: int) -> None:
    model = small_bert(words)
    share = words * 8 / sum(one.numel() for one in model.parameters())
    freeze_embeddings(model, "auto")
    assert embeddings_frozen(model) is (share > 2 / 3)
    others = [one for name, one in model.named_parameters() if name != TABLE]
    assert all(one.requires_grad for one in others)


def test_the_config_has_the_last_word() -> None:
    small, large = small_bert(10), small_bert(1000)
    freeze_embeddings(small, True)
    freeze_embeddings(large, False)
    assert embeddings_frozen(small)
    assert not embeddings_frozen(large)


def test_a_model_that_does_not_name_its_embeddings_is_refused_only_where_they_must_be_frozen() -> (
    None
):
    model = torch.nn.Linear(2, 2)
    freeze_embeddings(model, "auto")
    freeze_embeddings(model, False)
    assert not embeddings_frozen(model)
    with pytest.raises(ModelError, match="which are its word embeddings"):
        freeze_embeddings(model, True)


@pytest.mark.parametrize("method", ["full", "layerwise"])
def test_a_frozen_table_stays_bit_for_bit_while_all_else_moves(
    bench: Bench, tmp_path: Path, method: str
) -> None:
    bench.settings = {"method": method, "freeze_embeddings": True, "epochs": 1, "ema_decay": 0.5}
    trainer = bench.trainer(tmp_path / "c")
    before = weights(trainer)
    outcome = bench.run(trainer)
    after = weights(trainer)
    assert torch.equal(before[TABLE], after[TABLE])
    trained = [name for name, one in trainer.model.named_parameters() if one.requires_grad]
    assert TABLE not in trained
    assert not any(torch.equal(before[name], after[name]) for name in trained)
    total = sum(one.numel() for one in trainer.model.parameters())
    assert outcome.trained_parameters == total - before[TABLE].numel()
    assert TABLE not in trainer.method.watched(trainer.model)


def test_neither_checkpoints_nor_the_optimiser_hold_the_frozen_table(
    bench: Bench, tmp_path: Path
) -> None:
    bench.settings = {"freeze_embeddings": True, "epochs": 1}
    trainer = bench.trainer(tmp_path / "c")
    bench.run(trainer)
    files = sorted((tmp_path / "c").rglob("*.safetensors"))
    assert {"model.safetensors", "optimizer.safetensors", "best.safetensors"} <= {
        one.name for one in files
    }
    for path in files:
        names = {name.partition("|")[0] for name in safetensors.torch.load_file(path)}
        assert TABLE not in names


def test_a_resumed_run_with_a_frozen_table_has_the_same_bits(bench: Bench, tmp_path: Path) -> None:
    bench.settings = {"freeze_embeddings": True}
    whole = bench.trainer(tmp_path / "whole")
    bench.run(whole)
    with pytest.raises(KeyboardInterrupt):
        bench.run(bench.trainer(tmp_path / "cut", [StopAt(13)]))
    resumed = bench.trainer(tmp_path / "cut")
    bench.run(resumed, resume=True)
    assert same(weights(whole), weights(resumed))


@pytest.mark.parametrize("method", ["head", "lora"])
def test_methods_that_freeze_the_encoder_leave_the_table_alone(
    bench: Bench, tmp_path: Path, method: str
) -> None:
    if method == "lora":
        pytest.importorskip("peft")
    bench.settings = {"method": method, "epochs": 1}
    trainer = bench.trainer(tmp_path / "c")
    assert embeddings_frozen(trainer.model)
    before = weights(trainer)[TABLE]
    bench.run(trainer)
    assert torch.equal(weights(trainer)[TABLE], before)


def test_what_was_done_is_recorded(bert: Path, tmp_path: Path) -> None:
    import lextune
    import tiny

    data = tiny.write_reviews(tmp_path / "reviews.csv", 1000)
    config = tiny.tiny_config(bert, data)
    config["train"] |= {"epochs": 1}
    run = lextune.run(config, out=tmp_path / "auto")
    assert run.trained is not None
    assert run.trained.parameters["freeze_embeddings"] is False
    config["train"] |= {"freeze_embeddings": True}
    run = lextune.run(config, out=tmp_path / "frozen")
    assert run.trained is not None
    assert run.trained.parameters["freeze_embeddings"] is True
    log = (tmp_path / "frozen" / "trainer_log.jsonl").read_text().splitlines()
    assert json.loads(log[0])
