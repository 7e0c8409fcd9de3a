"""The search over answers agrees with trying every answer, and gives up where it would not end."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.policy import conditions
from lextune.policy.applicability import evaluate
from lextune.policy.conditions import Node, can_hold, covers, formula
from lextune.policy.schema import AllOf, AnyOf, Condition, Fact, FactIncludes, FactIs, Not, Text

QUESTION = Text(en="Is it so?", zh="是这样吗？")
FACTS = {
    "a": Fact(id="a", type="bool", question=QUESTION),
    "b": Fact(id="b", type="bool", question=QUESTION),
    "role": Fact(id="role", type="choice", choices=("x", "y", "z"), question=QUESTION),
    "uses": Fact(id="uses", type="list", choices=("p", "q"), question=QUESTION),
}
EVERY_ANSWER: list[dict[str, Any]] = [
    {"a": a, "b": b, "role": role, "uses": uses}
    for a, b, role, uses in itertools.product(
        (True, False), (True, False), ("x", "y", "z"), ([], ["p"], ["q"], ["p", "q"])
    )
]
LEAVES = st.one_of(
    st.builds(lambda f, v: FactIs(**{"fact": f, "is": v}), st.sampled_from("ab"), st.booleans()),
    st.builds(lambda v: FactIs(**{"fact": "role", "is": v}), st.sampled_from("xyz")),
    st.builds(lambda v: FactIncludes(fact="uses", includes=v), st.sampled_from("pq")),
    st.just("always"),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda parts: AllOf(all=parts), st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: AnyOf(any=parts), st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda one: Not(**{"not": one}), inner),
    ),
    max_leaves=8,
)


def holds(condition: Condition, answers: dict[str, Any]) -> bool:
    return evaluate(condition, FACTS, answers).value is True


@settings(max_examples=150, deadline=None)
@given(CONDITIONS, CONDITIONS)
def test_what_can_hold_and_what_covers_what_is_as_every_answer_says(
    one: Condition, other: Condition
) -> None:
    assert can_hold(formula(one), FACTS) is any(holds(one, each) for each in EVERY_ANSWER)
    assert covers(formula(one), formula(other), FACTS) is all(
        holds(one, each) for each in EVERY_ANSWER if holds(other, each)
    )


def test_a_search_that_grows_too_large_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions, "_MOST", 2)
    both = AllOf(all=(FactIs(**{"fact": "a", "is": True}), FactIs(**{"fact": "b", "is": True})))
    wanted = Node("all", (formula(both), Node("not", (formula(both),))))
    assert can_hold(wanted, FACTS) is None
    assert covers(formula(both), formula(both), FACTS) is None
