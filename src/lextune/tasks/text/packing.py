"""Lays the rows of a batch end to end, in groups of one width, so that few layers work on padding; it knows no model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lextune.tasks.base import Encoded

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

#: Widths of groups are multiples of this: few distinct shapes, so that kernels are made once.
_MULTIPLE = 16
#: Padded lengths, for models that take no packed rows, are multiples of this.
_PADDED_MULTIPLE = 32


@dataclass(frozen=True)
class Group:
    """Neighbouring rows of one width.

    Attributes:
        rows: How many.
        width: Tokens that each takes in the line, filling included.
        shortest: Tokens of the shortest of them.
        filling: True where a token only fills its row up, shape (rows, width); None where none does.
    """

    rows: int
    width: int
    shortest: int
    filling: torch.Tensor | None


@dataclass(frozen=True)
class Packed:
    """A batch as one line of tokens; after the last group there may be some that belong to no row.

    Attributes:
        ids: Token ids, int64, shape (tokens,).
        positions: Place of each token in its row, int64, shape (tokens,).
        first: Where each row begins, in the order of the line, int64, shape (rows,).
        lengths: Tokens of each row without filling, in the order of the line, int64, shape (rows,).
        back: For each row in the order asked for, its number in the line, int64, shape (rows,).
        groups: In the order of the line.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    first: torch.Tensor
    lengths: torch.Tensor
    back: torch.Tensor
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class TextBatch:
    """Some rows of encoded texts, laid out when the model that takes them is known.

    Attributes:
        encoded: All rows.
        rows: Which of them, shape (batch,).
        device: Where the tensors go.
    """

    encoded: Encoded
    rows: npt.NDArray[np.int64]
    device: torch.device | str = "cpu"

    def __len__(self) -> int:
        return len(self.rows)

    def to(self, device: torch.device | str) -> TextBatch:
        """The same rows, for another device."""
        return TextBatch(self.encoded, self.rows, device)

    @property
    def answering(self) -> npt.NDArray[np.int64]:
        """Places in `encoded.ids` of the tokens that answer for a piece of their text, row after row."""
        tokens = self.encoded.tokens_of(self.rows)
        return tokens[self._answers(tokens)]

    def _answers(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        import numpy as np

        spans = self.encoded.spans
        return np.ones(len(tokens), bool) if spans is None else np.asarray(spans[tokens, 1] > 0)

    def places(self, starts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Where the answering tokens are when the rows begin at `starts`, shape (batch,)."""
        import numpy as np

        encoded, tokens = self.encoded, self.encoded.tokens_of(self.rows)
        moved = tokens + np.repeat(starts - encoded.offsets[self.rows], encoded.lengths[self.rows])
        return moved[self._answers(tokens)]

    def padded(self) -> dict[str, torch.Tensor]:
        """input_ids and attention_mask, shape (batch, longest row rounded up)."""
        import numpy as np
        import torch

        encoded = self.encoded
        starts, lengths = encoded.offsets[self.rows], encoded.lengths[self.rows]
        width = int(_widths(lengths.max(keepdims=True), encoded.limit, _PADDED_MULTIPLE)[0])
        columns = np.arange(width)
        # where each row begins in the batch, shape (batch, 1)
        first = (width - lengths if encoded.pad_left else 0 * lengths)[:, None]
        mask = (first <= columns) & (columns < first + lengths[:, None])
        ids = np.full(mask.shape, encoded.pad_id, np.int64)
        ids[mask] = encoded.ids[(starts[:, None] + columns - first)[mask]]
        return {
            "input_ids": torch.from_numpy(ids).to(self.device),
            "attention_mask": torch.from_numpy(mask.astype(np.int64)).to(self.device),
        }

    def packed(self, multiple: int = _MULTIPLE) -> Packed:
        """The rows end to end, longest first.

        Args:
            multiple: Each row is filled up to a multiple of so many tokens, and the line to one of about
                twenty lengths between two powers of two. With 1, nothing is filled up.
        """
        import numpy as np
        import torch

        encoded = self.encoded
        turn = np.argsort(-encoded.lengths[self.rows], kind="stable")
        rows = self.rows[turn]
        lengths = encoded.lengths[rows]
        widths = _widths(lengths, encoded.limit, multiple)
        ends = np.cumsum(widths)
        total = int(ends[-1])
        tail = 0 if multiple == 1 else -total % max(multiple, 1 << max(total.bit_length() - 5, 0))
        positions = np.arange(total) - np.repeat(ends - widths, widths)
        real = positions < np.repeat(lengths, widths)
        ids = np.full(total + tail, encoded.pad_id, np.int64)
        ids[:total][real] = encoded.ids[
            (np.repeat(encoded.offsets[rows], widths) + positions)[real]
        ]
        back = np.empty(len(rows), np.int64)
        back[turn] = np.arange(len(rows))

        def tensor(values: npt.NDArray[np.generic]) -> torch.Tensor:
            return torch.from_numpy(values).to(self.device)

        groups, at = [], 0
        for width, count in _runs(widths):
            mine = lengths[at : at + count]
            filling = np.arange(width) >= mine[:, None]
            shortest = int(mine.min())
            groups.append(
                Group(count, width, shortest, tensor(filling) if shortest < width else None)
            )
            at += count
        return Packed(
            ids=tensor(ids),
            positions=tensor(np.append(positions, np.zeros(tail, np.int64))),
            first=tensor(ends - widths),
            lengths=tensor(lengths),
            back=tensor(back),
            groups=tuple(groups),
        )


def _widths(
    lengths: npt.NDArray[np.int64], limit: int | None, multiple: int
) -> npt.NDArray[np.int64]:
    """Lengths rounded up, but not above `limit`, beyond which a model has no positions."""
    import numpy as np

    widths = lengths + -lengths % multiple
    return widths if limit is None else np.maximum(lengths, np.minimum(widths, limit))


def _runs(values: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Each run of equal values: the value, and how often it follows upon itself."""
    import itertools

    return [(value, len(list(run))) for value, run in itertools.groupby(values.tolist())]
