from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.errors import InsufficientError, VerificationError
from lextune.evidence.canonical import canonical, load_json


def test_the_example_of_rfc_8785() -> None:
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '€$\u000f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    assert canonical(value).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, 2**53, {1: 2}, {"a": {1, 2}}, "\ud800", {"deep": [-math.inf]}]
)
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(InsufficientError, match="cannot be written as JSON"):
        canonical(value)


@pytest.mark.parametrize(
    ("data", "fact"),
    [
        (b'{"a": 1, "a": 1}', "the key 'a' twice"),
        (b'{"x": {"a": 1, "b": [{"c": 1, "c": 2}]}}', "the key 'c' twice"),
        (b"[NaN]", "NaN"),
        (b"[-Infinity]", "-Infinity"),
        (b"[1e999]", "no double"),
        (b"[9007199254740993]", "no double"),
        (b"[" + b"9" * 5000 + b"]", "no double"),
        (b'["\\ud800"]', "not JSON in UTF-8"),
        (b'"\xff"', "not JSON in UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON in UTF-8"),
        (b"", "not JSON in UTF-8"),
        (b"{} {}", "not JSON in UTF-8"),
        (b"[" * 100_000, "not JSON in UTF-8"),
    ],
)
def test_a_document_that_readers_could_differ_on_is_refused(data: bytes, fact: str) -> None:
    with pytest.raises(VerificationError, match=fact) as caught:
        load_json(data, "the envelope")
    assert caught.value.problems[0].fact.startswith("the envelope ")


_plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(_plain.filter(lambda value: "\\ud" not in ascii(value)))
def test_canonical_bytes_are_a_fixed_point(value: Any) -> None:
    data = canonical(value)
    assert canonical(load_json(data, "it")) == data
    assert load_json(data, "it") == value
