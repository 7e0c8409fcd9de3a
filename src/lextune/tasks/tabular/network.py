"""The tabular transformer: a token for each cell and event, and one that is answered from; it knows no data and no loss.

After FT-Transformer (Gorishniy et al. 2021, arXiv:2106.11959) with piecewise linear encodings of numbers (Gorishniy et
al. 2022, arXiv:2203.05556).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from lextune.tasks.tabular.encoding import Cells, Layout, Records

#: Most columns of events, and the furthest place behind the last event, that are told apart.
_PLACES = 512


@dataclass(frozen=True)
class Sizes:
    """How large a network is."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int


@dataclass(frozen=True)
class CellBatch:
    """Cells of some rows or events: numbers float64 (n, numbers), codes int64 (n, categories)."""

    numbers: torch.Tensor
    codes: torch.Tensor

    def to(self, device: torch.device) -> CellBatch:
        """On that device."""
        return CellBatch(self.numbers.to(device), self.codes.to(device))


@dataclass(frozen=True)
class RecordBatch:
    """Some rows.

    Attributes:
        cells: Of the rows.
        events: Of each column of events: those of all rows, one row's after the other's.
        places: For each column of events, the row of each event and how far behind the row's last it is, shape (2, events).
        hidden: Which cells are hidden, shape (rows, numbers + categories); None hides none.
        hidden_events: For each column of events, which events are hidden, shape (events,).
    """

    cells: CellBatch
    events: tuple[CellBatch, ...]
    places: tuple[torch.Tensor, ...]
    hidden: torch.Tensor | None = None
    hidden_events: tuple[torch.Tensor, ...] = ()

    def to(self, device: torch.device) -> Self:
        """On that device."""
        return type(self)(
            self.cells.to(device),
            tuple(one.to(device) for one in self.events),
            tuple(one.to(device) for one in self.places),
            None if self.hidden is None else self.hidden.to(device),
            tuple(one.to(device) for one in self.hidden_events),
        )


def batch_of(records: Records, rows: npt.NDArray[np.int64]) -> RecordBatch:
    """Some rows of encoded ones; cells are hidden as the records' view says."""
    events, places, masks = [], [], []
    hidden = None
    if records.view is not None:
        width = records.cells.numbers.shape[1] + records.cells.codes.shape[1]
        hidden = torch.from_numpy(_drawn(records, rows, [width] * len(rows), 0).reshape(-1, width))
    for number, one in enumerate(records.events, 1):
        counts = one.counts[rows]
        ends = np.cumsum(counts)
        within = np.arange(int(ends[-1]) if len(rows) else 0) - np.repeat(ends - counts, counts)
        events.append(_batch(one.cells.take(np.repeat(one.offsets[rows], counts) + within)))
        behind = np.repeat(counts, counts) - 1 - within
        owner = np.repeat(np.arange(len(rows)), counts)
        places.append(torch.from_numpy(np.stack([owner, behind])))
        if records.view is not None:
            masks.append(torch.from_numpy(_drawn(records, rows, counts.tolist(), number)))
    return RecordBatch(_batch(records.cells.take(rows)), tuple(events), tuple(places), hidden, tuple(masks))  # fmt: skip


def _batch(cells: Cells) -> CellBatch:
    return CellBatch(
        torch.from_numpy(cells.numbers), torch.from_numpy(cells.codes.astype(np.int64))
    )


def _drawn(
    records: Records, rows: npt.NDArray[np.int64], counts: Sequence[int], stream: int
) -> npt.NDArray[np.bool_]:
    """Which of so many things of each row are hidden, row after row: by seed, epoch and row alone."""
    view = records.view
    assert view is not None
    parts = [
        np.random.default_rng([view.seed, view.epoch, stream, row]).random(count) < view.share
        for row, count in zip(rows.tolist(), counts, strict=True)
    ]
    return np.concatenate([np.zeros(0, bool), *parts])


class CellEmbedding(nn.Module):
    """A token for each cell: numbers by where they lie between quantiles, categories by their code.

    Args:
        layout: Of the cells.
        width: Of a token.
    """

    lowest: torch.Tensor
    spans: torch.Tensor
    starts: torch.Tensor

    def __init__(self, layout: Layout, width: int) -> None:
        super().__init__()
        self.layout = layout
        numbers, categories = len(layout.numbers), len(layout.codes)
        bins = max((len(edges) - 1 for edges in layout.numbers), default=0)
        lowest, spans = torch.zeros(numbers, bins), torch.full((numbers, bins), torch.inf)
        lowest, spans = lowest.double(), spans.double()
        for index, edges in enumerate(layout.numbers):
            made = torch.tensor(edges, dtype=torch.float64)
            lowest[index, : len(edges) - 1] = made[:-1]
            spans[index, : len(edges) - 1] = made.diff()
        self.register_buffer("lowest", lowest, persistent=False)
        self.register_buffer("spans", spans, persistent=False)
        self.number_weight = nn.Parameter(torch.randn(numbers, bins, width) * 0.1)
        self.number_bias = nn.Parameter(torch.randn(numbers, width) * 0.02)
        self.missing = nn.Parameter(torch.zeros(numbers, width))
        self.code_weight = nn.Parameter(torch.randn(sum(layout.codes), width) * 0.3)
        starts = np.cumsum([0, *layout.codes])[:-1].astype(np.int64)
        self.register_buffer("starts", torch.from_numpy(starts), persistent=False)
        self.column = nn.Parameter(torch.randn(numbers + categories, width) * 0.3)

    def forward(
        self, cells: CellBatch, hidden: torch.Tensor | None = None, instead: torch.Tensor | None = None
    ) -> torch.Tensor:  # fmt: skip
        """Tokens, shape (n, numbers + categories, width); where cells are hidden, those of `instead`."""
        numbers = self._numbers(cells.numbers)
        codes = self.code_weight[cells.codes + self.starts]
        tokens = torch.cat([numbers, codes], 1)
        if hidden is not None and instead is not None:
            tokens = torch.where(hidden[..., None], instead, tokens)
        return tokens + self.column

    def _numbers(self, numbers: torch.Tensor) -> torch.Tensor:
        missing = numbers.isnan()
        places = (numbers.nan_to_num()[..., None] - self.lowest) / self.spans
        places = places.clamp(0, 1).to(self.number_weight.dtype)
        made = torch.einsum("nkb,kbw->nkw", places, self.number_weight)
        made = functional.relu(made + self.number_bias)
        return torch.where(missing[..., None], self.missing, made)


