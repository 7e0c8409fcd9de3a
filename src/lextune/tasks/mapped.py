"""Keeps encoded rows in one file that is mapped, not read; it knows neither images nor sounds."""

from __future__ import annotations

import json
import mmap
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from lextune.files import disk_problems, open_atomic, remove_unfinished

Advance = Callable[[int], None]
#: Arrays by name, which are also the arguments of a constructor.
Arrays = dict[str, Any]
#: Bytes at the end of a file that say how long the description before them is.
_TAIL = 8
_SCHEMA = "lextune.mapped/v1"


class Mappable(Protocol):
    """Encoded rows that are made of arrays, of which the first is the largest."""

    def __len__(self) -> int: ...

    def arrays(self) -> Arrays:
        """What a file holds of the rows, joined along the first axis from block to block."""
        ...

    def with_arrays(self, arrays: Arrays) -> Self:
        """Other rows that are encoded alike."""
        ...


Rows = TypeVar("Rows", bound=Mappable)
Encode = Callable[[Sequence[Any]], Rows]


def kept_rows(
    path: Path, encode: Encode[Rows], blocks: Iterable[Sequence[Any]], advance: Advance
) -> Rows:
    """The rows of all blocks, mapped from a file; one that a run left behind whole is not made again.

    Args:
        path: Its name must say all that decides the encoding, for nothing else is compared.
        encode: As `Task.encoder` makes it.
        blocks: The inputs, in order.
        advance: Told of the inputs of each block.
    """
    with disk_problems(path):
        path.parent.mkdir(mode=0o700, exist_ok=True)
    remove_unfinished(path.parent)
    if not path.is_file():  # it appears whole or not at all
        with open_atomic(path, mode=0o600) as stream, disk_problems(path):
            _write(stream, encode, blocks, advance)
    with disk_problems(path), open(path, "rb") as stream:
        return encode([]).with_arrays(_map(stream))


def unnamed_rows(
    encode: Encode[Rows], blocks: Iterable[Sequence[Any]], advance: Advance, folder: Path | None
) -> Rows:
    """The rows of all blocks, mapped from a file without a name on the disk of `folder`."""
    place = folder or Path(tempfile.gettempdir())
    with disk_problems(place), tempfile.TemporaryFile(dir=place) as stream:
        _write(stream, encode, blocks, advance)
        stream.flush()
        return encode([]).with_arrays(_map(stream))


def _write(
    stream: IO[bytes], encode: Encode[Rows], blocks: Iterable[Sequence[Any]], advance: Advance
) -> None:
    """The first array of all blocks as they come, then the others, and what they are."""
    empty = encode([]).arrays()
    first, *others = empty
    rest: dict[str, list[npt.NDArray[Any]]] = {name: [empty[name]] for name in others}
    length = 0
    for found in _ahead(encode, blocks):
        arrays: Mapping[str, npt.NDArray[Any]] = found.arrays()
        stream.write(np.ascontiguousarray(arrays[first]).data)
        length += len(arrays[first])
        for name in others:
            rest[name].append(arrays[name])
        advance(len(found))
    about = [[first, empty[first].dtype.str, [length, *empty[first].shape[1:]]]]
    for name, parts in rest.items():
        joined = np.ascontiguousarray(np.concatenate(parts), empty[name].dtype)
        stream.write(joined.tobytes())
        about.append([name, joined.dtype.str, list(joined.shape)])
    text = json.dumps({"schema": _SCHEMA, "arrays": about}).encode()
    stream.write(text + len(text).to_bytes(_TAIL, "little"))


def _map(stream: IO[bytes]) -> Arrays:
    data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    size = int.from_bytes(data[-_TAIL:], "little")
    end = len(data) - _TAIL - size
    found, place = {}, 0
    for name, kind, shape in json.loads(data[end : end + size])["arrays"]:
        dtype, count = np.dtype(kind), int(np.prod(shape))
        array = np.frombuffer(data, np.uint8, count * dtype.itemsize, place)
        found[name] = np.require(array.view(dtype).reshape(shape), requirements="A")
        place += count * dtype.itemsize
    return found


def _ahead(encode: Encode[Rows], blocks: Iterable[Sequence[Any]]) -> Iterator[Rows]:
    """Each block encoded, in order; as many are under way as there are cores."""
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        under_way: deque[Future[Rows]] = deque()
        for block in blocks:
            under_way.append(pool.submit(encode, block))
            if len(under_way) > workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
