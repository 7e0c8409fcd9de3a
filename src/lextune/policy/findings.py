"""What one requirement came to, and how several come to one; it knows no requirement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from lextune.policy.wording import ended, joined

FindingStatus = Literal["pass", "fail", "insufficient"]


@dataclass(frozen=True)
class Finding:
    """One requirement, decided.

    Attributes:
        reason: A sentence with the figure or the fact that decided.
        questions: What to bring where it is insufficient.
        evidence: SHA-256 of the statements read.
        blocking: False where the pack says that this finding only warns, whatever the control's severity.
    """

    status: FindingStatus
    reason: str
    questions: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    blocking: bool = True


def together(findings: Sequence[Finding], *, one_suffices: bool) -> Finding:
    """Several findings as one: all of them must pass, or one of them suffices."""
    status = (best if one_suffices else worst)(one.status for one in findings)
    deciding = [one for one in findings if one.status == status]
    against = deciding if one_suffices else [one for one in findings if one.status != "pass"]
    asked = dict.fromkeys(question for one in deciding for question in one.questions)
    return Finding(
        status,
        ended(joined([one.reason.rstrip(".。") for one in deciding if one.reason])),
        tuple(asked) if status == "insufficient" else (),
        tuple(sorted({digest for one in deciding for digest in one.evidence})),
        status == "pass" or any(one.blocking for one in against),
    )


def worst(statuses: Iterable[FindingStatus]) -> FindingStatus:
    """All must hold: one fail fails; else one insufficient is insufficient; nothing at all is too."""
    found = set(statuses)
    if "fail" in found:
        return "fail"
    return "pass" if found == {"pass"} else "insufficient"


def best(statuses: Iterable[FindingStatus]) -> FindingStatus:
    """One suffices: one pass passes; else one insufficient leaves it open."""
    found = set(statuses)
    if "pass" in found:
        return "pass"
    return "fail" if found == {"fail"} else "insufficient"