class Block(nn.Module):
    """Attention and a perceptron, each behind a norm and added."""

    def __init__(self, sizes: Sizes, dropout: float) -> None:
        super().__init__()
        width = sizes.hidden_size
        self.heads, self.dropout = sizes.num_attention_heads, dropout
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up = nn.Linear(width, sizes.intermediate_size)
        self.down = nn.Linear(sizes.intermediate_size, width)

    def forward(self, states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """States after the block, shape (rows, tokens, width); the mask says which tokens there are."""
        rate = self.dropout if self.training else 0.0
        rows, tokens, width = states.shape
        parts = self.qkv(self.norm1(states)).view(rows, tokens, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        found = functional.scaled_dot_product_attention(query, key, value, mask, dropout_p=rate)
        found = self.out(found.transpose(1, 2).reshape(rows, tokens, width))
        states = states + functional.dropout(found, rate)
        found = self.down(functional.dropout(functional.gelu(self.up(self.norm2(states))), rate))
        return states + functional.dropout(found, rate)


class TabularEncoder(nn.Module):
    """States of all tokens: the one that is answered from, those of the cells, and those of the events.

    Args:
        layout: Of the rows' cells.
        events: Of the events of each column of them.
        sizes: Of the network.
        dropout: In training.
    """

    def __init__(
        self, layout: Layout, events: Sequence[Layout], sizes: Sizes, dropout: float
    ) -> None:
        super().__init__()
        width = sizes.hidden_size
        self.cells = CellEmbedding(layout, width)
        self.events = nn.ModuleList(CellEmbedding(one, width) for one in events)
        if events:
            self.event_column = nn.Parameter(torch.randn(len(events), width) * 0.3)
            self.place = nn.Parameter(torch.randn(_PLACES, width) * 0.02)
        self.answer = nn.Parameter(torch.randn(width) * 0.3)
        self.layers = nn.ModuleList(Block(sizes, dropout) for _ in range(sizes.num_hidden_layers))
        self.norm = nn.LayerNorm(width)

    def forward(
        self, batch: RecordBatch, hidden_cells: torch.Tensor | None = None, hidden_events: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:  # fmt: skip
        """States of answer and cells, shape (rows, 1 + cells, width), and of the events of each column, (events, width).

        Args:
            batch: The rows.
            hidden_cells: What stands for a hidden cell of each column, shape (cells, width).
            hidden_events: The same for events, shape (columns of events, width).
        """
        cells = self.cells(batch.cells, batch.hidden, hidden_cells)
        states = torch.cat([self.answer.expand(len(cells), 1, -1), cells], 1)
        fixed, mask = states.shape[1], None
        at: list[tuple[torch.Tensor, torch.Tensor]] = []
        if self.events:
            states, mask, at = self._with_events(states, batch, hidden_events)
        for layer in self.layers:
            states = layer(states, mask)
        states = self.norm(states)
        return states[:, :fixed], [states[rows, places] for rows, places in at]

    def _with_events(
        self, states: torch.Tensor, batch: RecordBatch, instead: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor, list[tuple[torch.Tensor, torch.Tensor]]]:
        mask = torch.ones(states.shape[:2], dtype=torch.bool, device=states.device)
        at: list[tuple[torch.Tensor, torch.Tensor]] = []
        for number, (embed, cells, place) in enumerate(
            zip(self.events, batch.events, batch.places, strict=True)
        ):
            rows, behind = place[0], place[1]
            made = embed(cells).sum(1)
            if batch.hidden is not None and instead is not None:
                hidden = batch.hidden_events[number][:, None]
                made = torch.where(hidden, instead[number], made)
            made = made + self.event_column[number] + self.place[behind.clamp(max=_PLACES - 1)]
            longest = int(behind.max()) + 1 if len(behind) else 0
            start = states.shape[1]
            padded = states.new_zeros(len(states), longest, states.shape[2])
            there = mask.new_zeros(len(states), longest)
            padded = padded.index_put((rows, behind), made.to(padded.dtype))
            there[rows, behind] = True
            states, mask = torch.cat([states, padded], 1), torch.cat([mask, there], 1)
            at.append((rows, start + behind))
        return states, mask[:, None, None, :], at


class TabularTransformer(nn.Module):
    """The encoder with a score for each class, read off the token that is answered from."""

    #: Where `training.backbone` finds what is below the head.
    backbone_prefix = "encoder"

    def __init__(self, encoder: TabularEncoder, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.norm.normalized_shape[0]
        self.head = nn.Linear(width, classes)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def features(self, batch: RecordBatch) -> torch.Tensor:
        """What the head reads, shape (rows, width)."""
        states, _ = self.encoder(batch)
        found: torch.Tensor = states[:, 0]
        return found

    def forward(self, batch: RecordBatch) -> torch.Tensor:
        """Scores, shape (rows, classes)."""
        found: torch.Tensor = self.head(self.features(batch))
        return found
