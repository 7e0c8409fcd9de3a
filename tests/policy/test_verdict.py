"""The verdict is a pure function, and nothing that is unknown or missing passes."""

from __future__ import annotations

import datetime
import itertools
import math
import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.errors import ExitCode, PackError
from lextune.policy.packs import Pack, load_pack
from lextune.policy.verdict import decide, decide_so_far, exit_code
from lextune.policy.waivers import Waiver, check_waivers
from lextune.records import Statement, Verdict

Data = Callable[..., dict[str, Any]]
Packs = Callable[..., Pack]
Signed = Callable[..., tuple[str, Statement]]
GEN = {"fact": "gen", "is": True}
PROHIBITED = {"id": "p", "effect": "prohibit", "applies": GEN}


def _only(verdict: Verdict) -> Any:
    assert len(verdict.controls) == 1
    return verdict.controls[0]


def _waiver(day: datetime.date, **changes: Any) -> Waiver:
    data = {"pack": "trial", "control": "c", "reason": "accepted", "person": "A. Person"}
    return Waiver.model_validate({**data, "expires": day, **changes})


@pytest.fixture(scope="session")
def good(signed: Signed, measured: Data) -> tuple[str, Statement]:
    return signed("evaluate", measured("accuracy", 0.9, (0.88, 0.92)))


@pytest.fixture(scope="session")
def poor(signed: Signed, measured: Data) -> tuple[str, Statement]:
    return signed("evaluate", measured("accuracy", 0.5, (0.48, 0.52)))


def test_outcomes_and_exit_codes(
    control: Data, pack: Packs, good: Any, poor: Any, day: datetime.date
) -> None:
    law = pack(control())
    for statements, outcome, code in (
        ([good], "pass", ExitCode.DONE),
        ([poor], "fail", ExitCode.REFUSED),
        ([], "insufficient", ExitCode.INSUFFICIENT),
    ):
        verdict = decide(statements, {}, [law], day)
        assert verdict.outcome == outcome
        assert _only(verdict).status == outcome
        assert exit_code(verdict) is code
    assert decide([good], {}, [law], day).packs == {"trial": law.digest}
    assert _only(decide([good], {}, [law], day)).evidence == (good[0],)


def test_a_fail_outweighs_an_insufficient_and_warnings_do_not_block(
    control: Data, pack: Packs, poor: Any, good: Any, day: datetime.date
) -> None:
    missing = control(id="d", requires=[{"document": "d"}])
    assert decide([poor], {}, [pack(control(), missing)], day).outcome == "fail"
    soft = {**missing, "severity": "warn"}
    assert decide([good], {}, [pack(control(), soft)], day).outcome == "pass"
    assert decide([poor], {}, [pack(control(severity="warn"))], day).outcome == "pass"


def test_nothing_decided_is_nothing_passed(control: Data, pack: Packs, day: datetime.date) -> None:
    soft = control(severity="warn")
    idle = control(applies=GEN)
    assert decide([], {}, [], day).outcome == "insufficient"
    assert decide([], {"gen": False}, [pack(idle)], day).outcome == "insufficient"
    assert decide([], {}, [pack(control(status="draft"))], day).outcome == "insufficient"
    assert decide([], {}, [pack(soft)], day).outcome == "insufficient"


def test_an_unknown_fact_asks_its_question(
    control: Data, pack: Packs, good: Any, day: datetime.date
) -> None:
    law = pack(control(applies=GEN))
    for declared in ({}, {"gen": None}, {"gen": "yes"}, {"gen": float("nan")}):
        found = _only(decide([good], declared, [law], day))
        assert found.status == "insufficient"
        assert found.questions == ("gen: Is it so?",)
    assert _only(decide([good], {"gen": True}, [law], day)).status == "pass"
    idle = _only(decide([good], {"gen": False}, [law], day))
    assert idle.status == "not_applicable"
    assert idle.reasons == ("It does not apply: gen is declared false.",)


