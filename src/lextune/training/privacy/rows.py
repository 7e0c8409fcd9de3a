"""Norms of the gradients of rows that lie end to end, from the tokens of each; it knows no model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from lextune.tasks.text.packing import Packed


@dataclass(frozen=True)
class Line:
    """Where the rows are along the first dimension of a tensor.

    Attributes:
        size: Of that dimension.
        groups: How many rows, and how many entries each has, in the order of the line; what comes after belongs to none.
        back: For each row in the order asked for its number in the line, int64, shape (rows,); None where they are
            the same.
        where: The device.
    """

    size: int
    groups: tuple[tuple[int, int], ...]
    back: torch.Tensor | None
    where: torch.device

    @classmethod
    def of_tokens(cls, batch: Packed) -> Line:
        """Of a packed batch."""
        groups = tuple((group.rows, group.width) for group in batch.groups)
        return cls(len(batch.ids), groups, batch.back, batch.ids.device)

    @classmethod
    def of_rows(cls, rows: int, where: torch.device) -> Line:
        """One entry a row, in the order asked for."""
        return cls(rows, ((rows, 1),), None, where)

    def of(self, x: torch.Tensor) -> Line:
        """That of a tensor which has an entry for each token, or one for each row."""
        rows = sum(count for count, _ in self.groups)
        if len(x) == self.size:
            return self
        assert len(x) == rows
        return Line(rows, ((rows, 1),), self.back, self.where)

    @property
    def end(self) -> int:
        """Entries that belong to rows."""
        return sum(count * width for count, width in self.groups)

    @property
    def rows(self) -> torch.Tensor:
        """The number in the line of the row of each of those entries, int64, shape (end,)."""
        widths = [torch.full((count,), width, device=self.where) for count, width in self.groups]
        found = torch.cat(widths)
        return torch.repeat_interleave(torch.arange(len(found), device=self.where), found)

    def parts(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Views of the groups, shape (rows, tokens, width)."""
        if x.ndim == 3:
            return [x]
        sizes = [count * width for count, width in self.groups]
        found = torch.split(x[: self.end], sizes)
        return [
            torch.unflatten(part, 0, group) for part, group in zip(found, self.groups, strict=True)
        ]  # fmt: skip

    def asked(self, values: torch.Tensor) -> torch.Tensor:
        """Values of the rows of the line, in the order asked for."""
        return values if self.back is None else values[self.back]

    def turned(self, values: torch.Tensor) -> torch.Tensor:
        """The inverse of `asked`."""
        if self.back is None:
            return values
        return torch.empty_like(values).index_copy_(0, self.back, values)

    def scale_(self, x: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
        """Each row of `x` times its factor, in place; what belongs to no row becomes 0.

        Args:
            x: Shape (size, ..., width), dense.
            factors: In the order asked for, shape (rows,).
        """
        turned, start = self.turned(factors), 0
        for part in self.parts(x):
            part.mul_(turned[start : start + len(part), None, None])
            start += len(part)
        if x.ndim == 2:
            x[self.end :].zero_()
        return x


@contextlib.contextmanager
def products_of(dtype: torch.dtype) -> Iterator[None]:
    """Inside, fp32 products of values that came in bf16 may round to bf16 what goes in, but add and give fp32.

    For values of bf16 that is exact, and the matrix units of processors do it several times as fast.
    """
    if dtype != torch.bfloat16:
        yield
        return
    matmul = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = matmul.fp32_precision
    matmul.fp32_precision = "bf16"
    try:
        yield
    finally:
        matmul.fp32_precision = before


def squared_norms(
    inputs: Sequence[torch.Tensor], gradients: Sequence[torch.Tensor], biased: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Of each row's gradient of a linear layer, without making it: |sum g a^T|^2 is the sum of (a a^T) (g g^T).

    Goodfellow 2015, arXiv:1510.01799, for one token; Li et al. 2022, arXiv:2110.05679, section 4, for many.

    Args:
        inputs: Of the layer, in groups of shape (rows, tokens, in).
        gradients: Of its output, in groups of shape (rows, tokens, out).
        biased: Whether it has a bias, which is a further input of 1.

    Returns:
        Squared norms, and the squares of the sums of the tokens' own norms, which they cannot exceed; fp64, shape (rows,).
    """
    squares, spreads = [], []
    for a, g in zip(inputs, gradients, strict=True):
        left, right = a.float(), g.float()
        if left.shape[1] > 1:
            with products_of(a.dtype):
                mixed = torch.bmm(left, left.transpose(1, 2))
                own = torch.bmm(right, right.transpose(1, 2))
            mixed = mixed.add_(1) if biased else mixed
            sizes = mixed.diagonal(dim1=1, dim2=2) * own.diagonal(dim1=1, dim2=2)
            spreads.append(sizes.clamp(min=0).sqrt().sum(1, dtype=torch.float64).square())
            squares.append(mixed.mul_(own).sum((1, 2), dtype=torch.float64).clamp(min=0))
        else:
            found = left.double().square().sum((1, 2)) + biased
            found = found * right.double().square().sum((1, 2))
            squares.append(found)
            spreads.append(found)
    return torch.cat(squares), torch.cat(spreads)


def word_sums(
    rows: torch.Tensor, ids: torch.Tensor, gradients: torch.Tensor, padding: int | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The gradient of each embedding that a row took, summed over the places where it took it.

    Args:
        rows: Of each token, shape (tokens,).
        ids: Embeddings taken, shape (tokens,).
        gradients: Of what they gave, shape (tokens, width).
        padding: An embedding that learns nothing.

    Returns:
        Row, embedding and gradient of each pair that occurs, shapes (pairs,), (pairs,) and (pairs, width).
    """
    if padding is not None:
        gradients = gradients.masked_fill((ids == padding)[:, None], 0)
    most = int(ids.max()) + 1
    pairs, which = torch.unique(rows * most + ids, return_inverse=True)
    sums = gradients.new_zeros(len(pairs), gradients.shape[1]).index_add_(0, which, gradients)
    return pairs // most, pairs % most, sums
