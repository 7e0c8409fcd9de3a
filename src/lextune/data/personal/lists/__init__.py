"""Lists of words that recognisers look for, one file each: phrases with commas between, lines with # left out; no pattern."""

from __future__ import annotations

import functools
from importlib.resources import files


@functools.cache
def words(name: str) -> tuple[str, ...]:
    """The phrases of one list, in their order."""
    lines = files(__name__).joinpath(f"{name}.txt").read_text(encoding="utf-8").splitlines()
    text = " ".join(line for line in lines if not line.startswith("#"))
    return tuple(one.strip() for one in text.split(",") if one.strip())
