"""Building transformers' networks of masks: only a last layer, or a decoder that was not there, may be new."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from transformers import (
    BeitConfig,
    BeitForSemanticSegmentation,
    BertConfig,
    BertModel,
    ConvNextConfig,
    SegformerConfig,
    SegformerForImageClassification,
    SegformerForSemanticSegmentation,
    SegformerModel,
    UperNetConfig,
    UperNetForSemanticSegmentation,
)

from lextune.errors import ModelError
from lextune.tasks.base import tasks
from lextune.tasks.vision.segmenters import build_segmenter
from tiny_segmenters import CLASSES, tiny_library_model

TASK = tasks.get("semantic_segmentation")
SEGFORMER = {
    "hidden_sizes": [8, 8, 16, 16], "depths": [1] * 4, "num_attention_heads": [1] * 4, "decoder_hidden_size": 16,
}  # fmt: skip


def segformer(
    library_class: Any = SegformerForSemanticSegmentation, **values: Any
) -> dict[str, bytes]:
    return tiny_library_model(library_class, SegformerConfig(**SEGFORMER, **values))


def beit() -> dict[str, bytes]:
    config = BeitConfig(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=16,
        out_indices=[1, 2, 3, 4], image_size=64, patch_size=16, num_labels=4,
    )  # fmt: skip
    return tiny_library_model(BeitForSemanticSegmentation, config)


def upernet() -> dict[str, bytes]:
    stages = ["stage1", "stage2", "stage3", "stage4"]
    config = UperNetConfig(
        backbone_config=ConvNextConfig(hidden_sizes=[8] * 4, depths=[1] * 4, out_features=stages),
        hidden_size=8, num_labels=4, auxiliary_channels=8, auxiliary_in_channels=8,
    )  # fmt: skip
    return tiny_library_model(UperNetForSemanticSegmentation, config)


def built(files: dict[str, bytes], classes=CLASSES, new_head: bool = True):
    model, new = build_segmenter(files, classes, dropout=None, new_head=new_head)
    return model.eval(), new


@pytest.mark.parametrize("make", [segformer, beit, upernet])
def test_only_the_last_layer_is_new_for_other_classes(make: Any) -> None:
    files = make()
    model, new = built(files)
    assert new == {"decode_head.classifier.weight", "decode_head.classifier.bias"}
    given = load(files["model.safetensors"])
    prefix = f"{model.backbone_prefix}."
    encoder = {key: one for key, one in model.state_dict().items() if key.startswith(prefix)}
    assert encoder
    assert sum(one.numel() for one in encoder.values()) <= sum(
        one.numel() for key, one in given.items() if key.startswith(prefix)
    )
    assert model.config.id2label == dict(enumerate(CLASSES))
    written = TASK.export(model, files, {"classes": list(CLASSES)})
    again, new = built(written, new_head=False)
    assert new == frozenset()
    pixels = torch.rand(1, 3, 64, 64)
    assert torch.equal(again(pixels).logits, model(pixels).logits)
    assert "preprocessor_config.json" in written
    assert TASK.transform(written, {}).mean == (0.1, 0.2, 0.3)


@pytest.mark.parametrize("library_class", [SegformerModel, SegformerForImageClassification])
def test_an_encoder_that_was_pretrained_alone_gets_a_decoder(library_class: Any) -> None:
    files = segformer(library_class)
    model, new = built(files)
    assert {name.split(".")[0] for name in new} == {"decode_head"}
    given = load(files["model.safetensors"])
    for key, one in model.segformer.state_dict().items():
        found = given.get(key, given.get(f"segformer.{key}"))
        assert found is not None, key
        assert torch.equal(one, found)
    with pytest.raises(ModelError, match="lack"):
        built(files, new_head=False)


@pytest.mark.parametrize(
    "gone", ["decode_head.linear_fuse.weight", "segformer.", "decode_head.batch_norm.running_var"]
)
def test_anything_else_that_is_missing_is_an_error(gone: str) -> None:
    files = segformer()
    state = load(files["model.safetensors"])
    key = next(key for key in state if key.startswith(gone))
    del state[key]
    with pytest.raises(ModelError, match="lack 1"):
        built(files | {"model.safetensors": save(state)})


def test_tensors_of_another_shape_or_too_many_layers_are_errors() -> None:
    files = segformer()
    narrow = json.loads(files["config.json"]) | {"decoder_hidden_size": 8}
    with pytest.raises(ModelError, match="misfit"):
        built(files | {"config.json": json.dumps(narrow).encode()})
    deep = tiny_library_model(
        SegformerForSemanticSegmentation, SegformerConfig(**{**SEGFORMER, "depths": [2, 1, 1, 1]})
    )
    with pytest.raises(ModelError, match="too many"):
        built(deep | {"config.json": files["config.json"]})


def test_the_classes_in_their_order_keep_their_head() -> None:
    files = segformer(id2label=dict(enumerate(CLASSES)))
    _, new = built(files)
    assert new == frozenset()
    _, new = built(files, CLASSES[::-1])
    assert new == {"decode_head.classifier.weight", "decode_head.classifier.bias"}


def test_other_architectures_and_names_that_a_hub_would_resolve_are_refused() -> None:
    bert = tiny_library_model(
        BertModel, BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1)
    )
    with pytest.raises(ModelError, match="no classes"):
        built(bert)
    named = json.loads(upernet()["config.json"]) | {
        "backbone": "somebody/swin",
        "backbone_config": None,
    }
    with pytest.raises(ModelError, match="names its backbone"):
        built({"config.json": json.dumps(named).encode()})
