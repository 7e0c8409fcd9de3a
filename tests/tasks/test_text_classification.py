"""Text classification builds exactly the asked model, encodes and pads without changing a score, and exports it."""

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

from lextune.errors import ModelError
from lextune.tasks.base import Encoded, model_info, tasks

CLASSES = ("negative", "positive")
TASK = tasks.get("text_classification")
TEXTS = ["a wonderful film", "awful", "the plot was " + "very " * 30 + "boring", "old friend"]
Files = dict[str, bytes]


def build(files: Files, classes: Sequence[str] = CLASSES, **named: Any) -> torch.nn.Module:
    torch.manual_seed(0)
    model, _ = TASK.build(files, classes, **({"dropout": 0.0, "new_head": True} | named))
    return model.eval()


def configured(files: Files, **values: Any) -> Files:
    config = json.loads(files["config.json"]) | values
    return files | {"config.json": json.dumps(config).encode()}


def with_tensors(files: Files, change: Any) -> Files:
    tensors = load(files["model.safetensors"])
    change(tensors)
    return files | {"model.safetensors": save(tensors)}


def logits(model: torch.nn.Module, encoded: Encoded, rows: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        return TASK.logits(model, TASK.collate(encoded, np.array(rows)))


def test_a_new_model_has_the_encoder_as_it_was_and_a_narrow_head(files: Files) -> None:
    model = build(files)
    state = model.state_dict()
    for name, tensor in load(files["model.safetensors"]).items():
        if not name.startswith("pooler."):
            assert torch.equal(state[f"bert.{name}"], tensor), name
    assert state["classifier.weight"].shape == (2, 32)
    assert model.config.id2label == {0: "negative", 1: "positive"}


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_the_first_loss_is_near_that_of_a_blind_guess(files: Files, classes: int) -> None:
    model = build(files, [str(i) for i in range(classes)])
    encoded = TASK.encoder(files, 64)(TEXTS * classes)
    labels = torch.arange(len(encoded)) % classes
    loss = TASK.loss(logits(model, encoded, list(range(len(encoded)))), labels)
    assert float(loss) == pytest.approx(math.log(classes), abs=0.15)


def test_the_seed_decides_the_new_head(files: Files) -> None:
    heads = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        model, _ = TASK.build(files, CLASSES, dropout=0.0, new_head=True)
        heads.append(model.state_dict()["classifier.weight"])
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


@pytest.mark.parametrize(("asked", "expected"), [(0.0, 0.0), (0.3, 0.3), (None, 0.1)])
def test_dropout_is_what_was_asked_or_the_models_own(
    files: Files, asked: float | None, expected: float
) -> None:
    model = build(files, dropout=asked)
    found = {one.p for one in model.modules() if isinstance(one, torch.nn.Dropout)}
    assert found == {expected}


def test_a_missing_tensor_besides_the_head_is_refused(files: Files) -> None:
    broken = with_tensors(files, lambda t: t.pop("encoder.layer.1.output.dense.weight"))
    with pytest.raises(ModelError, match=r"encoder\.layer\.1\.output\.dense\.weight"):
        build(broken)


def test_a_tensor_of_another_shape_is_refused(files: Files) -> None:
    def cut(tensors: dict[str, torch.Tensor]) -> None:
        name = "embeddings.word_embeddings.weight"
        tensors[name] = tensors[name][:-1].contiguous()

    with pytest.raises(ModelError, match="word_embeddings"):
        build(with_tensors(files, cut))


def test_a_finished_model_may_lack_nothing(files: Files) -> None:
    with pytest.raises(ModelError, match="classifier"):
        build(files, new_head=False)


@pytest.mark.parametrize("classes", [("a", "b", "c"), ("positive", "negative"), ("x", "y")])
def test_a_head_of_other_classes_is_not_taken_over(files: Files, classes: tuple[str, ...]) -> None:
    trained = build(files)
    torch.nn.init.constant_(trained.classifier.weight, 7.0)  # type: ignore[union-attr, arg-type]
    done = TASK.export(trained, files, model_info("text_classification", CLASSES, 32, "fp32"))
    again = build(done, classes)
    assert again.state_dict()["classifier.weight"].abs().max() < 1
    assert again.state_dict()["classifier.weight"].shape[0] == len(classes)


def test_a_head_of_the_same_classes_goes_on(files: Files) -> None:
    trained = build(files)
    torch.nn.init.constant_(trained.classifier.weight, 7.0)  # type: ignore[union-attr, arg-type]
    done = TASK.export(trained, files, model_info("text_classification", CLASSES, 32, "fp32"))
    assert build(done).state_dict()["classifier.weight"].min() == 7.0


def test_half_precision_weights_are_trained_in_full(files: Files) -> None:
    def halve(tensors: dict[str, torch.Tensor]) -> None:
        tensors.update({name: one.half() for name, one in tensors.items()})

    model = build(with_tensors(files, halve))
    assert {one.dtype for one in model.parameters()} == {torch.float32}


def test_shards_are_joined_and_other_folders_are_another_models(files: Files) -> None:
    tensors = load(files["model.safetensors"])
    names = sorted(tensors)
    parts = {"model-1.safetensors": names[::2], "model-2.safetensors": names[1::2]}
    index = {"weight_map": {name: part for part, those in parts.items() for name in those}}
    sharded = {name: data for name, data in files.items() if name != "model.safetensors"}
    sharded |= {part: save({n: tensors[n] for n in those}) for part, those in parts.items()}
    sharded |= {"model.safetensors.index.json": json.dumps(index).encode()}
    stray = save({name: torch.zeros_like(one) for name, one in tensors.items()})
    expected = build(files).state_dict()
    strays = {"z/model.safetensors": stray, "other.safetensors": stray}
    for found in (sharded | strays, files | strays):
        state = build(found).state_dict()
        assert all(torch.equal(state[name], expected[name]) for name in expected)
    del sharded["model-2.safetensors"]
    with pytest.raises(ModelError, match="shard is missing"):
        build(sharded)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("model.safetensors", b"\x08\0\0\0\0\0\0\0notjson!"),
        ("model.safetensors", b""),
        ("model.safetensors.index.json", b"{}"),
    ],
)
def test_damaged_weights_are_a_clear_error(files: Files, name: str, data: bytes) -> None:
    if name.endswith("index.json"):
        del files["model.safetensors"]
    with pytest.raises(ModelError, match="damaged"):
        build(files | {name: data})


