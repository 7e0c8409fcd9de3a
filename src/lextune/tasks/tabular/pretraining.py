"""Teaches a tabular encoder to guess hidden cells, as a task of its own for the training loop; it knows no class.

Masked cells as in BERT's masked tokens (Devlin et al. 2019, arXiv:1810.04805): a number's bin between quantiles, a
category's code, the fields of a hidden event.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from lextune.config_training import TrainConfig
from lextune.tasks.tabular.encoding import Layout, Records, View
from lextune.tasks.tabular.network import CellBatch, RecordBatch, TabularEncoder, batch_of

#: The target of a cell that is not hidden.
_SHOWN = -1
#: The epoch whose cells are hidden in validation: always the same ones.
_VALIDATION = 2**31 - 1


@dataclass(frozen=True)
class HiddenCells:
    """What is taught: for each cell of each column the bin or code where it is hidden, else -1; each of shape (n,)."""

    columns: tuple[torch.Tensor, ...]

    def to(self, device: torch.device) -> Self:
        """On that device."""
        return type(self)(tuple(one.to(device) for one in self.columns))

    @property
    def count(self) -> int:
        """How many cells are hidden."""
        return sum(int((one != _SHOWN).sum()) for one in self.columns)


class MaskedModel(nn.Module):
    """The encoder, which is trained in place, with a guess for each cell.

    Args:
        encoder: Of the model that is fine-tuned afterwards.
        layout: Of the rows' cells.
        events: Of the events of each column of them.
    """

    def __init__(self, encoder: TabularEncoder, layout: Layout, events: Sequence[Layout]) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.norm.normalized_shape[0]
        cells = len(layout.numbers) + len(layout.codes)
        self.hidden_cells = nn.Parameter(torch.zeros(cells, width))
        self.hidden_events = nn.Parameter(torch.zeros(len(events), width))
        self.cells = _guesses(layout, width)
        self.events = nn.ModuleList(_guesses(one, width) for one in events)

    def forward(self, batch: RecordBatch) -> list[torch.Tensor]:
        """Scores of the bins or codes of each column's cells, each of shape (n, bins or codes)."""
        states, events = self.encoder(batch, self.hidden_cells, self.hidden_events)
        found = [guess(states[:, index]) for index, guess in enumerate(self.cells, 1)]
        for guesses, some in zip(self.events, events, strict=True):
            found += [guess(some) for guess in guesses.children()]
        return found


def _guesses(layout: Layout, width: int) -> nn.ModuleList:
    sizes = [len(edges) for edges in layout.numbers]  # the bins between them, and one for missing
    return nn.ModuleList(nn.Linear(width, size) for size in [*sizes, *layout.codes])


class MaskedCells:
    """As much of a task as `training.loop.Trainer` asks for.

    Args:
        layout: Of the rows' cells.
        events: Of the events of each column of them.
        share: Of the cells that are hidden.
        seed: Of the drawing.
    """

    def __init__(self, layout: Layout, events: Sequence[Layout], share: float, seed: int) -> None:
        self.layouts, self.share, self.seed = (layout, *events), share, seed

    def epoch(self, encoded: Records, config: TrainConfig, epoch: int) -> Records:  # noqa: ARG002
        """Other cells are hidden in each epoch."""
        return encoded.seen(View(self.seed, epoch, self.share))

    def validated(self, encoded: Records) -> Records:
        """The validation rows, of which the same cells are hidden in every epoch."""
        return encoded.seen(View(self.seed, _VALIDATION, self.share))

    def collate(self, encoded: Records, rows: npt.NDArray[np.int64]) -> RecordBatch:
        """The rows with their hidden cells."""
        return batch_of(encoded, rows)

    def logits(self, model: nn.Module, batch: RecordBatch) -> list[torch.Tensor]:
        """See `MaskedModel.forward`."""
        found: list[torch.Tensor] = model(batch)
        return found

    def targets(
        self, labels: Any, encoded: Records, rows: npt.NDArray[np.int64]  # noqa: ARG002
    ) -> HiddenCells:  # fmt: skip
        """What is hidden of these rows."""
        batch = batch_of(encoded, rows)
        assert batch.hidden is not None
        found = _targets(batch.cells, self.layouts[0], batch.hidden)
        for cells, layout, hidden in zip(
            batch.events, self.layouts[1:], batch.hidden_events, strict=True
        ):
            width = len(layout.numbers) + len(layout.codes)
            found += _targets(cells, layout, hidden[:, None].expand(-1, width))
        return HiddenCells(tuple(found))

    def size(self, targets: HiddenCells, class_weights: torch.Tensor | None) -> float:  # noqa: ARG002
        """The hidden cells."""
        return float(targets.count)

    def loss(
        self, logits: Sequence[torch.Tensor], labels: HiddenCells, *,
        class_weights: torch.Tensor | None = None, label_smoothing: float = 0.0,  # noqa: ARG002
    ) -> torch.Tensor:  # fmt: skip
        """Mean cross entropy of the hidden cells, in nats; 0 where none is hidden."""
        total = sum(
            (
                functional.cross_entropy(one.float(), taught, ignore_index=_SHOWN, reduction="sum")
                for one, taught in zip(logits, labels.columns, strict=True)
            ),
            start=logits[0].float().sum() * 0,
        )
        return total / max(1, labels.count)

    def blind_loss(self, outputs: int) -> float:  # noqa: ARG002
        """The mean over the columns of guesses that give every bin or code the same probability."""
        sizes = [
            size
            for one in self.layouts
            for size in (*(len(edges) for edges in one.numbers), *one.codes)
        ]
        return float(np.mean([math.log(size) for size in sizes]))

    def right(self, logits: Sequence[torch.Tensor], labels: HiddenCells) -> tuple[int, int]:
        """Hidden cells that are guessed, and of how many."""
        pairs = zip(logits, labels.columns, strict=True)
        return sum(int((one.argmax(-1) == taught).sum()) for one, taught in pairs), labels.count


def _targets(cells: CellBatch, layout: Layout, hidden: torch.Tensor) -> list[torch.Tensor]:
    found = []
    for index, edges in enumerate(layout.numbers):
        values = cells.numbers[:, index].contiguous()
        inner = torch.tensor(edges[1:-1], dtype=torch.float64)
        bins = torch.searchsorted(inner, values.nan_to_num(), right=True) + 1
        found.append(torch.where(values.isnan(), 0, bins))
    found += list(cells.codes.unbind(1))
    return [
        torch.where(hidden[:, index], one, _SHOWN).contiguous() for index, one in enumerate(found)
    ]
