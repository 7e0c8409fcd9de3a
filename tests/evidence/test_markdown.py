from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.evidence.markdown import GAP, code, number, table, text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, GAP), ("", GAP), ("  ", GAP), ({}, GAP), ([], GAP),
        (True, "yes"), (False, "no"), (0, "0"),
        ("a|b", "a\\|b"), ("a\nb\r\n\tc", "a b c"), ("<b>&", "&lt;b&gt;&amp;"),
        ("[x](javascript:y)", "\\[x\\]\\(javascript:y\\)"), ("# not a title", "\\# not a title"),
        ("中文 ü", "中文 ü"), ("a\u202eb\u200b", "ab"), (["x", "y_z"], "x, y\\_z"),
        ({"a": 1, "b": None}, f"a: 1, b: {GAP}"),
    ],
)  # fmt: skip
def test_user_text_is_shown_and_not_obeyed(value: Any, shown: str) -> None:
    assert text(value) == shown


@given(st.text())
def test_no_text_breaks_out_of_its_cell(value: str) -> None:
    for shown in (text(value), code(value)):
        assert "\n" not in shown
        assert "|" not in shown.replace("\\|", "")
    assert "<" not in text(value)
    assert "`" not in code(value)[1:-1]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, GAP), ("1", GAP), (True, GAP), (0.123456, "0.1235"), (25000, "25,000"),
        (3.0, "3"), (2e-5, "2e-05"), (0, "0"), (-0.5, "-0.5"),
    ],
)  # fmt: skip
def test_numbers_have_four_digits(value: Any, shown: str) -> None:
    assert number(value) == shown


def test_a_table_without_rows_is_a_gap() -> None:
    assert table(["a"], []) == ["not stated.", ""]
    assert table(["a", "b"], [("1", "2")]) == ["| a | b |", "| --- | --- |", "| 1 | 2 |", ""]
