"""Attention inside each row of a packed batch, with a backward pass and a dropout that CPUs do fast; it knows no model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

from lextune.tasks.text.packing import Group, Packed

#: So many scores are worked on at once: with their like they should stay in a processor's cache.
_SCORES = 2**22
_BYTE = 256


def packed_attention(
    query: torch.Tensor,
    key_value: torch.Tensor,
    batch: Packed,
    *,
    one: bool = False,
    dropout: float = 0.0,
) -> torch.Tensor:
    """softmax(q k^T / sqrt(d)) v inside each row (Vaswani et al. 2017, arXiv:1706.03762).

    Args:
        query: Shape (tokens, heads, d); with `one`, shape (rows, heads, d).
        key_value: Shape (tokens, 2, heads, d).
        batch: The rows. What tokens after the last group get is 0.
        one: Whether each row asks with a single token.
        dropout: Rate at which probabilities are dropped.

    Returns:
        The shape of `query`.
    """
    if has_varlen(query.device.type, query.dtype, query.shape[-1], dropout):
        return _varlen(query, key_value, batch, one)
    if query.dtype == torch.float32 and not dropout:
        return _torch_attention(query, key_value, batch.groups, one)
    seed = int(torch.randint(2**62, ())) if dropout else 0
    return _PackedAttention.apply(  # type: ignore[no-any-return]
        query, key_value, _Plan(batch.groups, one, drop_threshold(dropout), seed)
    )


def has_varlen(device: str, dtype: torch.dtype, size: int, dropout: float) -> bool:
    """Whether torch has a kernel that takes rows of any length end to end, without filling."""
    if device != "cuda" or dtype not in (torch.float16, torch.bfloat16) or dropout:
        return False
    # what flash attention asks of heads and of GPUs
    return size % 8 == 0 and size <= 256 and torch.cuda.get_device_capability()[0] >= 8


def dropout(x: torch.Tensor, rate: float) -> torch.Tensor:
    """Dropout (Srivastava et al. 2014) with a rate rounded to 1/256 and one random byte a value.

    Torch's own draws a Bernoulli number for each value, which takes a CPU longer than the layer itself.
    """
    threshold = drop_threshold(rate)
    if not threshold:
        return x
    kept = random_bytes(x.shape, None, x.device) >= threshold
    return x * kept * (_BYTE / (_BYTE - threshold))


def drop_threshold(rate: float) -> int:
    """Of 256 byte values, how many mean that a value is dropped; a rate above 0 never becomes 0, nor 1."""
    return min(_BYTE - 1, max(1, round(rate * _BYTE))) if rate else 0


def random_bytes(
    shape: Sequence[int], generator: torch.Generator | None, device: torch.device
) -> torch.Tensor:
    """Uniform bytes, uint8; eight come from one draw of torch's generator."""
    count = torch.Size(shape).numel()
    words = torch.empty((count + 7) // 8, dtype=torch.int64, device=device)
    words.random_(-(2**63), None, generator=generator)
    return words.view(torch.uint8)[:count].view(shape)


@dataclass(frozen=True)
class _Plan:
    """What both passes must agree on."""

    groups: tuple[Group, ...]
    one: bool
    threshold: int
    seed: int

    @property
    def kept(self) -> float:
        """Share of probabilities that are not dropped."""
        return (_BYTE - self.threshold) / _BYTE

    def parts(self) -> Iterator[tuple[Group, slice, slice]]:
        """Each group with its place among the queries and among the keys."""
        asked = held = 0
        for group in self.groups:
            queries = group.rows if self.one else group.rows * group.width
            keys = group.rows * group.width
            yield group, slice(asked, asked + queries), slice(held, held + keys)
            asked, held = asked + queries, held + keys

    @property
    def ends(self) -> tuple[int, int]:
        """Where the last group ends among the queries and among the keys."""
        keys = sum(group.rows * group.width for group in self.groups)
        return (sum(group.rows for group in self.groups) if self.one else keys), keys

    def dropped(self, p: torch.Tensor, part: int) -> torch.Tensor | None:
        """Which probabilities of a part are dropped; the same whenever it is asked."""
        if not self.threshold:
            return None
        generator = torch.Generator(p.device).manual_seed(self.seed + part)
        return random_bytes(p.shape, generator, p.device) < self.threshold


class _PackedAttention(torch.autograd.Function):
    """Attention whose backward pass makes the probabilities anew and leaves the products to the matrix library.

    Torch's fused kernel for CPUs is used forwards. Its backward pass in bf16 takes several times as long as
    the products in it, and it has no dropout at all.
    """

    @staticmethod
    def forward(
        ctx: Any, query: torch.Tensor, key_value: torch.Tensor, plan: _Plan
    ) -> torch.Tensor:
        ctx.save_for_backward(query, key_value)
        ctx.plan = plan
        out = torch.empty_like(query, memory_format=torch.contiguous_format)
        out[plan.ends[0] :].zero_()
        if plan.threshold:
            for number, part in enumerate(_chunks(plan, (query, out), (key_value,))):
                (q, into), (kv,), group = part
                p = _probabilities(_flat(q), _flat(kv[:, :, 0]), q.shape[2], group)
                p.masked_fill_(plan.dropped(p, number), 0)  # type: ignore[arg-type]
                _put(torch.bmm(p, _flat(kv[:, :, 1])).div_(plan.kept), into)
            return out
        for group, asked, held in plan.parts():
            q, kv = _rows(query[asked], group), _rows(key_value[held], group)
            _fused(q, kv, group, into=_rows(out[asked], group))
        return out

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        query, key_value = ctx.saved_tensors
        plan: _Plan = ctx.plan
        d_query = torch.empty_like(query, memory_format=torch.contiguous_format)
        d_key_value = torch.empty_like(key_value, memory_format=torch.contiguous_format)
        for tensor, end in zip((d_query, d_key_value), plan.ends, strict=True):
            tensor[end:].zero_()
        parts = _chunks(plan, (query, grads[0], d_query), (key_value, d_key_value))
        for number, ((asked, given, d_asked), (kv, d_kv), group) in enumerate(parts):
            q, k, v, d_out = _flat(asked), _flat(kv[:, :, 0]), _flat(kv[:, :, 1]), _flat(given)
            p = _probabilities(q, k, asked.shape[2], group)
            dropped = plan.dropped(p, number)
            used = p
            if dropped is not None:
                used, d_out = p.masked_fill(dropped, 0), d_out / plan.kept
            _put(torch.bmm(used.transpose(1, 2), d_out), d_kv[:, :, 1])
            d_p = torch.bmm(d_out, v.transpose(1, 2))
            if dropped is not None:
                d_p.masked_fill_(dropped, 0)
            d_scores = torch._softmax_backward_data(d_p, p, -1, p.dtype)
            scale = q.shape[-1] ** -0.5
            _put(torch.bmm(d_scores, k).mul_(scale), d_asked)
            _put(torch.bmm(d_scores.transpose(1, 2), q).mul_(scale), d_kv[:, :, 0])
        return d_query, d_key_value, None


def _varlen(query: torch.Tensor, key_value: torch.Tensor, batch: Packed, one: bool) -> torch.Tensor:
    """On GPUs: torch's flash attention for rows end to end, which must have no filling."""
    from torch.nn.attention.varlen import varlen_attn

    ends = torch.nn.functional.pad(batch.lengths.cumsum(0, dtype=torch.int32), (1, 0))
    longest = batch.groups[0].width  # known here, where the lengths would have to come from the GPU
    asked = torch.arange(len(ends), dtype=torch.int32, device=ends.device) if one else ends
    k, v = key_value.unbind(1)
    found = varlen_attn(query, k, v, asked, ends, 1 if one else longest, longest)
    assert isinstance(found, torch.Tensor)
    return found


def _torch_attention(
    query: torch.Tensor, key_value: torch.Tensor, groups: tuple[Group, ...], one: bool
) -> torch.Tensor:
    """The same through torch's kernel both ways, which in fp32 is the faster one."""
    plan = _Plan(groups, one, 0, 0)
    sizes = [(asked.stop - asked.start, held.stop - held.start) for _, asked, held in plan.parts()]
    rest = (len(query) - plan.ends[0], len(key_value) - plan.ends[1])
    queries = torch.split(query, [asked for asked, _ in sizes] + [rest[0]])
    keys = torch.split(key_value, [held for _, held in sizes] + [rest[1]])
    found = [
        _fused(_rows(q, group), _rows(kv, group), group).flatten(0, 1)
        for q, kv, group in zip(queries, keys, plan.groups, strict=False)
    ]
    return torch.cat([*found, torch.zeros_like(queries[-1])])


def _fused(
    q: torch.Tensor, kv: torch.Tensor, group: Group, into: torch.Tensor | None = None
) -> torch.Tensor:
    """One group through torch's kernel, shape (rows, asked, heads, d)."""
    mask = None
    if group.filling is not None:
        mask = torch.zeros(group.filling.shape, dtype=q.dtype, device=q.device)
        mask = mask.masked_fill_(group.filling, float("-inf"))[:, None, None]
    k, v = kv.transpose(1, 3).unbind(2)  # (rows, heads, width, d)
    found = scaled_dot_product_attention(q.transpose(1, 2), k, v, attn_mask=mask).transpose(1, 2)
    return found if into is None else into.copy_(found)


_Chunk = tuple[tuple[torch.Tensor, ...], tuple[torch.Tensor, ...], Group]


def _chunks(
    plan: _Plan, asking: Sequence[torch.Tensor], holding: Sequence[torch.Tensor]
) -> Iterator[_Chunk]:
    """Views of a few rows of one width at a time, shape (rows, tokens, ...); their numbers are powers of two."""
    for group, asked, held in plan.parts():
        queries = [_rows(tensor[asked], group) for tensor in asking]
        keys = [_rows(tensor[held], group) for tensor in holding]
        most = max(1, _SCORES // (queries[0].shape[1] * queries[0].shape[2] * group.width))
        start = 0
        while start < group.rows:
            count = 1 << (min(most, group.rows - start).bit_length() - 1)
            rows = slice(start, start + count)
            filling = group.filling[rows] if group.filling is not None else None
            yield (
                tuple(one[rows] for one in queries),
                tuple(one[rows] for one in keys),
                Group(count, group.width, group.shortest, filling),
            )
            start += count


def _probabilities(q: torch.Tensor, k: torch.Tensor, heads: int, group: Group) -> torch.Tensor:
    """Shape (rows * heads, asked, width); 0 where a token only fills its row up."""
    scores = torch.bmm(q * q.shape[-1] ** -0.5, k.transpose(1, 2))
    if group.filling is not None:
        tail = torch.unflatten(scores, 0, (group.rows, heads))[..., group.shortest :]
        tail.masked_fill_(group.filling[:, None, None, group.shortest :], float("-inf"))
    return torch.softmax(scores, -1)


def _rows(line: torch.Tensor, group: Group) -> torch.Tensor:
    """A group's part of a line as (rows, tokens, ...)."""
    return torch.unflatten(line, 0, (group.rows, -1))


def _flat(x: torch.Tensor) -> torch.Tensor:
    """(rows, tokens, heads, d) as (rows * heads, tokens, d)."""
    return x.transpose(1, 2).flatten(0, 1)


def _put(x: torch.Tensor, into: torch.Tensor) -> None:
    """The inverse of `_flat`, into memory that is there."""
    into.copy_(torch.unflatten(x, 0, (into.shape[0], -1)).transpose(1, 2))
