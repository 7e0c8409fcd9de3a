"""Runs BERT-like classifiers of transformers over packed rows with the library's own modules; it knows no text.

What the library computes for padded rows is computed here without the padding, and for a head that reads the
first token of a row, in the last layer for that token alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from lextune.tasks.text.attention import dropout, has_varlen, packed_attention
from lextune.tasks.text.packing import Packed, TextBatch


class Weights(Protocol):
    """How a packed pass applies what has weights: a training method that needs to see each use brings its own."""

    def begin(self, batch: Packed) -> None:
        """Told of the rows before anything is applied to them."""
        ...

    def linear(self, x: torch.Tensor, *modules: nn.Module) -> torch.Tensor:
        """Several linear layers of the same input, their outputs side by side; shape (tokens or rows, any)."""
        ...

    def norm(self, x: torch.Tensor, module: nn.LayerNorm) -> torch.Tensor:
        """Layer norm, with fp32 weights and sums whatever the type of `x`."""
        ...

    def look_up(self, module: nn.Embedding, ids: torch.Tensor | None) -> torch.Tensor:
        """Embeddings, shape (tokens, width); without ids the first one, in a shape that can be added to all."""
        ...


@dataclass(frozen=True)
class _Block:
    """One layer's modules, whatever its architecture calls them."""

    query: nn.Module
    key: nn.Module
    value: nn.Module
    out: nn.Module
    attention_norm: nn.LayerNorm
    up: nn.Module
    activation: Callable[[torch.Tensor], torch.Tensor]
    down: nn.Module
    norm: nn.LayerNorm


@dataclass(frozen=True)
class Anatomy:
    """What a packed pass needs of a model.

    Attributes:
        embed: Sum of the embeddings before dropout, normed, shape (tokens, hidden).
        project: From the embeddings' width to the layers'.
        blocks: The layers from the bottom up.
        heads: Attention heads.
        hidden_dropout: Rate in training, of embeddings and of each layer's output.
        mixing_dropout: Rate in training, of what attention gives before it is added.
        attention_dropout: Rate in training, of the probabilities.
        head: From the last states of what it reads, shape (items, hidden), to logits.
        every: Whether the head reads each token that answers, and not the first of each row.
    """

    embed: Callable[[Packed, Weights], torch.Tensor]
    project: nn.Module | None
    blocks: tuple[_Block, ...]
    heads: int
    hidden_dropout: float
    mixing_dropout: float
    attention_dropout: float
    head: Callable[[torch.Tensor], torch.Tensor]
    every: bool = False


def anatomy(model: nn.Module) -> Anatomy | None:
    """How to run this model over packed rows; None where that is not known."""
    found = _ANATOMIES.get(type(model).__name__)
    config: Any = getattr(model, "config", None)
    library = type(model).__module__.startswith("transformers.")
    if found is None or not library or getattr(config, "is_decoder", False):
        return None
    return found(model)


