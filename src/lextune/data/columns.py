"""Columns of many rows in little memory: texts in a mapped file without a name, names as numbers; they know no row's meaning."""

from __future__ import annotations

import mmap
import tempfile
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np
import numpy.typing as npt

from lextune.extras import need
from lextune.files import disk_problems

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
#: Fixed-width bytes: digests and ids, compared as a whole.
Keys = npt.NDArray[np.bytes_]

#: A block of texts has at most so many rows, and unless one row alone is longer, so many bytes.
BLOCK_ROWS, BLOCK_BYTES = 1024, 4 << 20


class Texts(Sequence[str]):
    """Some rows of an Arrow column of texts, which are read where they lie.

    Args:
        column: One Arrow array or chunked array of strings.
        rows: Which of its rows, in which order; None is all of them.
    """

    def __init__(self, column: Any, rows: Ints | None = None) -> None:
        pa = need("data", "pyarrow")
        if isinstance(column, pa.ChunkedArray):
            column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        self.column = column if column.type == pa.large_string() else column.cast(pa.large_string())
        self._rows = np.arange(len(column)) if rows is None else rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        found: str | list[str]
        if isinstance(index, slice):
            found = self.column.take(self._rows[index]).to_pylist()
        else:
            found = self.column[int(self._rows[index])].as_py()
        return found

    def __iter__(self) -> Iterator[str]:
        for block in self.blocks():
            yield from block

    def take(self, rows: Ints) -> Texts:
        """Those of these rows, in that order."""
        return Texts(self.column, self._rows[rows])

    def blocks(self) -> Iterator[list[str]]:
        """All rows in order, a block in memory at a time."""
        for block in self.arrays():
            yield block.to_pylist()

    def arrays(self) -> Iterator[pa.LargeStringArray]:
        """The same blocks as Arrow arrays."""
        ends = np.frombuffer(self.column.buffers()[1], np.int64)[self.column.offset :]
        total = np.cumsum(ends[self._rows + 1] - ends[self._rows])
        start = 0
        while start < len(self):
            before = int(total[start - 1]) if start else 0
            fitting = int(np.searchsorted(total, before + BLOCK_BYTES, "right"))
            stop = min(max(fitting, start + 1), start + BLOCK_ROWS)
            yield self.column.take(self._rows[start:stop])
            start = stop


class Spool:
    """Takes texts one after the other into a file without a name, and gives them back as one mapped column.

    Nobody else can open the file, and it is gone as soon as nothing refers to the column, also when the
    process is killed. Use it with `with`.

    Args:
        folder: On whose disk the file lies; None is the system's folder of temporary files.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._place = folder or Path(tempfile.gettempdir())
        with disk_problems(self._place):
            self._file = tempfile.TemporaryFile(dir=self._place)  # noqa: SIM115
        self._waiting: list[bytes | memoryview] = []
        self._size = self._written = 0
        self._ends = array("q", [0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, text: str) -> None:
        """One more."""
        data = text.encode()
        self._waiting.append(data)
        self._size += len(data)
        self._ends.append(self._size)
        if self._size - self._written > BLOCK_BYTES:
            self._write()

    def extend(self, texts: Texts) -> None:
        """Many more, without a Python object for each."""
        for block in texts.arrays():
            ends = np.frombuffer(block.buffers()[1], np.int64, len(block) + 1)
            if ends[-1]:
                self._waiting.append(memoryview(block.buffers()[2])[: ends[-1]])
            self._ends.frombytes((ends[1:] + self._size).tobytes())
            self._size += int(ends[-1])
            self._write()

    def column(self) -> Texts:
        """All of them; nothing can be added any more. The column outlives the `with`."""
        pa = need("data", "pyarrow")
        self._write()
        with disk_problems(self._place):
            self._file.flush()
        data = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) if self._size else b""
        ends = pa.py_buffer(np.frombuffer(self._ends, np.int64))
        rows = len(self._ends) - 1
        return Texts(pa.LargeStringArray.from_buffers(rows, ends, pa.py_buffer(data)))

    def _write(self) -> None:
        with disk_problems(self._place):
            self._file.write(b"".join(self._waiting))
        self._waiting.clear()
        self._written = self._size


@dataclass(frozen=True)
class Names:
    """A column of names, each of which is kept once.

    Attributes:
        names: Every name that may occur.
        numbers: Which of them each row has, int32; -1 where the cell is empty.
    """

    names: Sequence[str]
    numbers: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, row: int) -> str | None:
        number = int(self.numbers[row])
        return self.names[number] if number >= 0 else None

    def take(self, rows: Ints) -> Names:
        """Those rows, in that order."""
        return Names(self.names, self.numbers[rows])

    def counts(self) -> dict[str, int]:
        """Rows of each name that occurs, by name."""
        counts = np.bincount(self.numbers[self.numbers >= 0], minlength=len(self.names)).tolist()
        return {
            name: count for name, count in sorted(zip(self.names, counts, strict=True)) if count
        }

    def numbered(self, number: Mapping[str, int]) -> Ints:
        """The numbers that others gave to the names; -1 where the cell is empty or they know no such name."""
        known = [number.get(name, -1) for name in self.names]
        return np.array([*known, -1], np.int64)[self.numbers]

    def array(self) -> pa.Array:
        """An Arrow array of strings."""
        pa = need("data", "pyarrow")
        numbers = pa.array(self.numbers, mask=self.numbers < 0)
        return pa.DictionaryArray.from_arrays(numbers, pa.array(self.names, pa.string())).cast(
            pa.string()
        )


class NameList:
    """Builds `Names` row by row."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._rows = array("i")

    def add(self, name: str | None) -> None:
        """One more row."""
        new = len(self._number)
        self._rows.append(-1 if name is None else self._number.setdefault(name, new))

    def column(self) -> Names:
        """All of them."""
        return Names(list(self._number), np.frombuffer(self._rows, np.int32))


