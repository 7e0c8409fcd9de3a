from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.tasks.base import Encoded
from lextune.tasks.text import attention
from lextune.tasks.text.attention import dropout, packed_attention
from lextune.tasks.text.packing import Packed, TextBatch

HEADS, SIZE = 3, 8


def batch(lengths: list[int]) -> Packed:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    rows = Encoded(np.ones(offsets[-1], np.int32), offsets, 0, 0)
    return TextBatch(rows, np.arange(len(lengths))).packed()


def tensors(packed: Packed, one: bool, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    asking = len(packed.first) if one else len(packed.ids)
    query = torch.randn(asking, HEADS, SIZE, generator=draw).to(dtype)
    key_value = torch.randn(len(packed.ids), 2, HEADS, SIZE, generator=draw).to(dtype)
    return query.requires_grad_(), key_value.requires_grad_()


def row_by_row(
    query: torch.Tensor, key_value: torch.Tensor, packed: Packed, one: bool
) -> torch.Tensor:
    """The formula, one row and one head at a time, in float64; 0 where no row is."""
    out = torch.zeros(query.shape, dtype=torch.float64)
    for number, (begin, length) in enumerate(
        zip(packed.first.tolist(), packed.lengths.tolist(), strict=True)
    ):
        held = slice(begin, begin + length)
        asked = slice(number, number + 1) if one else held
        for head in range(HEADS):
            q, k = query[asked, head].double(), key_value[held, 0, head].double()
            p = torch.softmax(q @ k.T / SIZE**0.5, -1)
            out[asked, head] = p @ key_value[held, 1, head].double()
    return out


def real_queries(packed: Packed, one: bool) -> torch.Tensor:
    """Where a query belongs to a row and is no filling."""
    if one:
        return torch.ones(len(packed.first), dtype=torch.bool)
    real = torch.zeros(len(packed.ids), dtype=torch.bool)
    for begin, length in zip(packed.first.tolist(), packed.lengths.tolist(), strict=True):
        real[begin : begin + length] = True
    return real


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=7),
    st.booleans(),
    st.sampled_from([torch.float32, torch.bfloat16]),
    st.sampled_from([1, 3000, attention._SCORES]),
)
def test_it_is_the_formula_forwards_and_backwards(lengths, one, dtype, scores) -> None:
    packed = batch(lengths)
    query, key_value = tensors(packed, one, dtype)
    real = real_queries(packed, one)
    given_back = torch.randn(query.shape, generator=torch.Generator().manual_seed(2))
    given_back[~real] = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "_SCORES", scores)
        ours = packed_attention(query, key_value, packed, one=one)
        grads = torch.autograd.grad(ours, (query, key_value), given_back.to(dtype))
    expected = row_by_row(query, key_value, packed, one)
    wanted = torch.autograd.grad(expected, (query, key_value), given_back.double())
    near = {"atol": 1e-5, "rtol": 1e-4} if dtype == torch.float32 else {"atol": 0.05, "rtol": 0.05}
    torch.testing.assert_close(ours[real].double(), expected[real], **near)
    for found, right in zip(grads, wanted, strict=True):
        torch.testing.assert_close(found.double(), right.double(), **near)


def test_what_belongs_to_no_row_is_zero() -> None:
    packed = batch([10] * 37)
    end = 37 * 16
    assert len(packed.ids) > end
    for dtype in (torch.float32, torch.bfloat16):
        query, key_value = tensors(packed, False, dtype)
        out = packed_attention(query, key_value, packed)
        assert not out[end:].any()
        out.sum().backward()
        assert not query.grad[end:].any()
        assert not key_value.grad[end:].any()


def test_dropout_drops_at_its_rate_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    x = torch.ones(400, 500)
    found = dropout(x, 0.1)
    dropped = float((found == 0).float().mean())
    assert abs(dropped - 26 / 256) < 0.003  # the rate, to the nearest 256th
    assert abs(float(found.mean()) - 1) < 0.005
    assert dropout(x, 0.0) is x


@pytest.mark.parametrize(
    ("rate", "of_256"), [(0.0, 0), (1e-4, 1), (0.1, 26), (0.5, 128), (0.9999, 255)]
)
def test_a_rate_above_0_drops_something_and_never_all(rate: float, of_256: int) -> None:
    assert attention.drop_threshold(rate) == of_256
    assert torch.isfinite(dropout(torch.ones(64), rate)).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropped_probabilities_are_the_same_in_both_passes(dtype: torch.dtype) -> None:
    packed = batch([20, 13, 7])
    query, key_value = tensors(packed, False, dtype)

    def out(kv: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(3)
        return packed_attention(query, kv, packed, dropout=0.5)

    # attention is linear in the values, so their gradient tells the probabilities that were used
    real = real_queries(packed, False)
    ours = out(key_value)
    weights = torch.randn(ours.shape, generator=torch.Generator().manual_seed(4)).to(dtype)
    weights[~real] = 0
    (grad,) = torch.autograd.grad(ours, key_value, weights)
    forwards = (ours.double() * weights.double()).sum()
    backwards = (key_value[:, 1].double() * grad[:, 1].double()).sum()
    torch.testing.assert_close(
        forwards, backwards, rtol=1e-4 if dtype == torch.float32 else 0.05, atol=0.05
    )
    torch.testing.assert_close(out(key_value), ours, rtol=0, atol=0)


def test_dropout_in_attention_keeps_the_mean() -> None:
    packed = batch([48] * 4)
    query, key_value = (one.detach() for one in tensors(packed, False, torch.float32))
    plain = packed_attention(query, key_value, packed)
    torch.manual_seed(0)
    mean = sum(packed_attention(query, key_value, packed, dropout=0.2) for _ in range(300)) / 300
    difference = (mean - plain)[: 48 * 4].abs()
    assert float(difference.mean()) < 0.03
    assert (
        float((packed_attention(query, key_value, packed, dropout=0.2) - plain).abs().mean()) > 0.05
    )


@pytest.mark.slow
def test_gradients_of_dropped_attention_are_those_of_finite_differences() -> None:
    packed = batch([5, 4])
    query, key_value = (
        one.detach().double().requires_grad_() for one in tensors(packed, False, torch.float32)
    )
    real = real_queries(packed, False)

    def out(q: torch.Tensor, kv: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(5)
        return packed_attention(q, kv, packed, dropout=0.4)[real]

    assert torch.autograd.gradcheck(out, (query, key_value))
