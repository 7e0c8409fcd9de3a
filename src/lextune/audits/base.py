"""The contract of an audit: predictions and parameters in, measurements and findings out, no verdict; it knows no bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lextune.records import AuditResult
from lextune.registry import Registry


@dataclass(frozen=True)
class AuditInput:
    """What an audit may look at.

    Attributes:
        labels: True class numbers, shape (rows,).
        scores: Probabilities, shape (rows, classes).
        classes: Names of the columns of `scores`.
        groups: Column to the group of each row, null where the row has none.
        samples: Bootstrap resamples.
        seed: Seed of everything random.
        parameters: The audit's own, fixed before the test part is read.
    """

    labels: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    classes: tuple[str, ...]
    groups: Mapping[str, Sequence[str | None]]
    samples: int = 1000
    seed: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def require_finite(self) -> None:
        """Stop an audit that would count rows without a score.

        Raises:
            ValueError: A score is NaN or infinite; the pipeline records the audit as crashed.
        """
        if not np.isfinite(self.scores).all():
            raise ValueError("a row has no finite score")


class Audit(Protocol):
    """One audit: a function in a file of its own, registered under its id."""

    def __call__(self, given: AuditInput) -> AuditResult: ...  # noqa: D102


audits: Registry[Audit] = Registry("audit", "lextune.audits")
