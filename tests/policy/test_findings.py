"""Several requirements together block wherever one that blocks is not met."""

from __future__ import annotations

from lextune.policy.findings import Finding, together

WARNS = Finding("fail", "the licence is not listed", blocking=False)
MISSING = Finding("insufficient", "accuracy was not measured", ("measure accuracy",))


def test_a_warning_does_not_cover_what_blocks_beside_it() -> None:
    both = together([WARNS, MISSING], one_suffices=False)
    assert (both.status, both.blocking) == ("fail", True)
    assert not together([WARNS, Finding("pass", "")], one_suffices=False).blocking
