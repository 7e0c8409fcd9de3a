"""What a screen for unlawful content is; it knows no particular one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from lextune.config import QualityConfig
from lextune.records import Measurement
from lextune.registry import Registry


@dataclass(frozen=True)
class Screening:
    """A screen that is ready.

    Attributes:
        risks: From a text to the risks that it is hit for; none is a pass. Ids of `risks.RISKS`, or words of its own.
        parameters: What it goes by, with digests: it goes into the evidence.
        measurements: What is to be said of the screen itself, as the size of its library.
    """

    risks: Callable[[str], frozenset[str]]
    parameters: dict[str, Any] = field(default_factory=dict)
    measurements: tuple[Measurement, ...] = ()


class Screen(Protocol):
    """Makes a screen from the config; None where the config gives it nothing to look for.

    A classifier is a screen too: a file of its own that registers a function which loads it.
    """

    def __call__(self, config: QualityConfig) -> Screening | None: ...  # noqa: D102


screens: Registry[Screen] = Registry("screen", "lextune.data.quality.screens")
