"""Labels go into a cell and come out as they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.labels import classes_in, read_classes, read_spans, write_classes, write_spans

NAMES = st.text(min_size=1, max_size=8)
SPANS = st.builds(
    lambda start, length, kind: (start, start + length, kind),
    st.integers(0, 99), st.integers(1, 9), NAMES,
)  # fmt: skip


@given(st.lists(NAMES))
def test_classes(names: list[str]) -> None:
    cell = write_classes(names)
    assert read_classes(cell) == tuple(sorted(set(names)))
    assert write_classes(reversed(names)) == cell


@given(st.lists(SPANS))
def test_spans(spans: list[tuple[int, int, str]]) -> None:
    cell = write_spans(spans)
    assert list(read_spans(cell)) == sorted(set(spans))
    assert classes_in("spans", cell) == tuple(sorted({kind for _, _, kind in spans}))


def test_written_as_the_format_says() -> None:
    assert write_classes(["b", "乙", "a", "b"]) == '["a","b","乙"]'
    assert write_spans([(4, 6, "LOC"), (0, 2, "PER")]) == '[[0,2,"PER"],[4,6,"LOC"]]'
    assert classes_in("class", "a, b") == ("a, b",)


@pytest.mark.parametrize("cell", ["", "x", "{}", '[["a"]]', "[1]", '[""]', '"a"'])
def test_no_classes(cell: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_classes(cell)


@pytest.mark.parametrize(
    "cell", ["", "{}", '["a"]', '[[0,1]]', '[[1,1,"A"]]', '[[-1,1,"A"]]', '[[0,1,""]]', '[[0,true,"A"]]', '[[0.0,1,"A"]]']
)  # fmt: skip
def test_no_spans(cell: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_spans(cell)
