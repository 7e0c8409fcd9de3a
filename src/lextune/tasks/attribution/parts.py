"""Cuts an input of any kind into parts that can be taken away one by one; it knows no model's weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lextune.errors import ModelError, Problem

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Part:
    """A part of an input.

    Attributes:
        name: A word in quotation marks, the name of a feature, or where a patch or a stretch lies.
        place: Where it lies: `start` and `end` in code points or seconds, corners in pixels; empty of a feature.
        value: Of a feature, its cell; None where it is missing.
        usual: Of a feature, what it is compared with.
    """

    name: str
    place: tuple[tuple[str, float], ...] = ()
    value: str | None = None
    usual: str | None = None

    @property
    def said(self) -> str:
        """What it is called in a sentence."""
        if self.place:
            return self.name
        value = "missing" if self.value is None else repr(self.value)
        usual = "a missing value" if self.usual is None else f"the usual {self.usual!r}"
        return f"{self.name} ({value}, compared with {usual})"


class Divided(Protocol):
    """An input in parts."""

    @property
    def parts(self) -> Sequence[Part]:
        """In their order."""
        ...

    @property
    def whole(self) -> Any:
        """The input that `without` takes parts from, with all of them, as a model takes it."""
        ...

    def without(self, gone: Bools) -> Any:
        """The input without some parts, as a model takes it; `gone` has the shape (parts,)."""
        ...


def divided(loaded: Any, given: Any, most: int | None = None) -> Divided:
    """An input in parts: words, patches, stretches of sound, or features.

    Args:
        loaded: A `models.loading.LoadedModel`, whose encoder and settings say how its inputs are cut.
        given: An input as the model's encoder takes it.
        most: More words than that are joined with their neighbours, patches and stretches are as many; None leaves
            words as they are.

    Raises:
        ModelError: Inputs of this kind have no parts that can be taken away.
        UnfitFileError: A file cannot be read.
    """
    kind = loaded.task.input_kind
    if kind == "text":
        from lextune.tasks.attribution.words import Words

        return Words(given, getattr(loaded.encode, "pieces", None), most)
    if kind == "record":
        from lextune.tasks.attribution.cells import Cells, usual_cells

        return Cells(given, usual_cells(loaded.settings))
    if kind == "image":
        from lextune.tasks.attribution.patches import Patches

        return Patches(given, most)
    if kind == "audio":
        from lextune.tasks.attribution.stretches import Stretches

        return Stretches(given, most)
    raise ModelError(
        Problem(
            f"answers to inputs of the kind {kind} are not explained",
            "ask for explanations of a model of texts, records, images or sounds",
        )
    )
