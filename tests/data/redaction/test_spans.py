"""Spans in every layout that labels are read in are moved, and say nothing of what was taken out."""

from __future__ import annotations

import json

import pytest

from lextune.data.labelling import read_label
from lextune.data.redaction.replacing import Edit, Redacted
from lextune.data.redaction.spans import move_cell

OLD = "write to ada@lovelace.org now"
NEW = Redacted("write to [MAIL] now", (Edit(9, 25, "EMAIL_ADDRESS", "[MAIL]"),))
GONE = Redacted("write to  now", (Edit(9, 25, "EMAIL_ADDRESS", ""),))


def span(start, end, kind, **more):
    return {"start": start, "end": end, "label": kind, **more}


LAYOUTS = [
    [[0, 5, "V"], [9, 25, "E"], [26, 29, "T"]],
    [["0", "5", "V"], ["9", "25", "E"], ["26", "29", "T"]],
    [span(0, 5, "V"), span(9, 25, "E"), span(26, 29, "T")],
    [{"start_offset": 0, "end_offset": 5, "label": "V"}, {"start_position": 9, "end_position": 25, "entity_type": "E"},
     {"begin": 26, "end": 29, "tag": "T", "id": 7}],
    {"id": 3, "entities": [span(0, 5, "V"), span(9, 25, "E"), span(26, 29, "T")]},
    [{"value": {"start": a, "end": b, "labels": [kind], "text": OLD[a:b]}, "id": "x"}
     for a, b, kind in ((0, 5, "V"), (9, 25, "E"), (26, 29, "T"))],
    [span(0, 5, "V", word="write"), span(9, 25, "E", word=OLD[9:25]), span(26, 29, "T", word="now")],
]  # fmt: skip


@pytest.mark.parametrize("cell", LAYOUTS)
@pytest.mark.parametrize("form", [lambda cell: cell, json.dumps])
def test_every_layout_is_moved_as_it_is_read(cell, form):
    before, _ = read_label(json.dumps(cell), "spans", OLD)
    assert [OLD[a:b] for a, b, _ in json.loads(before)] == ["write", OLD[9:25], "now"]
    moved, dropped = move_cell(form(cell), OLD, NEW)
    assert type(moved) is type(form(cell))
    text = moved if isinstance(moved, str) else json.dumps(moved)
    assert "lovelace" not in text
    after, _ = read_label(text, "spans", NEW.text)
    assert json.loads(after) == [[0, 5, "V"], [9, 15, "E"], [16, 19, "T"]]
    assert dropped == 0
    moved, dropped = move_cell(form(cell), OLD, GONE)
    assert dropped == 1
    text = moved if isinstance(moved, str) else json.dumps(moved)
    assert json.loads(read_label(text, "spans", GONE.text)[0]) == [[0, 5, "V"], [10, 13, "T"]]


@pytest.mark.parametrize(
    "cell", [None, "", "pos", "[]", [], '["a", "b"]', ["a"], "[1", 5, '"x"', {"a": 1}, "{}", [[0, 5]], [[0, 5, "V"], "x"]]
)  # fmt: skip
def test_what_holds_no_spans_stays(cell):
    assert move_cell(cell, OLD, NEW) is None


@pytest.mark.parametrize("place", [(0, 99), (5, 5), (7, 3), (-1, 4)])
def test_spans_that_are_none_are_an_error(place):
    with pytest.raises(ValueError, match="outside its text"):
        move_cell([[*place, "X"]], OLD, NEW)
