"""Says which rows were planted into training and which of the same kind were held back; it plants nothing and attacks nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


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
