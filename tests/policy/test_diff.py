"""Each change of a pack is called what it provably is, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.policy.bounds import check_measurement
from lextune.policy.diff import diff, implies
from lextune.policy.packs import Pack
from lextune.policy.readings import Reading
from lextune.policy.schema import MeasurementRequirement
from lextune.records import Interval, Measurement


def bound(**changes: Any) -> dict[str, Any]:
    return {
        "measurement": "accuracy", "bound": "interval", "operator": ">=", "value": 0.8, "minimum_n": 10,
    } | changes  # fmt: skip


def only(found: Any) -> tuple[str, str]:
    (one,) = found
    return one.kind, one.aspect


@pytest.mark.parametrize(
    ("new", "kind"),
    [
        ([bound(value=0.9)], "tightened"),
        ([bound(value=0.7)], "loosened"),
        ([bound(operator=">")], "tightened"),
        ([bound(minimum_n=100)], "tightened"),
        ([bound(minimum_n=100, value=0.7)], "changed"),
        ([bound(bound="favourable_end")], "loosened"),
        ([bound(bound="point")], "changed"),
        ([bound(measurement="macro_f1")], "changed"),
        ([bound(unit="proportion")], "tightened"),
        ([bound(), {"document": "dpia"}], "tightened"),
        ([{"any": [bound(), {"document": "dpia"}]}], "loosened"),
        ([{"all": [bound(), {"document": "dpia"}]}], "tightened"),
        ([{"document": "dpia"}], "changed"),
    ],
)
def test_requirements(
    pack: Callable[..., Pack], control: Callable[..., Any], new: list[Any], kind: str
) -> None:
    old = pack(control(requires=[bound()]))
    assert only(diff(old, pack(control(requires=new)))) == (kind, "requires")


@pytest.mark.parametrize(
    ("changes", "kind", "aspect"),
    [
        ({"applies": {"fact": "gen", "is": True}}, "loosened", "applies"),
        ({"from": "2027-01-01"}, "moved", "from"),
        ({"status": "draft"}, "loosened", "status"),
        ({"status": "unconfirmed"}, "changed", "status"),
        ({"severity": "warn"}, "loosened", "severity"),
        ({"waivable": False}, "tightened", "waivable"),
        ({"citation": "Article 2"}, "changed", "citation"),
        ({"remedy": {"en": "Do that.", "zh": "照做。"}}, "changed", "remedy"),
    ],
)
def test_other_keys(
    pack: Callable[..., Pack], control: Callable[..., Any], changes: Any, kind: str, aspect: str
) -> None:
    assert only(diff(pack(control()), pack(control(**changes)))) == (kind, aspect)
    back = {"loosened": "tightened", "tightened": "loosened"}.get(kind, kind)
    assert only(diff(pack(control(**changes)), pack(control()))) == (back, aspect)


def test_conditions_that_say_the_same_in_other_words_do_not_differ(
    pack: Callable[..., Pack], control: Callable[..., Any]
) -> None:
    one = {"not": {"fact": "role", "is": "provider"}}
    same = {"fact": "role", "is": "deployer"}
    other = {"fact": "uses", "includes": "hiring"}
    assert diff(pack(control(applies=one)), pack(control(applies=same))) == ()
    assert diff(pack(control(applies=one)), pack(control(), scope=same)) == ()
    found = diff(pack(control(applies=one)), pack(control(applies=other)))
    assert only(found) == ("changed", "applies")


def test_an_exemption_loosens_what_it_lifts(
    pack: Callable[..., Pack], control: Callable[..., Any]
) -> None:
    exempt = {
        "id": "small", "citation": "Article 9", "titles": {"en": "Small", "zh": "小型"},
        "when": {"fact": "adm", "is": True}, "keeps": ["d"],
    }  # fmt: skip
    old = pack(control(), control(id="d"))
    (found,) = diff(old, pack(control(), control(id="d"), exemptions=[exempt]))
    assert (found.item, found.kind, found.aspect) == ("c", "loosened", "applies")


def test_what_comes_and_goes(pack: Callable[..., Pack], control: Callable[..., Any]) -> None:
    old, new = pack(control()), pack(control(id="d", effect="prohibit"))
    found = {(one.item, one.kind) for one in diff(old, new)}
    assert found == {("d", "added"), ("c", "removed")}
    stricter = diff(pack(control()), pack(control(effect="prohibit")))
    assert [(one.kind, one.aspect) for one in stricter] == [("tightened", "effect")]
    facts = [{"id": "gen", "type": "bool", "question": {"en": "Otherwise?", "zh": "否则？"}}]
    found = {(one.item, one.kind) for one in diff(pack(control()), pack(control(), facts=facts))}
    assert found == {
        ("fact:gen", "changed"), ("fact:adm", "removed"), ("fact:role", "removed"), ("fact:uses", "removed"),
    }  # fmt: skip
    assert diff(old, old) == ()


BOUNDS = st.builds(
    MeasurementRequirement,
    measurement=st.just("accuracy"),
    bound=st.sampled_from(["interval", "favourable_end", "point"]),
    operator=st.sampled_from([">=", ">", "<=", "<", "=="]),
    value=st.sampled_from([0.2, 0.5, 0.8]),
    minimum_n=st.sampled_from([10, 20]),
)
READINGS = st.builds(
    lambda ends, n: Reading(
        Measurement(
            name="accuracy", value=ends[1], n=n, unit="proportion",
            interval=Interval(low=ends[0], high=ends[2], method="wilson"),
        ), "", (),
    ),
    st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.6, 0.8, 0.9]), min_size=3, max_size=3).map(sorted),
    st.sampled_from([5, 10, 20]),
)  # fmt: skip


@given(BOUNDS, BOUNDS, READINGS)
def test_a_bound_that_implies_another_never_passes_alone(
    one: MeasurementRequirement, other: MeasurementRequirement, reading: Reading
) -> None:
    if implies(one, other) and check_measurement(one, reading).status == "pass":
        assert check_measurement(other, reading).status == "pass"
