"""What must be brought is named once, with who asks; duties to come are those after the day."""

from __future__ import annotations

import datetime

from lextune.policy.needs import needs, to_come, undecided, waits_for_facts
from lextune.policy.packs import parse_pack
from lextune.policy.schema import Pack
from lextune.policy.verdict import decide

DAY = datetime.date(2026, 11, 25)
TEXT = """
# attested measurements: red_team_success_rate
schema: lextune.pack/v1
id: law
version: "1.0"
titles: {en: Law, zh: 法}
source: made for a test
checked_on: 2026-11-25
facts:
  - id: hiring
    type: bool
    question: {en: "Hiring?", zh: 招聘？}
controls:
"""
CONTROL = """
  - id: %s
    citation: Art 1
    titles: {en: Title, zh: 标题}
    basis: statute
    status: in_force
    %s
    applies: %s
    effect: require
    requires: %s
    severity: block
    remedy: {en: Bring it., zh: 请提交。}
"""


def _pack() -> Pack:
    both = "[{any: [{document: report}, {attestation: review}]}]"
    figure = '[{measurement: red_team_success_rate, bound: interval, operator: "<", value: 0.1, minimum_n: 9}]'
    controls = [
        CONTROL % ("always", "", "always", "[{document: report}]"),
        CONTROL % ("either", "", "always", both),
        CONTROL % ("figure", "", "always", figure),
        CONTROL % ("hiring", "", "{fact: hiring, is: true}", "[{document: for_hiring}]"),
        CONTROL % ("later", "from: 2027-01-01", "always", "[{document: later}]"),
    ]
    return parse_pack((TEXT + "".join(controls)).encode(), "law.yaml")


def test_papers_are_named_once_and_only_for_what_applies() -> None:
    pack = _pack()
    verdict = decide([], {}, [pack], DAY)
    found = {(one.kind, one.name): one for one in needs(verdict, [pack], {})}
    assert set(found) == {
        ("document", "report"), ("attestation", "review"), ("figure", "red_team_success_rate"),
    }  # fmt: skip
    assert found["document", "report"].controls == ("law/always", "law/either")
    assert found["document", "report"].alone
    assert not found["attestation", "review"].alone
    assert undecided([pack], {}) == {("law", "hiring")}
    assert undecided([pack], {"hiring": False}) == set()


def test_duties_to_come_are_those_after_the_day() -> None:
    pack = _pack()
    assert [one.control.id for one in to_come([pack], {}, DAY)] == ["later"]
    assert to_come([pack], {}, datetime.date(2027, 1, 1)) == []


def test_what_only_waits_for_facts_is_known_in_both_languages() -> None:
    pack = _pack()
    for language in ("en", "zh"):
        told = decide([], {}, [pack], DAY, language=language).controls  # type: ignore[arg-type]
        assert [one.control for one in told if waits_for_facts(one.reasons)] == ["hiring"]