@pytest.mark.parametrize(("gen", "status"), [(True, "fail"), (None, "insufficient")])
def test_no_waiver_lifts_a_prohibition(
    control: Data, pack: Packs, good: Any, day: datetime.date, gen: Any, status: str
) -> None:
    law = pack(control(**PROHIBITED))
    found = _only(decide([good], {"gen": gen}, [law], day, [_waiver(day, control="p")]))
    assert found.status == status
    assert "No waiver lifts this control" in found.reasons[-1]
    assert _only(decide([], {"gen": False}, [law], day)).status == "not_applicable"


@pytest.mark.parametrize(
    ("status", "said"),
    [("staged", "does not bind yet"), ("draft", "not law"), ("repealed", "repealed"),
     ("rescission_pending", "withdrawal is pending"), ("stayed", "court order stays it")],
)  # fmt: skip
def test_what_is_not_in_force_is_shown_and_not_enforced(
    control: Data, pack: Packs, poor: Any, day: datetime.date, status: str, said: str
) -> None:
    law = pack(control(status=status, **{"from": "2026-01-01"}), control(**PROHIBITED))
    found = decide([poor], {"gen": False}, [law], day).controls[0]
    assert found.status == "not_applicable"
    assert said in found.reasons[0]
    assert "look for a newer version" in found.reasons[0]


def test_an_unconfirmed_control_is_enforced_and_says_so(
    control: Data, pack: Packs, poor: Any, day: datetime.date
) -> None:
    found = _only(decide([poor], {}, [pack(control(status="unconfirmed"))], day))
    assert found.status == "fail"
    assert "unconfirmed" in found.reasons[-1]


@pytest.mark.parametrize(
    ("first", "last", "status"),
    [
        ("2026-11-25", "2026-11-25", "fail"),
        ("2026-11-26", None, "not_applicable"),
        (None, "2026-11-24", "not_applicable"),
        (None, None, "fail"),
    ],
)
def test_first_and_last_day_are_included(
    control: Data, pack: Packs, poor: Any, day: datetime.date, first: Any, last: Any, status: str
) -> None:
    law = pack(control(**{"from": first, "until": last}))
    found = _only(decide([poor], {}, [law], day))
    assert found.status == status
    if status == "not_applicable":
        assert str(first or last) in found.reasons[0]
    moment = datetime.datetime(2026, 11, 25, 23, 59)
    assert _only(decide([poor], {}, [law], moment)).status == status


def test_a_waiver_holds_until_its_last_day(
    control: Data, pack: Packs, good: Any, poor: Any, day: datetime.date
) -> None:
    law = pack(control())
    for statements in ([poor], []):
        held = decide(statements, {}, [law], day, [_waiver(day)])
        assert (_only(held).status, held.outcome) == ("waived", "pass")
        assert "Waiver by A. Person until 2026-11-25: accepted." in _only(held).reasons
    late = _only(decide([poor], {}, [law], day, [_waiver(day - datetime.timedelta(1))]))
    assert late.status == "fail"
    assert late.reasons[-1].startswith("Expired on 2026-11-24")
    assert _only(decide([good], {}, [law], day, [_waiver(day)])).status == "pass"
    other = _waiver(day, control="d")
    assert _only(decide([poor], {}, [law], day, [other])).status == "fail"
    fixed = pack(control(waivable=False))
    assert _only(decide([poor], {}, [fixed], day, [_waiver(day)])).status == "fail"


def test_the_order_of_waivers_and_documents_does_not_matter(
    control: Data, pack: Packs, signed: Signed, day: datetime.date
) -> None:
    law = pack(control(requires=[{"document": "log"}]))
    entries = [{"name": "log", "sha256": sign * 64} for sign in "ab"]
    statements = [signed("document", documents=[entry]) for entry in entries]
    waivers = [_waiver(day, person=person) for person in ("A", "B")]
    for given_statements in (statements, []):
        first = decide(given_statements, {}, [law], day, waivers)
        assert decide(given_statements[::-1], {}, [law], day, waivers[::-1]) == first