def read_states(
    model: nn.Module, known: Anatomy, rows: TextBatch, weights: Weights | None = None
) -> torch.Tensor:
    """The last layer's states of what the head reads, row after row in the order asked for, shape (items, hidden).

    Inside autocast, all between the embeddings and the result is of autocast's type.

    Args:
        model: Of a known anatomy.
        known: That anatomy.
        rows: What to read.
        weights: How linear layers, norms and embeddings are applied; None applies them plainly.
    """
    by = weights or PLAIN
    device = torch.device(rows.device).type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else torch.float32
    rates = (known.hidden_dropout, known.mixing_dropout, known.attention_dropout)
    hidden, mixing, attention = rates if model.training else (0.0, 0.0, 0.0)
    size = known.blocks[0].attention_norm.normalized_shape[0] // known.heads
    varlen = has_varlen(device, dtype, size, attention)
    batch = rows.packed(1) if varlen else rows.packed()
    again = (
        model.training
        and torch.is_grad_enabled()
        and any(getattr(module, "gradient_checkpointing", False) for module in model.modules())
    )

    def layer(block: _Block, x: torch.Tensor, *, last: bool) -> torch.Tensor:
        asking = x[batch.first] if last else x
        query = torch.unflatten(by.linear(asking, block.query), -1, (known.heads, -1))
        key_value = torch.unflatten(by.linear(x, block.key, block.value), -1, (2, known.heads, -1))
        mixed = packed_attention(query, key_value, batch, one=last, dropout=attention)
        out = dropout(by.linear(mixed.flatten(1), block.out), mixing)
        x = by.norm(out + asking, block.attention_norm)
        out = by.linear(block.activation(by.linear(x, block.up)), block.down)
        return by.norm(dropout(out, hidden) + x, block.norm)

    by.begin(batch)
    with torch.autocast(device, enabled=False):
        x = dropout(known.embed(batch, by), hidden).to(dtype)
        if known.project is not None:
            x = by.linear(x, known.project)
        for block in known.blocks:
            last = block is known.blocks[-1] and not known.every
            run = functools.partial(layer, block, x, last=last)
            x = checkpoint(run, use_reentrant=False) if again else run()
        if known.every:
            begin = batch.first.cpu().numpy()[batch.back.cpu().numpy()]
            return x[torch.from_numpy(rows.places(begin)).to(x.device)].float()
        return x[batch.back].float()


def _linear(x: torch.Tensor, *modules: nn.Module) -> torch.Tensor:
    """Several linear layers of the same input as one product, their outputs side by side."""
    plain = [module for module in modules if type(module) is nn.Linear]
    if len(plain) == len(modules) == 1:
        return functional.linear(x, plain[0].weight.to(x.dtype), plain[0].bias.to(x.dtype))
    if len(plain) == len(modules):
        weight = torch.cat([one.weight.to(x.dtype) for one in plain])
        bias = torch.cat([one.bias.to(x.dtype) for one in plain])
        return functional.linear(x, weight, bias)
    # adapters around a layer know best what they do
    with torch.autocast(x.device.type, x.dtype, enabled=x.dtype != torch.float32):
        return torch.cat([module(x).to(x.dtype) for module in modules], -1)


def _norm(x: torch.Tensor, module: nn.LayerNorm) -> torch.Tensor:
    """Layer norm, with fp32 weights and sums whatever the type of `x`."""
    shape = list(module.normalized_shape)
    if x.is_cpu:  # only CPUs' kernels take two types
        return functional.layer_norm(x, shape, module.weight, module.bias, module.eps)
    return functional.layer_norm(x.float(), shape, module.weight, module.bias, module.eps).to(
        x.dtype
    )


class _Plain:
    """Weights as they are."""

    def begin(self, batch: Packed) -> None:
        """Nothing."""

    def linear(self, x: torch.Tensor, *modules: nn.Module) -> torch.Tensor:
        """One product."""
        return _linear(x, *modules)

    def norm(self, x: torch.Tensor, module: nn.LayerNorm) -> torch.Tensor:
        """One kernel."""
        return _norm(x, module)

    def look_up(self, module: nn.Embedding, ids: torch.Tensor | None) -> torch.Tensor:
        """One gathering, or a view."""
        found: torch.Tensor = module.weight[0] if ids is None else module(ids)
        return found


PLAIN: Weights = _Plain()


