"""Knows the licences and digests of some data sets, from catalogue.yaml; it reads no data."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from importlib import resources

from pydantic import Field

from lextune import strict_yaml
from lextune.distributions import normal_source
from lextune.records import NO_LICENCE, UNKNOWN_LICENCE, FileDigest, Licence, Record

_WORDS_FOR_NONE = {"none", "no licence", "no license", "none stated"}
_WORDS_FOR_UNKNOWN = {"", "unknown", "other", "noassertion", "?", "n/a"}


class KnownData(Record):
    """A data set that the catalogue knows.

    Attributes:
        sources: Words of a config that mean it.
        sha256: Of its file, wherever that lies.
        layouts: Folder layouts that mean it.
    """

    id: str
    title: str
    sources: tuple[str, ...] = ()
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    layouts: tuple[str, ...] = ()
    licence: Licence


@functools.cache
def catalogue() -> tuple[KnownData, ...]:
    """All entries of catalogue.yaml."""
    text = resources.files("lextune.data").joinpath("catalogue.yaml").read_bytes()
    return tuple(
        KnownData.model_validate(entry) for entry in strict_yaml.load(text, "catalogue.yaml").data
    )


def pinned_digest(source: str) -> str | None:
    """The SHA-256 that the catalogue pins for a source word."""
    word = normal_source(source)
    return next((entry.sha256 for entry in catalogue() if word in entry.sources), None)


def spdx_word(declared: str | None) -> str:
    """A declared licence with the words for `nobody said` made SPDX's own."""
    word = (declared or "").strip()
    if word.casefold() in _WORDS_FOR_NONE:
        return NO_LICENCE
    return UNKNOWN_LICENCE if word.casefold() in _WORDS_FOR_UNKNOWN else word


def find_licence(
    declared: str | None,
    sources: Iterable[str],
    files: Iterable[FileDigest],
    layouts: Iterable[str] = (),
    declared_in: str = "the config",
) -> Licence:
    """The licence of what was read: the catalogue's where it knows better than the config, which is then noted.

    Args:
        declared: The config's word; None when nothing was declared.
        sources: The config's source words.
        files: What was read.
        layouts: Folder layouts that were met.
        declared_in: Where that word was declared.
    """
    words, digests, met = (
        set(map(normal_source, sources)),
        {file.sha256 for file in files},
        set(layouts),
    )
    known = [
        entry.licence
        for entry in catalogue()
        if words & set(entry.sources) or entry.sha256 in digests or met & set(entry.layouts)
    ]
    said = spdx_word(declared)
    if not known:
        found_in = "nothing was declared" if declared is None else f"declared in {declared_in}"
        return Licence(spdx=said, found_in=found_in)
    licence = next((item for item in known if item.spdx == NO_LICENCE), known[0])
    if declared is None or said == licence.spdx:
        return licence
    note = f"{declared_in} declares {said}, which the catalogue contradicts"
    return licence.model_copy(update={"note": f"{licence.note}; {note}" if licence.note else note})