def test_waivers_that_cannot_work_are_told(control: Data, pack: Packs, day: datetime.date) -> None:
    law = pack(control(), control(**PROHIBITED))
    waivers = [_waiver(day), _waiver(day, control="cc"), _waiver(day, control="p")]
    facts = [problem.fact for problem in check_waivers(waivers, [law])]
    assert facts == [
        "a waiver names trial/cc, which no pack has",
        "a waiver names trial/p, which no waiver lifts",
    ]
    with pytest.raises(ValueError, match="reason"):
        _waiver(day, reason=" ")


@pytest.mark.parametrize("room", ["document", "attestation"])
def test_documents_and_attestations(
    control: Data, pack: Packs, signed: Signed, day: datetime.date, room: str
) -> None:
    law = pack(control(requires=[{room: "log"}]))
    right = {"name": "log", "sha256": "a" * 64}

    def status(entry: Any, **more: Any) -> str:
        statement = signed(room, **{f"{room}s": entry}, **more)
        found = _only(decide([statement], {}, [law], day))
        assert bool(found.questions) == (found.status == "insufficient")
        return str(found.status)

    assert status([right]) == "pass"
    assert status([{**right, "expires": "2026-11-25"}]) == "pass"
    assert _only(decide([], {}, [law], day)).status == "insufficient"
    for entry in (
        [{**right, "expires": "2026-11-24"}], [{**right, "expires": "soon"}], [{"name": "log"}],
        [{**right, "sha256": "z" * 64}], [{**right, "name": "blog"}], ["log"], "log", None,
    ):  # fmt: skip
        assert status(entry) == "insufficient"
    assert status([right], status="crashed") == "insufficient"
    other = "attestation" if room == "document" else "document"
    wrong = signed(other, **{f"{room}s": [right]})
    assert _only(decide([wrong], {}, [law], day)).status == "insufficient"


def test_a_figure_ends_with_the_attestation_that_brought_it(
    control: Data, pack: Packs, signed: Signed, measured: Data, day: datetime.date
) -> None:
    law = pack(control())

    def brought(last: str | None, value: float = 0.9) -> tuple[str, Statement]:
        entry = {"name": "tried", "sha256": "a" * 64} | ({"expires": last} if last else {})
        figure = measured("accuracy", value, (value - 0.02, value + 0.02))
        return signed("attestation", figure, attestations=[entry])

    def result(*statements: tuple[str, Statement]) -> Any:
        return _only(decide(statements, {}, [law], day))

    assert result(brought(None)).status == result(brought("2026-11-25")).status == "pass"
    over = result(brought("2026-11-24"))
    assert (over.status, over.reasons) == (
        "insufficient", ("The attestation 'tried' expired on 2026-11-24.",),
    )  # fmt: skip
    assert result(brought("soon")).status == "insufficient"
    assert result(brought("2026-11-24"), brought("2027-11-24")).status == "pass"
    # what was found once of the same model still contradicts
    assert result(brought("2026-11-24", 0.5), brought(None)).status == "insufficient"
    unlisted = signed("attestation", measured("accuracy", 0.9, (0.88, 0.92)))
    assert result(unlisted).status == "insufficient"


def test_all_requirements_must_hold(
    control: Data, pack: Packs, good: Any, poor: Any, signed: Signed, day: datetime.date
) -> None:
    need = control()["requires"]
    law = pack(control(requires=[*need, {"document": "log"}]))
    listed = signed("document", documents=[{"name": "log", "sha256": "a" * 64}])
    assert _only(decide([good, listed], {}, [law], day)).status == "pass"
    assert _only(decide([good], {}, [law], day)).status == "insufficient"
    assert _only(decide([poor], {}, [law], day)).status == "fail"
    both = _only(decide([good, listed], {}, [law], day))
    assert both.evidence == tuple(sorted([good[0], listed[0]]))
    assert len(both.reasons) == 2


