from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModelForSequenceClassification

from lextune.errors import ModelError
from lextune.tasks.base import Encoded
from lextune.tasks.text.encoder import anatomy, read_states
from lextune.tasks.text.packing import TextBatch
from lextune.training.privacy.book import Book
from lextune.training.privacy.rows import products_of, squared_norms

SIZES = {
    "vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
    "intermediate_size": 64, "max_position_embeddings": 80,
}  # fmt: skip
KINDS = {
    "bert": SIZES,
    "distilbert": {
        "vocab_size": 100, "dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 64,
        "max_position_embeddings": 80,
    },
    "electra": SIZES | {"embedding_size": 16},
    "roberta": SIZES | {"pad_token_id": 1},
}  # fmt: skip
LABELS = torch.arange(13) % 3


def build(kind: str) -> torch.nn.Module:
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, num_labels=3, **KINDS[kind])
    model = AutoModelForSequenceClassification.from_config(config).eval()
    with torch.no_grad():  # norms that do something, and gradients of very different lengths
        for one in model.parameters():
            one.add_(torch.randn_like(one) * 0.05)
    return model


def rows(pad: int) -> TextBatch:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 70, 17)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids = rng.integers(0, 100, offsets[-1]).astype(np.int32)  # the padding token itself too
    return TextBatch(Encoded(ids, offsets, pad, 0, 70), rng.permutation(17)[:13])


def one_by_one(
    model: torch.nn.Module, batch: TextBatch, bound: float
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Clipped sums and norms of transformers' own gradients of one padded row after the other."""
    padded, norms = batch.padded(), []
    trained = {name: one for name, one in model.named_parameters() if one.requires_grad}
    sums = {name: torch.zeros_like(one) for name, one in trained.items()}
    for row, label in enumerate(LABELS):
        model.zero_grad()
        logits = model(**{name: one[row : row + 1] for name, one in padded.items()}).logits
        torch.nn.functional.cross_entropy(logits, label[None]).backward()
        grads = {name: one.grad for name, one in trained.items() if one.grad is not None}
        norms.append(torch.stack([one.norm() for one in grads.values()]).norm())
        for name, grad in grads.items():
            sums[name] += grad * (bound / norms[-1]).clamp(max=1)
    model.zero_grad()
    return sums, torch.stack(norms)


def booked(
    model: torch.nn.Module,
    batch: TextBatch,
    bound: float,
    dtype: torch.dtype = torch.float32,
    labels: torch.Tensor = LABELS,
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    book, known = Book(model, bound), anatomy(model)
    assert known is not None
    book.start(len(batch))
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        states = read_states(model, known, batch, book)
        with book.watching(model):
            logits = known.head(states)
    torch.nn.functional.cross_entropy(logits.float(), labels, reduction="sum").backward()
    norms = book.close()
    found = {name: one.grad for name, one in model.named_parameters() if one.grad is not None}
    return found, norms


def adapted(model: torch.nn.Module) -> None:
    """Low-rank updates that are no longer zero, and the head."""
    import peft

    how = peft.LoraConfig(r=4, target_modules=["query", "key", "value", "dense", "q_lin", "k_lin"])
    tuner = peft.tuners.lora.LoraModel(model, how, "default")
    for name, one in tuner.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(one, std=0.1)
        one.requires_grad_("lora" in name or name.startswith("classifier"))


@pytest.mark.parametrize(
    ("kind", "scope"), [*((kind, "full") for kind in KINDS), ("bert", "lora"), ("roberta", "head")]
)
def test_clipped_sums_are_those_of_one_row_after_the_other(kind: str, scope: str) -> None:
    model, batch = build(kind), rows(1 if kind == "roberta" else 0)
    if scope == "lora":
        adapted(model)
    if scope == "head":
        for name, one in model.named_parameters():
            one.requires_grad_("classifier" in name or "pooler" in name)
    wanted, lengths = one_by_one(model, batch, 1.0)
    bound = float(lengths.median())  # some rows are clipped, some are not
    wanted, lengths = one_by_one(model, batch, bound)
    found, norms = booked(model, batch, bound)
    torch.testing.assert_close(norms.float(), lengths, rtol=1e-5, atol=0)
    assert wanted.keys() == found.keys()
    size = torch.stack([one.norm() for one in wanted.values()]).norm()
    for name, right in wanted.items():
        assert float((found[name] - right).abs().max() / size) < 1e-5, name
        torch.testing.assert_close(
            found[name], right, rtol=1e-5, atol=1e-5 * float(right.abs().max()) + 1e-9
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_row_adds_more_than_the_bound(dtype: torch.dtype) -> None:
    """Of one row alone the clipped sum is what it adds; in bf16 too it must stay below what noise is made for."""
    model, batch = build("bert"), rows(0)
    for row in range(13):
        alone = TextBatch(batch.encoded, batch.rows[row : row + 1])
        model.zero_grad()
        found, norms = booked(model, alone, 1e-3, dtype, LABELS[row : row + 1])
        added = float(torch.stack([one.double().norm() for one in found.values()]).norm())
        assert 0.9e-3 < added <= 1e-3 * (1 + 1e-6)
        assert float(norms[0]) > 1e-3


@given(
    rows=st.integers(1, 3), tokens=st.integers(1, 9), biased=st.booleans(),
    half=st.booleans(), seed=st.integers(0, 2**31), alike=st.floats(-1, 1),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_norms_from_inner_products_are_those_of_the_gradients(
    rows: int, tokens: int, biased: bool, half: bool, seed: int, alike: float
) -> None:
    draw = torch.Generator().manual_seed(seed)
    a, g = (torch.randn(rows, tokens, width, generator=draw) for width in (6, 5))
    g = g + alike * g.flip(1)  # tokens that add up, or that cancel each other
    if half:
        a, g = a.bfloat16(), g.bfloat16()
    squares, spreads = squared_norms([a], [g], biased)
    wide = torch.cat([a.double(), torch.full((rows, tokens, int(biased)), 1.0)], -1)
    whole = torch.einsum("rta,rtg->rag", wide, g.double()).square().sum((1, 2))
    assert bool(((squares - whole).abs() <= 2.0**-21 * spreads).all())
    assert bool((whole <= spreads * (1 + 1e-5)).all())


def test_products_of_bf16_values_are_exact_and_the_setting_is_put_back() -> None:
    torch.manual_seed(0)
    one, two = torch.randn(64, 300).bfloat16(), torch.randn(300, 48).bfloat16()
    before = torch.backends.mkldnn.matmul.fp32_precision
    with products_of(torch.bfloat16):
        found = one.float() @ two.float()
    assert torch.backends.mkldnn.matmul.fp32_precision == before
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), one.double() @ two.double(), rtol=1e-5, atol=1e-4)


def test_weights_that_are_used_twice_or_not_seen_are_refused() -> None:
    model, batch = build("bert"), rows(0)
    model.bert.encoder.layer[1].output.dense = model.bert.encoder.layer[0].output.dense
    with pytest.raises(ModelError, match="not known row by row"):
        booked(model, batch, 1.0)
    model = build("bert")
    model.extra = torch.nn.Parameter(torch.zeros(3))
    with pytest.raises(ModelError, match="gradient of extra is not known"):
        booked(model, batch, 1.0)
