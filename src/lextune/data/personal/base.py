"""What a detection of personal data says, and what finds one; it knows no particular pattern."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Detection:
    """One piece of personal data in a text; the text itself is not held.

    Attributes:
        type: What it is, in Presidio's manner (`EMAIL_ADDRESS`, `CN_RESIDENT_ID`).
        start: First code point.
        end: Code point after the last.
        score: How sure the rule is, from 0 to 1; set by hand for each rule, not a probability.
        rule: The rule that fired.
        checksum: Whether a checksum held; None where the type has none.
    """

    type: str
    start: int
    end: int
    score: float
    rule: str
    checksum: bool | None = None
