"""Any architecture is built whole from its files, and files that do not fit each other are a clear error."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from transformers import pipeline

import tiny
from lextune.errors import ModelError
from lextune.models.loading import load_finished, load_pretrained
from lextune.tasks.base import model_info, tasks
from lextune.tasks.pretrained import DROPOUTS

CLASSES = ("negative", "positive")
TASK = tasks.get("text_classification")
TEXTS = ["the film was wonderful " * 60, "awful", "boring story music"]
Files = dict[str, bytes]

_BERT = {
    "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64,
    "max_position_embeddings": 64, "pad_token_id": 1,
}  # fmt: skip
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "roberta": _BERT,
    "mpnet": _BERT,
    "longformer": _BERT | {"attention_window": 8},
    "data2vec-text": _BERT,
    "electra": _BERT | {"embedding_size": 16, "pad_token_id": 0},
    "deberta-v2": _BERT | {"pad_token_id": 0},
    "modernbert": _BERT | {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3},
    "distilbert": {"dim": 32, "n_layers": 1, "n_heads": 2, "hidden_dim": 64,
                   "max_position_embeddings": 64},
    "xlnet": {"d_model": 32, "n_layer": 1, "n_head": 2, "d_inner": 64},
    "gpt2": {"n_embd": 32, "n_layer": 1, "n_head": 2, "n_positions": 64, "pad_token_id": 0},
    "bart": {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
             "decoder_attention_heads": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64,
             "max_position_embeddings": 64, "pad_token_id": 0, "bos_token_id": 2,
             "eos_token_id": 3, "decoder_start_token_id": 3},
}  # fmt: skip
LIMITS = {"roberta": 62, "mpnet": 62, "longformer": 62, "data2vec-text": 62, "xlnet": None}


def read(folder: Path) -> Files:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def build(files: Files, classes: Sequence[str] = CLASSES, **named: Any) -> torch.nn.Module:
    torch.manual_seed(0)
    model, _ = TASK.build(files, classes, **({"dropout": 0.0, "new_head": True} | named))
    return model.eval()


def configured(files: Files, **values: Any) -> Files:
    config = {**json.loads(files["config.json"]), **values}
    return files | {"config.json": json.dumps(config).encode()}


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_every_architecture_takes_long_rows_learns_and_gives_its_scores_again(
    kind: str, tmp_path: Path
) -> None:
    files = read(tiny.write_tiny_model(tmp_path / kind, kind, **ARCHITECTURES[kind]))
    assert TASK.positions(files) == LIMITS.get(kind, 64)
    model = build(files)
    assert not [one for one in model.modules() if isinstance(one, torch.nn.Dropout) and one.p]
    encoded = TASK.encoder(files, 512)(TEXTS)
    batch = TASK.collate(encoded, np.arange(3))
    logits = TASK.logits(model, batch)
    loss = TASK.loss(logits, torch.tensor([0, 1, 0]))
    assert float(loss.detach()) == pytest.approx(math.log(2), abs=0.25)
    loss.backward()  # type: ignore[no-untyped-call]
    done = TASK.export(model, files, model_info("text_classification", CLASSES, 512, "fp32"))
    scores = load_finished(done).scores(encoded, np.arange(3))
    np.testing.assert_allclose(scores, TASK.decode(logits), atol=1e-6)


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_padding_changes_no_score_and_transformers_gives_the_same(
    kind: str, tmp_path: Path
) -> None:
    files = read(tiny.write_tiny_model(tmp_path / "base", kind, **ARCHITECTURES[kind]))
    model = build(files)
    with torch.no_grad():
        for parameter in model.parameters():  # so that scores tell texts apart
            parameter.add_(torch.randn_like(parameter) * 0.1)
    done = TASK.export(model, files, model_info("text_classification", CLASSES, 60, "fp32"))
    loaded, texts = load_finished(done), [*TEXTS[1:], "wonderful music " * 40]
    encoded = loaded.encode(texts)
    together = loaded.scores(encoded, np.arange(3))
    folder = tmp_path / "done"
    folder.mkdir()
    for name, data in done.items():
        (folder / name).write_bytes(data)
    classify = pipeline("text-classification", model=str(folder), top_k=None)
    for row, text in enumerate(texts):
        alone = loaded.scores(encoded, np.array([row]))[0]
        np.testing.assert_allclose(alone, together[row], atol=1e-5)
        theirs = {one["label"]: one["score"] for one in classify([text], truncation=True)[0]}
        assert [theirs[name] for name in CLASSES] == pytest.approx(alone.tolist(), abs=1e-5)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"hidden_size": 30, "num_attention_heads": 4}, "not a multiple"),
        ({"hidden_size": 64}, "misfit"),
        ({"hidden_size": "32"}, "hidden_size"),
        ({"hidden_size": None}, "bert"),
        ({"num_hidden_layers": [2]}, "num_hidden_layers"),
        ({"hidden_act": "no_such_activation"}, "no_such_activation"),
        ({"max_position_embeddings": None}, "bert"),
        ({"max_position_embeddings": 3}, "positions for 3 tokens only"),
        ({"vocab_size": -1}, "vocabulary"),
        ({"num_hidden_layers": 1}, r"no place for 16 tensors .*encoder\.layer\.1"),
        ({"num_hidden_layers": 0}, r"no place for 32 tensors"),
        ({"model_type": ["bert"]}, "architecture"),
    ],
)
def test_a_config_that_does_not_fit_the_weights_is_a_fault_of_the_model(
    files: Files, values: dict[str, Any], told: str
) -> None:
    with pytest.raises(ModelError, match=told) as caught:
        load_pretrained(configured(files, **values), TASK, CLASSES, max_length=32, dropout=0.0)
    assert caught.value.exit_code == 2
    assert all(one.remedy for one in caught.value.problems)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"3", b"\xff\xfe", b"[" * 100_000])
def test_a_config_that_is_no_mapping_is_a_clear_error(files: Files, data: bytes) -> None:
    with pytest.raises(ModelError, match=r"config\.json"):
        build(files | {"config.json": data})
    with pytest.raises(ModelError, match=r"config\.json"):
        TASK.encoder(files | {"config.json": data}, 32)


@pytest.mark.parametrize(
    "index",
    [b"[]", b"{", b'{"weight_map": []}', b'{"weight_map": {"a": 5, "b": "x"}}', b'{"weight_map": 1}',
     b'{"weight_map": {"a": ["x"]}}'],
)  # fmt: skip
def test_an_index_of_shards_that_is_no_mapping_is_a_clear_error(files: Files, index: bytes) -> None:
    given = {name: data for name, data in files.items() if name != "model.safetensors"}
    with pytest.raises(ModelError, match="damaged"):
        build(given | {"model.safetensors.index.json": index})


@pytest.mark.parametrize(
    "values",
    [
        {"num_labels": 1},
        {"num_labels": 5},
        {"id2label": ["x", "y"]},
        {"id2label": {"x": "y"}},
        {"id2label": None, "label2id": 3},
        {"problem_type": "regression", "num_labels": 1},
    ],
)
def test_the_classes_of_the_task_decide_whatever_the_config_said(
    files: Files, values: dict[str, Any]
) -> None:
    model = build(configured(files, **values), ("a", "b", "c"))
    assert model.config.num_labels == 3
    batch = TASK.collate(TASK.encoder(files, 32)(TEXTS), np.arange(3))
    assert TASK.logits(model, batch).shape == (3, 3)
    done = TASK.export(
        model, configured(files, **values), model_info("sentiment", "abc", 32, "fp32")
    )
    assert json.loads(done["config.json"])["id2label"] == {"0": "a", "1": "b", "2": "c"}


def test_heads_of_other_tasks_among_the_weights_are_left_out(files: Files) -> None:
    tensors = load(files["model.safetensors"])
    tensors |= {
        "cls.predictions.bias": torch.zeros(9),
        "lm_head.layers.0.weight": torch.zeros(3, 3),
        "embeddings.position_ids": torch.arange(64)[None],
        "encoder.layer.0.attention.self.position_ids": torch.arange(64),
    }
    model = build(files | {"model.safetensors": save(tensors)})
    assert model.state_dict().keys() == build(files).state_dict().keys()


def twelve(order: Sequence[int]) -> tuple[dict[str, str], tuple[str, ...]]:
    classes = tuple(f"class {index}" for index in range(12))
    return {str(index): classes[index] for index in order}, classes


def test_a_head_is_kept_by_the_numbers_of_its_classes_not_by_their_place(files: Files) -> None:
    by_number, classes = twelve(range(12))
    as_strings, _ = twelve(sorted(range(12), key=str))
    trained = build(files, classes)
    torch.nn.init.constant_(trained.classifier.weight, 7.0)  # type: ignore[union-attr, arg-type]
    done = TASK.export(trained, files, model_info("text_classification", classes, 32, "fp32"))
    for named in (by_number, as_strings):
        again = build(configured(done, id2label=named), classes)
        assert again.state_dict()["classifier.weight"].min() == 7.0
    # the names in the order of the file, but not in that of their numbers
    shuffled = tuple(as_strings.values())
    again = build(configured(done, id2label=as_strings), shuffled)
    assert again.state_dict()["classifier.weight"].max() < 1
    moved = {str(int(number) + 1): name for number, name in by_number.items()}
    again = build(configured(done, id2label=moved), classes)
    assert again.state_dict()["classifier.weight"].max() < 1


def without_dropouts(files: Files) -> Files:
    config = json.loads(files["config.json"])
    kept = {key: value for key, value in config.items() if key not in DROPOUTS}
    return files | {"config.json": json.dumps(kept).encode()}


@pytest.mark.parametrize("asked", [0.0, 0.3])
def test_dropout_is_applied_where_the_config_says_nothing_of_it(files: Files, asked: float) -> None:
    bare = without_dropouts(files)
    model = build(bare, dropout=asked)
    assert {one.p for one in model.modules() if isinstance(one, torch.nn.Dropout)} == {asked}
    done = TASK.export(model, bare, model_info("text_classification", CLASSES, 32, "fp32"))
    assert json.loads(done["config.json"])["hidden_dropout_prob"] == 0.1  # the library's own


@pytest.mark.parametrize(
    ("kind", "key"),
    [("electra", "classifier_dropout"), ("deberta-v2", "cls_dropout"),
     ("deberta-v2", "pooler_dropout"), ("distilbert", "seq_classif_dropout"),
     ("gpt2", "resid_pdrop"), ("modernbert", "classifier_dropout")],
)  # fmt: skip
def test_the_heads_dropout_is_the_asked_one_in_training_and_the_models_own_afterwards(
    kind: str, key: str, tmp_path: Path
) -> None:
    folder = tiny.write_tiny_model(tmp_path / kind, kind, **ARCHITECTURES[kind], **{key: 0.25})
    files = read(folder)
    model = build(files, dropout=0.0)
    found = {
        one.p for one in model.modules() if "Dropout" in type(one).__name__ and hasattr(one, "p")
    }
    found |= {one.drop_prob for one in model.modules() if hasattr(one, "drop_prob")}
    assert found == {0.0}
    done = TASK.export(model, files, model_info("text_classification", CLASSES, 32, "fp32"))
    assert json.loads(done["config.json"])[key] == 0.25
