from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from lextune.tasks.base import Encoded, tasks
from lextune.tasks.text import encoder
from lextune.tasks.text.encoder import anatomy
from lextune.tasks.text.packing import TextBatch

TASK = tasks.get("text_classification")
SIZES = {
    "vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
    "intermediate_size": 64, "max_position_embeddings": 80,
}  # fmt: skip
KINDS = {
    "bert": SIZES,
    "camembert": SIZES | {"pad_token_id": 1},
    "distilbert": {
        "vocab_size": 100, "dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 64,
        "max_position_embeddings": 80,
    },
    "electra": SIZES | {"embedding_size": 16},
    "roberta": SIZES | {"pad_token_id": 1},
    "xlm-roberta": SIZES | {"pad_token_id": 1},
}  # fmt: skip


def build(kind: str, **changes: object) -> torch.nn.Module:
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, num_labels=3, **KINDS[kind] | changes)
    return AutoModelForSequenceClassification.from_config(config).eval()


def rows(pad: int) -> TextBatch:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 70, 17)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    # a text may hold the padding token itself
    ids = rng.integers(0, 100, offsets[-1]).astype(np.int32)
    return TextBatch(Encoded(ids, offsets, pad, 0, 70), rng.permutation(17)[:13])


def gradients(model: torch.nn.Module, logits: torch.Tensor) -> dict[str, torch.Tensor]:
    model.zero_grad()
    torch.nn.functional.cross_entropy(logits.float(), torch.arange(13) % 3).backward()
    return {name: one.grad for name, one in model.named_parameters() if one.grad is not None}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_packed_rows_get_what_the_library_computes_for_padded_ones(
    kind: str, precision: str
) -> None:
    model = build(kind)
    batch = rows(model.config.pad_token_id or 0)
    assert anatomy(model) is not None
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        expected = model(**batch.padded()).logits.float()
        ours = TASK.logits(model, batch).float()
    exact = precision == "fp32"
    torch.testing.assert_close(ours, expected, atol=1e-6 if exact else 5e-3, rtol=0)
    wanted, found = gradients(model, expected), gradients(model, ours)
    assert wanted.keys() == found.keys()
    for name, right in wanted.items():
        far = float((found[name] - right).norm() / (right.norm() + 1e-5))
        assert far < (1e-4 if exact else 0.1), (name, far)


def test_a_key_that_only_fills_up_is_seen_by_nobody() -> None:
    model, batch = build("bert"), rows(0)
    other = TextBatch(
        Encoded(batch.encoded.ids, batch.encoded.offsets, 7, 0, 70), batch.rows
    )  # another padding id
    torch.testing.assert_close(
        TASK.logits(model, batch), TASK.logits(model, other), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_acts_in_training_alone(kind: str) -> None:
    model, batch = build(kind), rows(0)
    calm = TASK.logits(model, batch)
    torch.testing.assert_close(TASK.logits(model, batch), calm, rtol=0, atol=0)
    model.train()
    torch.manual_seed(1)
    one = TASK.logits(model, batch)
    torch.manual_seed(1)
    torch.testing.assert_close(TASK.logits(model, batch), one, rtol=0, atol=0)
    assert not torch.allclose(TASK.logits(model, batch), one)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_acts_where_the_library_has_it(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"dropout": 0.125} if kind == "distilbert" else {"hidden_dropout_prob": 0.125}
    attention = "attention_dropout" if kind == "distilbert" else "attention_probs_dropout_prob"
    model, batch = build(kind, **names, **{attention: 0.25}), rows(0)
    states, probabilities = [], []

    def on_states(x: torch.Tensor, rate: float) -> torch.Tensor:
        states.append(rate)
        return x

    def on_attention(*given: object, dropout: float, **named: object) -> torch.Tensor:
        probabilities.append(dropout)
        return attend(*given, **named)

    attend = encoder.packed_attention
    monkeypatch.setattr(encoder, "dropout", on_states)
    monkeypatch.setattr(encoder, "packed_attention", on_attention)
    TASK.logits(model.train(), batch)
    # DistilBERT drops nothing of what attention gives
    layer = [0.0 if kind == "distilbert" else 0.125, 0.125]
    assert states == [0.125, *3 * layer]
    assert probabilities == 3 * [0.25]


@pytest.mark.parametrize("rate", [0.0, 0.1])
def test_gradient_checkpointing_changes_no_gradient(rate: float) -> None:
    model, batch = (
        build("bert", hidden_dropout_prob=rate, attention_probs_dropout_prob=rate),
        rows(0),
    )
    model.train()
    found = []
    for again in (False, True):
        if again:
            for module in model.modules():
                if hasattr(module, "gradient_checkpointing"):
                    module.gradient_checkpointing = True
        torch.manual_seed(2)
        found.append(gradients(model, TASK.logits(model, batch)))
    for name, right in found[0].items():
        torch.testing.assert_close(found[1][name], right, msg=name)


def test_adapters_around_a_layer_are_used() -> None:
    class Twice(torch.nn.Module):
        def __init__(self, inner: torch.nn.Linear) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * self.inner(x)

    model, batch = build("bert"), rows(0)
    attention = model.bert.encoder.layer[1].attention.self
    attention.value = Twice(attention.value)
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            torch.testing.assert_close(
                TASK.logits(model, batch).float(), model(**batch.padded()).logits.float(),
                rtol=0, atol=5e-3 if enabled else 1e-6,
            )  # fmt: skip


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_gpu_computes_the_same(kind: str, precision: str) -> None:
    model = build(kind)
    batch = rows(model.config.pad_token_id or 0)
    expected = TASK.logits(model, batch)
    wanted = gradients(model, expected)
    model, batch = model.cuda(), batch.to("cuda")
    with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bf16"):
        ours = TASK.logits(model, batch).float().cpu()
    exact = precision == "fp32"
    torch.testing.assert_close(ours, expected, atol=1e-4 if exact else 5e-3, rtol=0)
    for name, found in gradients(model, ours).items():
        far = float((found.cpu() - wanted[name]).norm() / (wanted[name].norm() + 1e-5))
        assert far < (1e-2 if exact else 0.1), (name, far)


def test_other_architectures_are_left_to_the_library() -> None:
    decoder = AutoConfig.for_model("bert", **SIZES, is_decoder=True)
    assert anatomy(AutoModelForSequenceClassification.from_config(decoder)) is None
    albert = AutoConfig.for_model(
        "albert", **SIZES, embedding_size=16, num_labels=3, pad_token_id=0
    )
    model, batch = AutoModelForSequenceClassification.from_config(albert).eval(), rows(0)
    assert anatomy(model) is None
    torch.testing.assert_close(TASK.logits(model, batch), model(**batch.padded()).logits)
