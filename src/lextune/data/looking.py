"""Looks at the file of each row as it is read, several at a time; it knows no format, and nothing of images or sounds."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from lextune.data.audio.looking import look_at_sound
from lextune.data.formats import RawRow, ReadContext
from lextune.data.images.looking import look_at_image
from lextune.extras import need

#: So many files are looked at ahead of the row that is waited for.
_AHEAD = 64
#: By what a row is: the extra and the module that open its file, and what looks at it.
_LOOKS: Mapping[str, tuple[str, str, Callable[[Mapping[str, str | None], str], Any]]] = {
    "image": ("vision", "PIL.Image", look_at_image),
    "audio": ("audio", "soundfile", look_at_sound),
}


def look_at(rows: Iterator[RawRow], context: ReadContext) -> Iterator[tuple[RawRow, Any]]:
    """Each row with what is seen in its file, or why nothing is, in the rows' order; None where rows are in no files.

    Raises:
        MissingExtraError: What opens the files is not installed.
    """
    kind = context.options.input_kind
    if kind not in _LOOKS:
        yield from ((row, None) for row in rows)
        return
    extra, module, look = _LOOKS[kind]
    need(extra, module)
    column = context.options.text
    waiting: deque[tuple[RawRow, Future[Any]]] = deque()
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        try:
            for row in rows:
                waiting.append((row, pool.submit(look, row.values, column)))
                if len(waiting) > _AHEAD:
                    before, seen = waiting.popleft()
                    yield before, seen.result()
            for before, seen in waiting:
                yield before, seen.result()
        finally:
            for _, seen in waiting:
                seen.cancel()
