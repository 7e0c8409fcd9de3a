"""What one quality check leaves behind: measurements and tables, never a verdict and never a row's text."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from lextune.records import Measurement, Record


class QualityResult(Record):
    """What one check found.

    Attributes:
        check: Its name in the registry.
        status: `not_applicable` where the data or the config give it nothing to look at, `crashed` where it
            broke; neither says that anything is right.
        reason: Why it is not complete.
        parameters: What it went by: thresholds, seeds, digests of lists.
        measurements: By standard name; `group` is `part=NAME` for one part.
        details: Tables for the report; rows by their places, never by their texts.
    """

    check: str
    status: Literal["complete", "not_applicable", "crashed"] = "complete"
    reason: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)
    measurements: tuple[Measurement, ...] = ()
    details: dict[str, Any] = Field(default_factory=dict)
