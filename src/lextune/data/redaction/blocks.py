"""Redacts rows block by block, in this process or in several, and gives them back in order; it knows no format."""

from __future__ import annotations

import functools
import itertools
import multiprocessing
from collections import Counter, deque
from collections.abc import Iterator
from typing import NamedTuple

from lextune.data.redaction.redactor import Redactor
from lextune.data.redaction.replacing import Redacted
from lextune.data.redaction.rewriting import Item

_ROWS, _SIGNS = 256, 1 << 20
#: Fewer blocks are done before other processes have started.
_WORTH = 8
_SHORT = 64


class Made(NamedTuple):
    """What became of one row: its texts, and detections by column and type in the columns that stay."""

    texts: tuple[Redacted, ...]
    others: dict[str, Counter[str]]


class _Work(NamedTuple):
    texts: tuple[str, ...]
    others: tuple[tuple[str, str], ...]


class Worker:
    """Redacts blocks of rows."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self._remembered = functools.lru_cache(1 << 12)(self._types)

    def __call__(self, block: list[_Work]) -> list[Made]:
        """Each row of a block."""
        return [self._made(one) for one in block]

    def _made(self, work: _Work) -> Made:
        others: dict[str, Counter[str]] = {}
        for name, text in work.others:
            found = (self._remembered if len(text) <= _SHORT else self._types)(text)
            if found:
                others[name] = Counter(found)
        return Made(tuple(self.redactor.redact(text) for text in work.texts), others)

    def _types(self, text: str) -> tuple[str, ...]:
        return tuple(one.type for one in self.redactor.detect(text))


def redact_items(
    items: Iterator[Item], redactor: Redactor, processes: int
) -> Iterator[tuple[Item, Made]]:
    """Each row with what became of it, in order; a few blocks are in memory at a time."""
    blocks = _blocks(items)
    first = list(itertools.islice(blocks, _WORTH))
    alone = processes < 2 or len(first) < _WORTH
    spread = _alone if alone else functools.partial(_spread, processes=processes)
    for block, made in spread(itertools.chain(first, blocks), redactor):
        yield from zip(block, made, strict=True)


def _alone(
    blocks: Iterator[list[Item]], redactor: Redactor
) -> Iterator[tuple[list[Item], list[Made]]]:
    worker = Worker(redactor)
    for block in blocks:
        yield block, worker(_work(block))


def _spread(
    blocks: Iterator[list[Item]], redactor: Redactor, processes: int
) -> Iterator[tuple[list[Item], list[Made]]]:
    context = multiprocessing.get_context("spawn")  # a fork would copy the threads of pyarrow
    with context.Pool(processes, _start, (redactor,)) as pool:
        waiting = deque(
            (block, pool.apply_async(_run, (_work(block),)))
            for block in itertools.islice(blocks, 2 * processes)
        )
        while waiting:
            block, result = waiting.popleft()
            made = result.get()
            if (following := next(blocks, None)) is not None:
                waiting.append((following, pool.apply_async(_run, (_work(following),))))
            yield block, made


def _work(block: list[Item]) -> list[_Work]:
    return [_Work(one.texts, one.others) for one in block]


def _blocks(items: Iterator[Item]) -> Iterator[list[Item]]:
    block: list[Item] = []
    signs = 0
    for item in items:
        block.append(item)
        signs += sum(map(len, item.texts)) + sum(len(text) for _, text in item.others)
        if len(block) == _ROWS or signs > _SIGNS:
            yield block
            block, signs = [], 0
    if block:
        yield block


_worker: Worker | None = None


def _start(redactor: Redactor) -> None:
    global _worker  # noqa: PLW0603 - a process of the pool serves one redactor
    _worker = Worker(redactor)


def _run(block: list[_Work]) -> list[Made]:
    assert _worker is not None
    return _worker(block)