@pytest.mark.parametrize("kind", ["no_such_architecture", None, "vit"])
def test_an_architecture_without_a_text_classifier_is_refused(
    files: Files, kind: str | None
) -> None:
    with pytest.raises(ModelError, match="architecture"):
        build(configured(files, model_type=kind))


def test_code_named_by_a_config_is_never_run(files: Files, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    code = f"open({str(mark)!r}, 'w').write('x')\n".encode()
    named = configured(
        files,
        auto_map={"AutoModelForSequenceClassification": "modeling_evil.Evil"},
        architectures=["Evil"],
    )
    model = build(named | {"modeling_evil.py": code})
    assert type(model).__name__ == "BertForSequenceClassification"
    done = TASK.export(model, named, model_info("text_classification", CLASSES, 32, "fp32"))
    assert b"auto_map" not in done["config.json"]
    assert b"evil" not in done["config.json"].lower()
    assert not mark.exists()


def test_rows_are_cut_with_their_special_tokens_and_counted(files: Files) -> None:
    encoded = TASK.encoder(files, 8)(TEXTS)
    assert len(encoded) == 4
    assert encoded.truncated == 1
    assert encoded.lengths.max() == 8
    special = json.loads(files["tokenizer.json"])["model"]["vocab"]
    for row in range(4):
        ids = encoded.ids[encoded.offsets[row] : encoded.offsets[row + 1]]
        assert ids[0] == special["[CLS]"]
        assert ids[-1] == special["[SEP]"]
    assert encoded.pad_id == special["[PAD]"]


def test_no_texts_and_empty_texts_are_encoded(files: Files) -> None:
    encode = TASK.encoder(files, 16)
    assert len(encode([])) == 0
    assert encode(["", "a"]).lengths.tolist() == [2, 3]


def test_the_length_never_passes_the_models_positions(files: Files) -> None:
    encoded = TASK.encoder(files, 512)(["very " * 200])
    assert encoded.lengths.tolist() == [64]


@pytest.mark.parametrize("positions", [40, 50, 64])
def test_padding_never_passes_the_models_positions(files: Files, positions: int) -> None:
    def cut(tensors: dict[str, torch.Tensor]) -> None:
        name = "embeddings.position_embeddings.weight"
        tensors[name] = tensors[name][:positions].contiguous()
        tensors.pop("embeddings.position_ids", None)

    smaller = configured(with_tensors(files, cut), max_position_embeddings=positions)
    encoded = TASK.encoder(smaller, 512)(["very " * 200, "a"])
    batch = TASK.collate(encoded, np.array([0, 1])).padded()
    assert batch["input_ids"].shape == (2, positions)
    assert logits(build(smaller), encoded, [0, 1]).shape == (2, 2)


def test_padding_does_not_change_a_score(files: Files) -> None:
    model = build(files)
    encoded = TASK.encoder(files, 64)(TEXTS)
    together = logits(model, encoded, [0, 1, 2, 3])
    for row in range(4):
        torch.testing.assert_close(
            logits(model, encoded, [row])[0], together[row], atol=1e-6, rtol=1e-5
        )


def test_a_batch_holds_the_rows_in_the_asked_order(files: Files) -> None:
    encoded = TASK.encoder(files, 64)(TEXTS)
    batch = TASK.collate(encoded, np.array([3, 0, 1])).padded()
    assert batch["input_ids"].shape[1] % 32 == 0
    for place, row in enumerate([3, 0, 1]):
        length = int(encoded.lengths[row])
        ids = batch["input_ids"][place]
        assert ids[:length].tolist() == encoded.ids[encoded.offsets[row] :][:length].tolist()
        assert (ids[length:] == encoded.pad_id).all()
        assert int(batch["attention_mask"][place].sum()) == length


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (b'{"pad_token": "[MASK]"}', 4),
        (b'{"pad_token": {"content": "[SEP]"}}', 3),
        (b"{}", 0),
        (b'{"pad_token": "<gone>"}', 1),
    ],
)
def test_the_padding_token_is_the_tokenizers_else_the_models(
    files: Files, config: bytes, expected: int
) -> None:
    given = configured(files, pad_token_id=1) | {"tokenizer_config.json": config}
    assert TASK.encoder(given, 16)(["a"]).pad_id == expected


