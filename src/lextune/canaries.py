"""Makes up texts that nobody wrote, and says which rows were planted into training and which held back; it attacks nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

#: Words of a made-up text: enough that no two are alike, few enough that every model reads all of them.
WORDS = 16
#: A sign of Chinese, Japanese or Korean, or a run of other letters.
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
)
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True)
class Canaries:
    """Rows of which each was put into training where its coin fell so, and left out of all parts where not.

    Attributes:
        inputs: What the model would take, one each.
        labels: Their label cells.
        inserted: Whether each is in the training part.
        copies: How often each one that is in stands there.
    """

    inputs: tuple[Any, ...]
    labels: tuple[str, ...]
    inserted: tuple[bool, ...]
    copies: int = 1


def coins(count: int, seed: int) -> tuple[bool, ...]:
    """As many tosses of a fair coin."""
    draw = _numbers(f"{seed}/coins")
    return tuple(next(draw) < 0.5 for _ in range(count))


def drawn(names: Sequence[str], count: int, seed: int) -> tuple[str, ...]:
    """As many names, each of them equally likely at each draw."""
    draw = _numbers(f"{seed}/labels")
    return tuple(_one(names, draw) for _ in range(count))


def vocabulary(texts: Iterable[str]) -> list[str]:
    """The words of some texts, sorted, each once; of Chinese the signs."""
    return sorted({word for text in texts for word in _WORD.findall(text)})


def made_up(words: Sequence[str], count: int, seed: int) -> tuple[str, ...]:
    """Texts of `WORDS` words drawn from all alike, no two of them equal.

    Args:
        words: As `vocabulary` gives them.
        count: How many texts.
        seed: Of the draw.

    Raises:
        ValueError: The words are too few for so many different texts.
    """
    draw = _numbers(f"{seed}/texts")
    found: dict[str, None] = {}
    for _ in range(10 * count):
        if len(found) == count:
            break
        found.setdefault(_joined([_one(words, draw) for _ in range(WORDS)]) if words else "")
    if len(found) < count or "" in found:
        raise ValueError(f"{len(words)} words are too few to make up {count} texts")
    return tuple(found)


def _numbers(salt: str) -> Iterator[float]:
    """Numbers between 0 and 1, 1 left out, which no version of a library changes."""
    count = 0
    while True:
        digest = hashlib.sha256(f"{salt}/{count}".encode()).digest()
        yield int.from_bytes(digest[:6]) / 2**48
        count += 1


def _one(names: Sequence[str], draw: Iterator[float]) -> str:
    return names[int(next(draw) * len(names))]


def _joined(words: Sequence[str]) -> str:
    """A space between words, except between signs of a script without spaces."""
    text = words[0]
    for word in words[1:]:
        text += word if _WIDE.match(text[-1]) and _WIDE.match(word[0]) else f" {word}"
    return text
