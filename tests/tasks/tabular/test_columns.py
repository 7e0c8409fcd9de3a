from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.features import write_features
from lextune.tasks.tabular.columns import (
    FIRST,
    MISSING,
    OTHER,
    Column,
    UnfitFeatureError,
    decide_columns,
    read_codes,
    read_columns,
    read_dates,
    read_numbers,
    write_columns,
)


def decided(*cells: object) -> Column:
    (column,) = decide_columns([write_features({"f": cell}) for cell in cells])
    return column


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (("1", "2.5", "-3e2", None), "number"),
        (("0", "0.5", "10"), "number"),
        (("007", "008"), "category"),
        (("7", "007"), "category"),
        (("1", "NA", "?"), "number"),
        (("1", "many"), "category"),
        (("2026-11-29", "2026-01-02"), "date"),
        (("2026-11-29T10:00:00+08:00", None), "date"),
        (("2026-13-40",), "category"),
        ((None, None), "category"),
        ((["view", "cart"], []), "events"),
        (([{"what": "view", "n": 1}],), "events"),
        (("[no list",), "category"),
        (("TRUE", "FALSE"), "category"),
        (("NA", "?"), "category"),
    ],
)
def test_a_column_is_what_all_its_cells_are(cells: tuple[object, ...], kind: str) -> None:
    assert decided(*cells).kind == kind


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e999"])
def test_an_infinite_number_is_refused(cell: str) -> None:
    with pytest.raises(UnfitFeatureError, match="finite"):
        decided("1", "2", cell)


def test_rare_categories_of_many_rows_are_other() -> None:
    column = decided(*["often"] * 998, "once", "twice", "twice")
    assert column.values == ("often",)
    codes = read_codes(column, ["often", "once", None, " ", "new"])
    assert codes.tolist() == [FIRST, OTHER, MISSING, MISSING, OTHER]


def test_truth_is_one_word_however_it_is_written() -> None:
    column = decided("TRUE", "FALSE", "TRUE")
    assert read_codes(column, ["true", "True", "TRUE", "false"]).tolist() == [2, 2, 2, 3]


def test_a_constant_number_still_has_a_quantile() -> None:
    assert decided("5", "5").edges == (5.0, 6.0)


def test_dates_count_days_and_honour_zones() -> None:
    days = read_dates("f", ["1970-01-02", "1970-01-01T12:00:00", "1970-01-01T08:00:00+08:00", None])
    np.testing.assert_array_equal(days, [1, 0.5, 0, np.nan])


def test_a_cell_of_another_kind_is_refused_by_the_name_of_its_feature() -> None:
    with pytest.raises(UnfitFeatureError, match="'age' is no finite number") as error:
        read_numbers("age", ["1", "secret words"])
    assert "secret" not in str(error.value)
    with pytest.raises(UnfitFeatureError, match="'day' is no date"):
        read_dates("day", ["tomorrow"])


def test_rows_must_have_the_same_features() -> None:
    rows = [write_features({"a": 1, "b": 2}), write_features({"a": 1, "c": 2})]
    with pytest.raises(UnfitFeatureError, match=r"lacks the features 'b' and has unknown features 'c'"):  # fmt: skip
        decide_columns(rows)
    with pytest.raises(UnfitFeatureError, match="no features"):
        decide_columns([write_features({})])


cell_texts = st.one_of(st.none(), st.integers(-99, 99).map(str), st.sampled_from(["a", "b", "é"]))


@settings(deadline=None)
@given(st.lists(st.tuples(cell_texts, cell_texts), min_size=1, max_size=30))
def test_columns_come_back_as_they_were_written(cells: list[tuple[str | None, str | None]]) -> None:
    columns = decide_columns([write_features({"x": x, "y": y}) for x, y in cells])
    assert read_columns(write_columns(columns)) == columns
    turned = decide_columns([write_features({"y": y, "x": x}) for x, y in reversed(cells)])
    assert turned == columns


@pytest.mark.parametrize(
    "text",
    ["{}x", "{}", '[{"name": "a"}]', '[{"name":"a","kind":"odd","edges":[],"values":[],"fields":[]}]',
     '[{"name":"a","kind":"number","edges":[NaN],"values":[],"fields":[]}]'],
)  # fmt: skip
def test_damaged_columns_are_refused(text: str) -> None:
    if text == "{}":
        assert read_columns(text) == ()
        return
    with pytest.raises(ValueError, match=r"column|Extra"):
        read_columns(text)