def test_packs_that_contradict_each_other_are_refused(
    control: Data, pack: Packs, good: Any, day: datetime.date
) -> None:
    law, other = pack(control()), pack(control(), version="2.0")
    assert len(decide([good], {}, [law, law], day).controls) == 1
    with pytest.raises(PackError, match="two different packs call themselves 'trial'"):
        decide([good], {}, [law, other], day)


def test_the_verdict_holds_facts_as_json(
    control: Data, pack: Packs, good: Any, day: datetime.date
) -> None:
    odd = {"b": float("nan"), "a": ("EU",), "c": {"y": day, "x": 1.5}}
    verdict = decide([good], odd, [pack(control())], day)
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict
    assert verdict.facts == {"a": ["EU"], "b": "nan", "c": {"x": 1.5, "y": "2026-11-25"}}


# Properties over random packs, facts and evidence.

conditions = st.recursive(
    st.sampled_from(
        [GEN, {"fact": "adm", "is": True}, {"fact": "role", "is": "provider"}, "always"]
    ),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"all": parts})
        | st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"any": parts})
        | inner.map(lambda part: {"not": part})
    ),
    max_leaves=3,
)
requirements = st.fixed_dictionaries(
    {
        "measurement": st.sampled_from(["m0", "m1"]),
        "bound": st.sampled_from(["interval", "favourable_end", "point"]),
        "operator": st.sampled_from([">=", ">", "<=", "<", "=="]),
        "value": st.sampled_from([-1.0, 0.0, 0.5]),
        "minimum_n": st.sampled_from([1, 50]),
    }
) | st.sampled_from([{"document": "log"}, {"attestation": "log"}])
duties = st.fixed_dictionaries(
    {
        "applies": conditions,
        "requires": st.lists(requirements, min_size=1, max_size=2),
        "severity": st.sampled_from(["block", "warn"]),
        "effect": st.sampled_from(["require", "require", "prohibit"]),
    }
)
answers = st.fixed_dictionaries(
    {},
    optional={
        "gen": st.sampled_from([True, False, None, "yes"]),
        "adm": st.sampled_from([True, False, None]),
        "role": st.sampled_from(["provider", "deployer", None, "x"]),
    },
)
values = st.sampled_from([-1.5, -1.0, 0.0, 0.2, 0.5, 0.9, None, float("nan"), "0.5"])
evidence = st.lists(
    st.tuples(
        st.sampled_from(["m0", "m1"]), values, st.sampled_from([None, 0.0, 0.3]),
        st.sampled_from([0, 20, 80]), st.sampled_from(["complete", "complete", "crashed"]),
    ),
    max_size=3,
)  # fmt: skip


def test_what_crashed_keeps_a_release_back_whatever_the_packs_ask(
    control: Data, pack: Packs, signed: Signed, good: Any, poor: Any, day: datetime.date
) -> None:
    """A pack that asks for nothing of an audit is no reason to release while the audit broke."""
    crashed = signed("audit", status="crashed")
    verdict = decide([good, crashed], {}, [pack(control())], day)
    assert _only(verdict).status == "pass"
    assert verdict.outcome == "insufficient"
    assert decide([poor, crashed], {}, [pack(control())], day).outcome == "fail"
    assert decide([good, signed("audit")], {}, [pack(control())], day).outcome == "pass"


@pytest.fixture(scope="session")
def build(control: Data, pack: Packs) -> Callable[[Any], Pack]:
    def make(random_duties: Any) -> Pack:
        controls = []
        for index, duty in enumerate(random_duties):
            kept = {
                k: v for k, v in duty.items() if duty["effect"] != "prohibit" or k != "requires"
            }
            controls.append(control(id=f"c{index}", **kept))
        return pack(*controls)

    return make


@pytest.fixture(scope="session")
def sign(signed: Signed, measured: Data) -> Callable[[Any], list[Any]]:
    def make(items: Any) -> list[Any]:
        return [
            signed(
                "evaluate",
                measured(
                    name, value,
                    (value - width, value + width)
                    if width is not None and isinstance(value, float) else None,
                    n,
                ),
                status=status,
            )
            for name, value, width, n, status in items
        ]  # fmt: skip

    return make