@pytest.mark.parametrize("data", [None, b"", b"{}", b"\xff", b"not json"])
def test_a_missing_or_damaged_tokenizer_is_a_clear_error(files: Files, data: bytes | None) -> None:
    given = {name: one for name, one in files.items() if name != "tokenizer.json"}
    if data is not None:
        given["tokenizer.json"] = data
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        TASK.encoder(given, 16)


def test_scores_are_probabilities(files: Files) -> None:
    found = TASK.decode(torch.tensor([[0.0, 0.0], [1.0, -1.0]], dtype=torch.bfloat16))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
    assert found[0].tolist() == [0.5, 0.5]
    assert found[1, 0] == pytest.approx(1 / (1 + math.exp(-2)))


def test_what_is_exported_keeps_the_models_own_dropout(files: Files) -> None:
    model = build(files, dropout=0.0)
    done = TASK.export(model, files, model_info("text_classification", CLASSES, 32, "fp32"))
    config = json.loads(done["config.json"])
    assert config["hidden_dropout_prob"] == 0.1
    assert config["architectures"] == ["BertForSequenceClassification"]
    assert config["id2label"] == {"0": "negative", "1": "positive"}
    assert set(done) == {
        "config.json", "model.safetensors", "lextune.json", "tokenizer.json", "tokenizer_config.json"
    }  # fmt: skip
    assert json.loads(done["lextune.json"])["classes"] == list(CLASSES)


def test_the_same_model_is_exported_as_the_same_bytes(files: Files) -> None:
    info = model_info("text_classification", CLASSES, 32, "fp32")
    assert TASK.export(build(files), files, info) == TASK.export(build(files), files, info)


def test_the_tensors_that_no_file_held_are_named(files: Files) -> None:
    head = {"classifier.weight", "classifier.bias"}
    assert TASK.build(files, CLASSES, dropout=0.0, new_head=True)[1] == head

    def remove_pooler(tensors: dict[str, torch.Tensor]) -> None:
        for name in [name for name in tensors if "pooler" in name]:
            del tensors[name]

    bare = with_tensors(files, remove_pooler)
    pooler = {"bert.pooler.dense.weight", "bert.pooler.dense.bias"}
    assert TASK.build(bare, CLASSES, dropout=0.0, new_head=True)[1] == head | pooler
