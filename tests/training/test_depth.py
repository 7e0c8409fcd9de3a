"""How deep a parameter lies is read off the names of every architecture that classifies texts."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lextune.errors import ModelError
from lextune.training.depth import depths

SIZE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}
#: Architecture, its values, where the head lies, and one parameter for each depth from 0.
ARCHITECTURES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("bert", SIZE, ["embeddings.LayerNorm.bias", "layer.0.", "layer.1.", "pooler.dense.weight"]),
    ("roberta", SIZE, ["word_embeddings", "layer.0.", "layer.1.", "classifier.out_proj.bias"]),
    ("electra", SIZE | {"embedding_size": 16},
     ["embeddings_project.weight", "layer.0.", "layer.1.", "classifier.dense.weight"]),
    ("distilbert", {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64},
     ["position_embeddings", "transformer.layer.0.", "transformer.layer.1.", "pre_classifier.bias"]),
    ("deberta-v2", SIZE | {"relative_attention": True, "norm_rel_ebd": "layer_norm"},
     ["encoder.rel_embeddings", "layer.0.", "layer.1.", "encoder.LayerNorm.weight"]),
    ("mpnet", SIZE, ["relative_attention_bias", "layer.0.", "layer.1.", "classifier.dense.bias"]),
    ("albert", SIZE | {"embedding_size": 16},
     ["embedding_hidden_mapping_in", "albert_layer_groups.0.", "albert.pooler.weight"]),
    ("xlnet", {"d_model": 32, "n_layer": 2, "n_head": 2, "d_inner": 64},
     ["mask_emb", "layer.0.rel_attn.q", "layer.1.rel_attn.q", "sequence_summary.summary.weight"]),
    ("modernbert", SIZE | dict.fromkeys(
        ("pad_token_id", "bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"), 1),
     ["tok_embeddings", "layers.0.", "layers.1.", "final_norm.weight"]),
    ("bart", {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 64,
              "encoder_attention_heads": 2, "decoder_attention_heads": 2, "decoder_ffn_dim": 64,
              "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2},
     ["model.shared.weight", "encoder.layers.0.", "decoder.layers.0.", "classification_head.dense"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "values", "told"), ARCHITECTURES, ids=[one[0] for one in ARCHITECTURES]
)
def test_every_parameter_has_its_depth(kind: str, values: dict[str, Any], told: list[str]) -> None:
    from transformers import AutoConfig, AutoModelForSequenceClassification

    config = AutoConfig.for_model(kind, vocab_size=50, **values)
    model = AutoModelForSequenceClassification.from_config(config)
    depth, head = depths(model, "layerwise")
    assert list(depth) == [name for name, _ in model.named_parameters()]
    assert head == len(told) - 1
    assert set(depth.values()) == set(range(head + 1))
    for level, part in enumerate(told):
        found = {depth[name] for name in depth if part in name}
        assert found == {level}, part


def test_without_layers_there_is_no_depth() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    with pytest.raises(ModelError, match="Sequential has no numbered layers") as caught:
        depths(model, "layerwise")
    assert "train.method: full" in caught.value.problems[0].remedy