@settings(max_examples=80, deadline=None)
@given(random_duties=st.lists(duties, min_size=1, max_size=3), facts=answers, items=evidence)
def test_equal_arguments_give_equal_bytes_in_any_order(
    build: Any, sign: Any, day: datetime.date, random_duties: Any, facts: Any, items: Any
) -> None:
    law, statements, house = build(random_duties), sign(items), load_pack("house")
    first = decide(statements, facts, [law, house], day).model_dump_json()
    shuffled = random.Random(0).sample(statements, len(statements))
    turned = dict(reversed(list(facts.items())))
    assert decide(shuffled, turned, [house, law], day).model_dump_json() == first


@settings(max_examples=80, deadline=None)
@given(random_duties=st.lists(duties, min_size=1, max_size=3), facts=answers, items=evidence)
def test_a_control_passes_only_on_usable_evidence(
    build: Any, sign: Any, day: datetime.date, random_duties: Any, facts: Any, items: Any
) -> None:
    """Each pass is checked against the raw evidence, without lextune's own readers."""
    law = build(random_duties)
    verdict = decide(sign(items), facts, [law], day)
    for duty, result in zip(random_duties, verdict.controls, strict=True):
        if result.status != "pass":
            continue
        assert duty["effect"] == "require"
        for need in duty["requires"]:
            assert "measurement" in need
            same = [item for item in items if item[0] == need["measurement"]]
            assert same
            for _, value, width, n, status in same:
                assert status == "complete"
                assert isinstance(value, float)
                assert not math.isnan(value)
                assert n >= need["minimum_n"]
                assert need["bound"] == "point" or width is not None
    blocking = [result for result in verdict.controls if result.severity == "block"]
    if verdict.outcome == "pass":
        assert all(result.status in ("pass", "not_applicable") for result in blocking)


@settings(max_examples=80, deadline=None)
@given(
    random_duties=st.lists(duties, min_size=1, max_size=3), facts=answers, items=evidence,
    extra=evidence,
)  # fmt: skip
def test_more_evidence_never_takes_a_pass_away(
    build: Any,
    sign: Any,
    day: datetime.date,
    random_duties: Any,
    facts: Any,
    items: Any,
    extra: Any,
) -> None:
    """Evidence about something not yet measured; a contradicting second measurement is another matter."""
    law = build(random_duties)
    known = {item[0] for item in items}
    more = [item for item in extra if item[0] not in known]
    before = decide(sign(items), facts, [law], day)
    after = decide(sign([*items, *more]), facts, [law], day)
    for old, new in zip(before.controls, after.controls, strict=True):
        if old.status in ("pass", "fail", "not_applicable"):
            assert new.status == old.status


@settings(max_examples=60, deadline=None)
@given(random_duties=st.lists(duties, min_size=1, max_size=3), facts=answers, items=evidence)
def test_an_answer_may_free_or_bind_but_never_lets_unknown_pass(
    build: Any, sign: Any, day: datetime.date, random_duties: Any, facts: Any, items: Any
) -> None:
    """A control that passes or fails under unknown facts does so under every answer to them."""
    law, statements = build(random_duties), sign(items)
    before = decide(statements, facts, [law], day)
    unknown = [name for name in ("gen", "adm") if not isinstance(facts.get(name), bool)]
    for choice in itertools.product([True, False], repeat=len(unknown)):
        after = decide(statements, {**facts, **dict(zip(unknown, choice, strict=True))}, [law], day)
        for old, new in zip(before.controls, after.controls, strict=True):
            if old.status != "insufficient":
                assert new.status == old.status


