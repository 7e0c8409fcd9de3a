from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.features import read_features, write_features

cells = st.one_of(st.none(), st.text(min_size=1).filter(lambda one: bool(one.strip())))


@settings(deadline=None)
@given(st.dictionaries(st.text(), cells))
def test_a_row_comes_back_as_it_was_written(row: dict[str, str | None]) -> None:
    text = write_features(row)
    assert read_features(text) == row
    assert write_features(dict(reversed(list(row.items())))) == text


def test_numbers_truth_and_events_of_json_become_texts() -> None:
    text = write_features({"b": 5, "a": True, "c": [{"t": 1}], "d": "  ", "e": 0.5, "f": None})
    assert text == '{"a":"true","b":"5","c":"[{\\"t\\":1}]","d":null,"e":"0.5","f":null}'


@pytest.mark.parametrize("text", ["[]", '{"a": 1}', "x", '"a"'])
def test_anything_else_is_no_row(text: str) -> None:
    with pytest.raises(ValueError, match=r"row|Expecting"):
        read_features(text)