def _bert_like(
    base: Any, head: Callable[[torch.Tensor], torch.Tensor], *, every: bool = False
) -> Anatomy:
    """BERT and those that took over its modules."""
    embeddings, config = base.embeddings, base.config

    def embed(batch: Packed, by: Weights) -> torch.Tensor:
        positions = batch.positions
        if getattr(embeddings, "padding_idx", None) is not None:
            positions = _positions_beside_padding(batch, embeddings.padding_idx)
        x = by.look_up(embeddings.word_embeddings, batch.ids)
        x = x + by.look_up(embeddings.position_embeddings, positions)
        x = x + by.look_up(embeddings.token_type_embeddings, None)
        return by.norm(x, embeddings.LayerNorm)

    blocks = tuple(
        _Block(
            layer.attention.self.query, layer.attention.self.key, layer.attention.self.value,
            layer.attention.output.dense, layer.attention.output.LayerNorm,
            layer.intermediate.dense, layer.intermediate.intermediate_act_fn,
            layer.output.dense, layer.output.LayerNorm,
        )
        for layer in base.encoder.layer
    )  # fmt: skip
    return Anatomy(
        embed, getattr(base, "embeddings_project", None), blocks, config.num_attention_heads,
        config.hidden_dropout_prob, config.hidden_dropout_prob,
        config.attention_probs_dropout_prob, head, every,
    )  # fmt: skip


def _positions_beside_padding(batch: Packed, padding: int) -> torch.Tensor:
    """RoBERTa counts positions from its padding id upwards, and passes over tokens that are that id."""
    real = (batch.ids != padding).long()
    count = real.cumsum(0)
    begin = torch.arange(len(real), device=real.device) - batch.positions
    return (count - count[begin] + real[begin]) * real + padding


def _bert(model: Any) -> Anatomy:
    return _bert_like(
        model.bert,
        lambda first: model.classifier(model.dropout(model.bert.pooler(first[:, None]))),
    )


def _roberta(model: Any) -> Anatomy:
    return _bert_like(model.roberta, lambda first: model.classifier(first[:, None]))


def _electra(model: Any) -> Anatomy:
    return _bert_like(model.electra, lambda first: model.classifier(first[:, None]))


def _distilbert_like(
    base: Any, config: Any, head: Callable[[torch.Tensor], torch.Tensor], *, every: bool = False
) -> Anatomy:
    def embed(batch: Packed, by: Weights) -> torch.Tensor:
        x = by.look_up(base.embeddings.word_embeddings, batch.ids)
        x = x + by.look_up(base.embeddings.position_embeddings, batch.positions)
        return by.norm(x, base.embeddings.LayerNorm)

    blocks = tuple(
        _Block(
            layer.attention.q_lin, layer.attention.k_lin, layer.attention.v_lin,
            layer.attention.out_lin, layer.sa_layer_norm,
            layer.ffn.lin1, layer.ffn.activation, layer.ffn.lin2, layer.output_layer_norm,
        )
        for layer in base.transformer.layer
    )  # fmt: skip
    return Anatomy(
        embed, None, blocks, config.n_heads, config.dropout, 0.0, config.attention_dropout, head,
        every,
    )  # fmt: skip


def _distilbert(model: Any) -> Anatomy:
    def head(first: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = model.classifier(
            model.dropout(functional.relu(model.pre_classifier(first)))
        )
        return logits

    return _distilbert_like(model.distilbert, model.config, head)


def _tagging_head(model: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda states: model.classifier(model.dropout(states))


def _distilbert_tokens(model: Any) -> Anatomy:
    return _distilbert_like(model.distilbert, model.config, _tagging_head(model), every=True)


def _tokens(model: Any) -> Anatomy:
    """Token classifiers of BERT and those that took over its modules: dropout and one linear map."""
    return _bert_like(model.base_model, _tagging_head(model), every=True)


#: By the class that transformers builds, which fixes what the forward pass is.
_ANATOMIES: Mapping[str, Callable[[Any], Anatomy]] = {
    "BertForSequenceClassification": _bert,
    "BertForTokenClassification": _tokens,
    "CamembertForSequenceClassification": _roberta,
    "CamembertForTokenClassification": _tokens,
    "DistilBertForSequenceClassification": _distilbert,
    "DistilBertForTokenClassification": _distilbert_tokens,
    "ElectraForSequenceClassification": _electra,
    "ElectraForTokenClassification": _tokens,
    "RobertaForSequenceClassification": _roberta,
    "RobertaForTokenClassification": _tokens,
    "XLMRobertaForSequenceClassification": _roberta,
    "XLMRobertaForTokenClassification": _tokens,
}