def test_deciding_needs_neither_torch_nor_numpy() -> None:
    code = (
        "import sys, datetime\n"
        "from lextune.policy import packs, verdict, facts\n"
        "chosen = packs.list_packs()\n"
        "facts.check_facts({'commercial': True}, chosen)\n"
        "verdict.decide([], {}, chosen, datetime.date(2026, 11, 25))\n"
        "print(sorted({'torch', 'numpy', 'transformers', 'sqlalchemy'} & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _settled(statements: Any, facts: Any, law: Pack, day: datetime.date, *waivers: Waiver) -> Any:
    _, settled = decide_so_far(statements, facts, [law], day, waivers)
    return [result.control for result in settled]


def test_what_no_later_statement_can_mend_is_known_early(
    control: Data, pack: Packs, good: Any, poor: Any, day: datetime.date
) -> None:
    law = pack(control())
    assert _settled([], {}, law, day) == []  # not measured yet: still open
    assert _settled([good], {}, law, day) == []
    assert _settled([poor], {}, law, day) == ["c"]
    assert _settled([poor], {}, pack(control(severity="warn")), day) == []
    assert _settled([poor], {}, law, day, _waiver(day)) == []
    assert _settled([poor], {}, law, day, _waiver(day - datetime.timedelta(1))) == ["c"]


def test_a_fact_that_prohibits_or_that_nobody_declared_is_settled(
    control: Data, pack: Packs, day: datetime.date
) -> None:
    prohibited = pack(control(**PROHIBITED))
    assert _settled([], {"gen": True}, prohibited, day) == ["p"]
    assert _settled([], {"gen": None}, prohibited, day) == ["p"]
    assert _settled([], {"gen": False}, prohibited, day) == []


def test_a_licence_that_was_read_is_settled_and_one_not_read_yet_is_open(
    signed: Signed, day: datetime.date
) -> None:
    law = load_pack("licences")
    for spdx in ("NONE", "NOASSERTION", "Unheard-Of-1.0"):
        licence = {"spdx": spdx, "found_in": "a file"}
        found = _settled([signed("prepare", licence=licence)], {"commercial": True}, law, day)
        assert found == ["data_commercial"]
    assert _settled([], {"commercial": True}, law, day) == []


def test_a_document_that_is_missing_or_expired_may_still_be_brought(
    control: Data, pack: Packs, signed: Signed, day: datetime.date
) -> None:
    law = pack(control(requires=[{"document": "dpia"}]))
    old = signed(
        "document", documents=[{"name": "dpia", "sha256": "0" * 64, "expires": "2020-01-01"}]
    )
    assert _settled([], {}, law, day) == []
    assert _settled([old], {}, law, day) == []


@given(
    found=st.lists(
        st.tuples(
            st.sampled_from(["accuracy", "macro_f1"]),
            st.one_of(st.none(), st.floats(0, 1)),
            st.floats(0, 0.2),
            st.sampled_from([5, 1000]),
            st.sampled_from(["complete", "crashed"]),
        ),
        max_size=5,
    ),
    gen=st.sampled_from([None, True, False]),
)
@settings(deadline=None)
def test_what_is_settled_stays_so_whatever_comes_later(
    control: Data,
    pack: Packs,
    signed: Signed,
    measured: Data,
    day: datetime.date,
    found: list[tuple[str, float | None, float, int, str]],
    gen: bool | None,
) -> None:
    both = [
        {"measurement": name, "bound": "interval", "operator": ">=", "value": 0.5, "minimum_n": 10}
        for name in ("accuracy", "macro_f1")
    ]
    law = pack(control(requires=both), control(**PROHIBITED))
    statements = []
    for index, (name, value, half, n, status) in enumerate(found):
        ends = None if value is None else (max(0.0, value - half), min(1.0, value + half))
        dump = measured(name, value, ends, n)
        statements.append(signed("evaluate", dump, status=status, index=index))
    for count in range(len(statements) + 1):
        early = _settled(statements[:count], {"gen": gen}, law, day)
        for later in range(count, len(statements) + 1):
            verdict = decide(statements[:later], {"gen": gen}, [law], day)
            status = {result.control: result.status for result in verdict.controls}
            assert all(status[name] in ("fail", "insufficient") for name in early)
