"""Tiny classifiers of several architectures with random weights; it knows no test."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

import tiny
from bench import CLASSES, Bench

_SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
         "intermediate_size": 64, "max_position_embeddings": 80}  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "bert": _SIZE,
    "roberta": _SIZE,
    "electra": _SIZE | {"embedding_size": 16},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64},
    "deberta-v2": _SIZE | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "mpnet": _SIZE,
    "albert": _SIZE | {"embedding_size": 16},
    "modernbert": _SIZE | {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3,
                           "bos_token_id": 2, "eos_token_id": 3},
}  # fmt: skip


def of_kind(bench: Bench, kind: str, **values: Any) -> Bench:
    """The bench with a model of another architecture."""
    folder = tiny.write_tiny_model(bench.folder / kind, kind, **(KINDS.get(kind, {}) | values))
    return dataclasses.replace(
        bench, files={one.name: one.read_bytes() for one in folder.iterdir()}
    )


def built(bench: Bench, dropout: float = 0.0) -> torch.nn.Module:
    """Its classifier, the same each time."""
    torch.manual_seed(0)
    return bench.task.build(bench.files, CLASSES, dropout=dropout, new_head=True)[0]
