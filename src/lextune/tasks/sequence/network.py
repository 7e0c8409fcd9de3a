"""A sequential recommender: a causal transformer over somebody's events, whose items begin as what a text says of them.

After SASRec (Kang and McAuley 2018, arXiv:1808.09781), with the softmax over all items in place of sampled negatives
(Petrov and Macdonald 2023, arXiv:2308.07192), fixed penalties of distance (ALiBi: Press et al. 2022, arXiv:2108.12409),
the time between events as an input, and items that are told by their text alone now and then (DropoutNet: Volkovs et
al. 2017), so that a new item has a place. It knows no file and no name of an item.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from lextune.tasks.sequence.events import HistoryBatch, starts

#: Gaps in time are told apart by the power of 2 of their seconds, from none to about 12 days and longer.
_GAPS = 21
#: Share of items that are told by their text alone in a step of training.
TEXT_ALONE = 0.1
#: The standard deviation of what is drawn; of projected texts, whose features have one of about 1.
_STD, _TEXT_STD = 0.02, 0.3


@dataclass(frozen=True)
class Shape:
    """Sizes of a network, as config.json has them."""

    items: int
    text_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int


class _Layer(nn.Module):
    def __init__(self, size: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(size)
        self.query_key_value = nn.Linear(size, 3 * size)
        self.out = nn.Linear(size, size)
        self.norm = nn.LayerNorm(size)
        self.up = nn.Linear(size, 4 * size)
        self.down = nn.Linear(4 * size, size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, penalty: torch.Tensor) -> torch.Tensor:
        both = torch.unflatten(
            self.query_key_value(self.attention_norm(x)), -1, (3, self.heads, -1)
        )
        query, key, value = both.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=penalty.to(query.dtype)
        )
        x = x + self.dropout(self.out(mixed.transpose(1, 2).flatten(2)))
        wide = self.dropout(functional.gelu(self.up(self.norm(x))))
        found: torch.Tensor = x + self.dropout(self.down(wide))
        return found


class SequenceRecommender(nn.Module):
    """Scores every item as the next one, before the first event and after each.

    Args:
        shape: Sizes.
        dropout: Rate in training.
        texts: What a text encoder says of each item, shape (items, text_size); None is for weights that come later.
        cold: Whether an item has no event to learn from, bool, shape (items,): training does not push it away.
    """

    texts: torch.Tensor
    cold: torch.Tensor

    def __init__(
        self, shape: Shape, dropout: float, texts: torch.Tensor | None = None, cold: torch.Tensor | None = None
    ) -> None:  # fmt: skip
        super().__init__()
        size, self.shape = shape.hidden_size, shape
        none = torch.zeros(shape.items, shape.text_size)
        self.register_buffer("texts", none if texts is None else texts)
        self.register_buffer(
            "cold", torch.zeros(shape.items, dtype=torch.bool) if cold is None else cold
        )
        self.project = nn.Linear(shape.text_size, size, bias=False)
        self.own = nn.Parameter(torch.zeros(shape.items, size))
        self.popularity = nn.Parameter(torch.zeros(shape.items))
        self.start = nn.Parameter(torch.randn(size) * _STD)
        self.gap = nn.Embedding(_GAPS, size)
        self.layers = nn.ModuleList(
            _Layer(size, shape.num_attention_heads, dropout) for _ in range(shape.num_hidden_layers)
        )
        self.norm = nn.LayerNorm(size)
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.gap.weight, std=_STD)
        nn.init.normal_(self.project.weight, std=_TEXT_STD / math.sqrt(shape.text_size))

    def table(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The vector of each item, shape (items, hidden), and how popular it is of itself, shape (items,)."""
        own: torch.Tensor = self.own
        popularity: torch.Tensor = self.popularity
        if self.training:
            kept = torch.rand(len(own), 1, device=own.device) >= TEXT_ALONE
            own, popularity = own * kept, popularity * kept[:, 0]
        return self.project(self.texts) + own, popularity

    def states(self, batch: HistoryBatch, vectors: torch.Tensor) -> torch.Tensor:
        """What is known before the first event and after each, shape (rows, 1 + longest, hidden)."""
        rows, longest = batch.items.shape
        size = self.shape.hidden_size
        events = vectors[batch.items.clamp(min=0)] * math.sqrt(size)
        events = events + self.gap(torch.log2(batch.gaps + 1).long().clamp(max=_GAPS - 1))
        x = torch.cat([self.start.to(events.dtype).expand(rows, 1, size), events], 1)
        penalty = _penalty(longest + 1, self.shape.num_attention_heads, x.device)
        x = self.dropout(x)
        for layer in self.layers:
            x = layer(x, penalty)
        found: torch.Tensor = self.norm(x)
        return found

    def forward(self, batch: HistoryBatch) -> torch.Tensor:
        """Scores, shape (positions, items): of all positions as `events.taught_of` teaches them, or of each row's last."""
        vectors, popularity = self.table()
        states = self.states(batch, vectors)
        places = torch.arange(states.shape[1], device=states.device)
        counts = batch.counts[:, None]
        wanted = places <= counts if batch.every else places == counts
        times = wanted.long()
        if batch.every:
            times[:, 0] = starts(batch.counts)
        numbers = torch.arange(times.numel(), device=states.device)
        states = states.flatten(0, 1)[numbers.repeat_interleave(times.flatten())]
        scores = (states @ vectors.T).float() + popularity
        if self.training:
            scores = scores.masked_fill(self.cold, -math.inf)
        return scores


def _penalty(width: int, heads: int, device: torch.device) -> torch.Tensor:
    """What is added to attention before its softmax, shape (1, heads, width, width): events to come are not seen.

    The first head looks at all events alike, each other one nearer than the one before it.
    """
    places = torch.arange(width, device=device)
    distance = (places[:, None] - places).float()
    slopes = torch.tensor([0.0] + [4.0 ** -(heads - one) for one in range(1, heads)], device=device)
    penalty = -slopes[:, None, None] * distance
    return penalty.masked_fill(distance < 0, -math.inf)[None]
