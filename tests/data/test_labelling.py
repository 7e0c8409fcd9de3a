"""Label cells of several classes and of spans, in the layouts that tools write them in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.data.labelling import UnfitLabelError, nested_remedy, read_label
from lextune.labels import read_spans, write_classes, write_spans

TEXT = "Ada Lovelace lived in London"
CANONICAL = '[[0,12,"PER"],[22,28,"LOC"]]'


def refused(cell, kind="spans", text=TEXT, **options):
    with pytest.raises(UnfitLabelError) as caught:
        read_label(cell, kind, text, **options)
    return caught.value


class TestSpans:
    """Every layout comes to one cell."""

    @pytest.mark.parametrize(
        "value",
        [
            [[0, 12, "PER"], [22, 28, "LOC"]],
            [[22, 28, "LOC"], [0, 12, "PER"], [0, 12, "PER"]],
            [["0", "12", "PER"], ["22", "28", "LOC"]],
            {"entities": [[0, 12, "PER"], [22, 28, "LOC"]]},
            [{"start": 0, "end": 12, "label": "PER"}, {"start": 22, "end": 28, "type": "LOC"}],
            [{"entity_group": "PER", "start": 0, "end": 12, "word": "Ada Lovelace", "score": 0.9},
             {"tag": "LOC", "start": 22, "end": 28}],
            [{"id": 1, "label": "PER", "start_offset": 0, "end_offset": 12},
             {"id": 2, "label": "LOC", "start_offset": 22, "end_offset": 28}],
            [{"start": 0, "end": 12, "text": "Ada Lovelace", "labels": ["PER"]},
             {"value": {"start": 22, "end": 28, "text": "London", "labels": ["LOC"]}}],
            [{"entity_type": "PER", "entity_value": "Ada Lovelace", "start_position": 0, "end_position": 12},
             {"entity_type": "LOC", "entity_value": "London", "start_position": 22, "end_position": 28}],
        ],
    )  # fmt: skip
    def test_usual_layouts_are_read(self, value):
        assert read_label(json.dumps(value), "spans", TEXT) == (CANONICAL, ("LOC", "PER"))

    def test_none_is_no_span(self):
        assert read_label("[]", "spans", TEXT) == ("[]", ())
        assert read_label('{"entities": []}', "spans", TEXT) == ("[]", ())

    def test_types_are_renamed(self):
        renamed = read_label(
            CANONICAL, "spans", TEXT, rename=lambda name: name.replace("PER", "person")
        )
        assert "person" in renamed[1]

    @pytest.mark.parametrize(
        ("cell", "kind", "said"),
        [
            ("PER", "bad_label", "no list of spans"),
            ("[[0, 12]]", "bad_label", "no list of spans"),
            ('[[0, 1.5, "PER"]]', "bad_label", "no list of spans"),
            ('[[true, 12, "PER"]]', "bad_label", "no list of spans"),
            ('[[0, 12, " "]]', "bad_label", "no list of spans"),
            ('[[0, 12, "PER"', "bad_label", "no list of spans"),
            ('[[3, 3, "PER"]]', "bad_span", "empty"),
            ('[[3, 2, "PER"]]', "bad_span", "inside the text"),
            ('[[-1, 2, "PER"]]', "bad_span", "inside the text"),
            ('[[20, 29, "LOC"]]', "bad_span", "inside the text"),
            ('[[0, 12, "PER"], [4, 12, "PER"]]', "overlapping_spans", "overlap"),
            ('[[0, 12, "PER"], [0, 12, "ORG"]]', "overlapping_spans", "overlap"),
            ('[{"start": 0, "end": 11, "label": "PER", "text": "Ada Lovelace"}]', "bad_span", "last sign"),
            ('[{"start": 1, "end": 12, "label": "PER", "text": "Ada Lovelace"}]', "bad_span", "does not hold"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_meant_is_refused(self, cell, kind, said):
        error = refused(cell)
        assert error.kind == kind
        assert said in error.fact
        assert "Ada" not in error.fact + error.remedy

    def test_offsets_in_utf16_units_are_named(self):
        text = "😀 Rome"
        assert "code points" in refused('[[3, 7, "LOC"]]', text=text).remedy
        said = refused('[{"start": 3, "end": 7, "label": "LOC", "text": "Rome"}]', text=text)
        assert "UTF-16" in said.fact
        assert read_label('[[2, 6, "LOC"]]', "spans", text)[1] == ("LOC",)

    @given(st.text(min_size=1, max_size=30), st.data())
    def test_the_canonical_cell_is_a_fixed_point(self, text, data):
        cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
        spans = [
            (start, end, data.draw(st.sampled_from(["A", "B"])))
            for start, end in zip(cuts[::2], cuts[1::2], strict=False)
        ]
        cell = write_spans(spans)
        assert read_label(cell, "spans", text)[0] == cell
        assert [tuple(span) for span in read_spans(cell)] == sorted(spans)


class TestClasses:
    """Arrays, and names with a separator."""

    def test_an_array_is_sorted_and_each_name_kept_once(self):
        assert read_label('["b", "a", "b"]', "classes", "") == ('["a","b"]', ("a", "b"))
        assert read_label("[3, 1]", "classes", "") == ('["1","3"]', ("1", "3"))
        assert read_label("[]", "classes", "") == ("[]", ())

    def test_a_separator_cuts(self):
        assert read_label("b; a", "classes", "", separator=";")[1] == ("a", "b")
        assert read_label("[]", "classes", "", separator=";")[1] == ()

    def test_renaming_joins_classes(self):
        assert read_label('["a","b"]', "classes", "", rename=lambda _: "c")[1] == ("c",)

    @pytest.mark.parametrize(
        ("cell", "separator"),
        [("a", None), ("a,b", None), ('["a", ""]', None), ('["a", ["b"]]', None), ("[1.5]", None), ("a;;b", ";")],
    )  # fmt: skip
    def test_what_cannot_be_meant_is_refused(self, cell, separator):
        assert refused(cell, "classes", separator=separator).kind == "bad_label"

    @given(st.sets(st.text(min_size=1).filter(lambda name: name.strip())))
    def test_the_canonical_cell_is_a_fixed_point(self, names):
        cell = write_classes(names)
        assert read_label(cell, "classes", "") == (cell, tuple(sorted(names)))


@pytest.mark.parametrize(
    ("value", "task"),
    [(["a"], "multi_label_classification"), ([[0, 1, "A"]], "ner"), ({"entities": []}, "ner")],
)
def test_a_nested_label_says_which_task_to_set(value, task):
    assert f"task: {task}" in nested_remedy(value)
