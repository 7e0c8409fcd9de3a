"""Given names and surnames of the United States' 1990 census out of the package `names`, read when first asked for.

https://github.com/treyhunner/names, MIT; the census files are in the public domain. Names that are as a rule other words
are left out of the given names.
"""

from __future__ import annotations

import functools
from importlib.resources import files

from lextune.data.personal.lists import words


@functools.cache
def given_names() -> frozenset[str]:
    """In small letters, some 5,000."""
    found = _read("dist.male.first") | _read("dist.female.first")
    return frozenset(one for one in found if len(one) > 2) - set(words("not_given_names"))


@functools.cache
def surnames() -> frozenset[str]:
    """In small letters, the 30,000 most frequent."""
    return _read("dist.all.last", 30_000)


@functools.cache
def common_surnames() -> frozenset[str]:
    """In small letters, the 1,500 most frequent."""
    return _read("dist.all.last", 1_500)


def _read(name: str, most: int | None = None) -> frozenset[str]:
    text = files("names").joinpath(name).read_text(encoding="ascii")
    return frozenset(line.split(None, 1)[0].lower() for line in text.splitlines()[:most])
