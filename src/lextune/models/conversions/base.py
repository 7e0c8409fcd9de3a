"""What a converter is: it turns the bytes of a foreign format into the files of a transformers folder; it reads no disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lextune.registry import Registry


@dataclass(frozen=True)
class Converter:
    """How one format is read.

    Attributes:
        version: Raised whenever `convert` would give other bytes; part of the cached result's name.
        convert: The foreign files to `config.json`, `model.safetensors` and what else transformers reads. The
            same input gives the same bytes on every machine. It raises ModelError for whatever is not exactly
            the format that it knows.
    """

    version: int
    convert: Callable[[Mapping[str, bytes]], dict[str, bytes]]


converters: Registry[Converter] = Registry("converter", "lextune.models.conversions")