@dataclass(frozen=True)
class Members:
    """Which of some names each row has: none, one or several.

    Attributes:
        names: Every name that may occur.
        cells: The numbers of the names in each kind of cell that may occur.
        numbers: Which kind of cell each row has, int32; -1 where the cell is empty.
    """

    names: Sequence[str]
    cells: Sequence[tuple[int, ...]]
    numbers: npt.NDArray[np.int32]

    @classmethod
    def of_names(cls, column: Names) -> Members:
        """Each row has the one name of its cell."""
        return cls(column.names, [(number,) for number in range(len(column.names))], column.numbers)

    @classmethod
    def of_cells(cls, column: Names, names_in: Callable[[str], Sequence[str]]) -> Members:
        """Each row has the names that `names_in` finds in its cell."""
        number: dict[str, int] = {}
        cells = [
            tuple(number.setdefault(name, len(number)) for name in names_in(cell))
            for cell in column.names
        ]
        return cls(list(number), cells, column.numbers)

    def counts(self) -> dict[str, int]:
        """Rows that have each name that occurs, by name."""
        found = dict.fromkeys(range(len(self.names)), 0)
        rows = np.bincount(self.numbers[self.numbers >= 0], minlength=len(self.cells)).tolist()
        for cell, count in zip(self.cells, rows, strict=True):
            for number in cell:
                found[number] += count
        return dict(sorted((self.names[number], count) for number, count in found.items() if count))

    def having(self, names: Collection[str]) -> npt.NDArray[np.bool_]:
        """Which rows have at least one of some names."""
        wanted = {number for number, name in enumerate(self.names) if name in names}
        has = [not wanted.isdisjoint(cell) for cell in self.cells]
        found: npt.NDArray[np.bool_] = np.array([*has, False], bool)[self.numbers]
        return found

    def first(self) -> dict[str, int]:
        """The first row that has each name that occurs."""
        kinds, rows = np.unique(self.numbers, return_index=True)
        found: dict[str, int] = {}
        for kind, row in zip(kinds.tolist(), rows.tolist(), strict=True):
            for number in self.cells[kind] if kind >= 0 else ():
                found[self.names[number]] = min(row, found.get(self.names[number], row))
        return found

    def rarest(self) -> Names:
        """Of each row the name that fewest rows have, by name among equals; the empty name where it has none."""
        counts = self.counts()
        order = {
            name: place for place, name in enumerate(sorted(counts, key=lambda n: (counts[n], n)))
        }
        names = ["", *order]
        places = [
            min((order.get(self.names[number], len(order)) + 1 for number in cell), default=0)
            for cell in self.cells
        ]
        return Names(names, np.array([*places, 0], np.int32)[self.numbers])


def same(*columns: Keys) -> list[Ints]:
    """A number for each key of some columns; equal keys have equal numbers, in all of them."""
    inverse = np.unique(np.concatenate(columns), return_inverse=True)[1]
    return np.split(inverse, np.cumsum([len(column) for column in columns])[:-1])
