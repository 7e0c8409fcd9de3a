"""Keeps tokenised rows in files that are mapped into memory, so that a million rows need none; it knows no task and no model.

A file holds the token ids of all rows (where tokens answer for pieces of a text, each id is followed by the
piece's start and end), then the length of each row, then where a text may be several rows the number of each
row's text (all int32, little endian), then a JSON object that describes them, the object's length (uint64) and
the SHA-256 of all before.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from lextune.files import disk_problems, open_atomic, remove_unfinished
from lextune.tasks.base import Encoded

if TYPE_CHECKING:
    import numpy as np

Encode = Callable[[Sequence[str]], Encoded]
Advance = Callable[[int], None]
#: The folder of tokenised rows in a run's folder. They can be read back into texts, so it goes with the run's end.
TOKENS_FOLDER = "tokens"
_SCHEMA = "lextune.tokens/v2"
#: Bytes of the object's length and of the digest.
_LENGTH, _DIGEST = 8, 32
_CHUNK = 1 << 24


def unnamed_tokens(
    encode: Encode, blocks: Iterable[Sequence[str]], advance: Advance, folder: Path | None = None
) -> Encoded:
    """Tokenise blocks of texts into a file without a name, which is gone when nothing refers to its rows.

    Args:
        encode: As `Task.encoder` makes it.
        blocks: The texts, in order.
        advance: Told of the rows of each block.
        folder: On whose disk the file lies; None is the system's folder of temporary files.
    """
    place = folder or Path(tempfile.gettempdir())
    with disk_problems(place), tempfile.TemporaryFile(dir=place) as stream:
        _write(stream, encode, blocks, advance)
        stream.flush()
        return _map(stream)


def kept_tokens(
    path: Path, encode: Encode, blocks: Iterable[Sequence[str]], advance: Advance
) -> Encoded:
    """The rows that `path` holds whole, or those of the blocks, which are then kept there.

    Args:
        path: Its name must say all that decides the tokens, for nothing else is compared.
        encode: As `Task.encoder` makes it.
        blocks: The texts, in order; not asked for where the file is whole.
        advance: Told of the texts of each block.
    """
    with disk_problems(path):
        path.parent.mkdir(mode=0o700, exist_ok=True)
    remove_unfinished(path.parent)
    if not _is_whole(path):
        with open_atomic(path, mode=0o600) as stream, disk_problems(path):
            _write(stream, encode, blocks, advance)
    with disk_problems(path), open(path, "rb") as stream:
        return _map(stream)


def _write(
    stream: IO[bytes], encode: Encode, blocks: Iterable[Sequence[str]], advance: Advance
) -> None:
    import numpy as np

    state = hashlib.sha256()

    def put(data: bytes | memoryview) -> None:
        state.update(data)
        stream.write(data)

    last, tokens, truncated, count = encode([]), 0, 0, 0
    with_spans, with_texts = last.spans is not None, last.texts is not None
    lengths: list[np.ndarray[Any, np.dtype[np.int32]]] = []
    texts: list[np.ndarray[Any, np.dtype[np.int32]]] = []
    for last in _ahead(encode, blocks):
        ids = last.ids
        if last.spans is not None:
            ids = np.column_stack([ids, last.spans])
        put(np.ascontiguousarray(ids, "<i4").data.cast("B"))
        lengths.append(last.lengths.astype("<i4"))
        if last.texts is not None:
            texts.append((last.texts + count).astype("<i4"))
        tokens += len(last.ids)
        truncated += last.truncated
        count += last.text_count
        advance(last.text_count)
    rows = np.concatenate(lengths) if lengths else np.zeros(0, "<i4")
    put(rows.tobytes())
    put(b"".join(one.tobytes() for one in texts))
    about = {
        "schema": _SCHEMA, "tokens": tokens, "rows": len(rows), "pad_id": last.pad_id,
        "truncated": truncated, "limit": last.limit, "pad_left": last.pad_left,
        "spans": with_spans, "texts": with_texts,
    }  # fmt: skip
    text = json.dumps(about).encode()
    put(text + len(text).to_bytes(_LENGTH, "little"))
    stream.write(state.digest())


def _ahead(encode: Encode, blocks: Iterable[Sequence[str]]) -> Iterator[Encoded]:
    """Each block encoded, in order; two are under way, so that no core waits for arrays to be made or written."""
    with ThreadPoolExecutor(2) as pool:
        under_way: deque[Future[Encoded]] = deque()
        for block in blocks:
            under_way.append(pool.submit(encode, block))
            if len(under_way) > 2:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


def _is_whole(path: Path) -> bool:
    """Whether a file is there, is as it was written, and was written by this version."""
    if not path.is_file():
        return False
    with disk_problems(path), open(path, "rb") as stream:
        left = stream.seek(0, 2) - _DIGEST
        stream.seek(0)
        state = hashlib.sha256()
        while left > 0:
            data = stream.read(min(left, _CHUNK))
            state.update(data)
            left -= len(data) or left
        if state.digest() != stream.read():
            return False
        stream.seek(-_DIGEST - _LENGTH, 2)
        size = int.from_bytes(stream.read(_LENGTH), "little")
        stream.seek(-_DIGEST - _LENGTH - size, 2)
        return bool(json.loads(stream.read(size))["schema"] == _SCHEMA)


def _map(stream: IO[bytes]) -> Encoded:
    import numpy as np

    data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    end = len(data) - _DIGEST - _LENGTH
    start = end - int.from_bytes(data[end : end + _LENGTH], "little")
    about = json.loads(data[start:end])
    width = 3 if about["spans"] else 1
    table = np.frombuffer(data, "<i4", about["tokens"] * width).reshape(-1, width)
    lengths = np.frombuffer(data, "<i4", about["rows"], table.nbytes)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    texts = None
    if about["texts"]:
        numbers = np.frombuffer(data, "<i4", about["rows"], table.nbytes + lengths.nbytes)
        texts = numbers.astype(np.int64)
    return Encoded(
        table[:, 0], offsets, about["pad_id"], about["truncated"], about["limit"],
        about["pad_left"], texts, table[:, 1:] if about["spans"] else None,
    )  # fmt: skip
