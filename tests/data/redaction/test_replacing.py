"""Replacing: what is found goes, everything else stays where a reader of the offsets looks for it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.data.personal.base import Detection
from lextune.data.redaction.methods import METHODS, Replacing
from lextune.data.redaction.redactor import Redactor
from lextune.data.redaction.replacing import redact, redact_fully
from lextune.data.redaction.secret import Secret
from lextune.labels import Span
from small_detector import SmallDetector

SECRET = Secret(b"a secret of tests alone")
VALUES = st.sampled_from(
    ["ada@lovelace.co.uk", "13800138000", "+86 138-0013-8001", "078-05-1120", "11010519491231002X"]
)
WORDS = st.text("ab 1,，张", max_size=6)
TEXTS = st.lists(
    st.one_of(WORDS, VALUES, st.just("姓名：张三丰"), st.just("Mr Babbage")), max_size=6
)


def redactor(method):
    return Redactor(
        SmallDetector, Replacing(method, SECRET if method in ("hash", "pseudonym") else None)
    )


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None)
@given(pieces=TEXTS)
def test_none_of_the_values_is_left(method, pieces):
    text = " ".join(pieces)
    made = redactor(method).redact(text)
    values = {text[one.start : one.end] for one in SmallDetector().detect(text)}
    left = {made.text[one.start : one.end] for one in SmallDetector().detect(made.text)}
    assert not values & left
    if method != "pseudonym":
        assert not left


@pytest.mark.parametrize("method", ["remove", "mask", "hash"])
@settings(deadline=None)
@given(pieces=TEXTS)
def test_twice_is_once(method, pieces):
    once = redactor(method).redact(" ".join(pieces)).text
    assert redactor(method).redact(once).text == once


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None)
@given(pieces=TEXTS, places=st.tuples(st.integers(0, 40), st.integers(1, 12)))
def test_spans_stay_on_their_characters_or_cover_the_replacement(method, pieces, places):
    text = " ".join(pieces)
    start, end = places[0], min(places[0] + places[1], len(text))
    if start >= end:
        return
    made = redactor(method).redact(text)
    met = [one for one in made.edits if one.start < end and start < one.end]
    moved = made.moved(start, end)
    if not met:
        assert moved is not None
        assert made.text[slice(*moved)] == text[start:end]
        assert made.origin(*moved) == (start, end)
        return
    first, last = met[0], met[-1]
    expected = (
        text[start : max(first.start, start)]
        + "".join(
            edit.replacement + text[edit.end : after.start]
            for edit, after in itertools.pairwise(met)
        )
        + last.replacement
        + text[last.end : max(end, last.end)]
    )
    assert (made.text[slice(*moved)] if moved else "") == expected


@settings(deadline=None)
@given(pieces=TEXTS, method=st.sampled_from(METHODS))
def test_the_map_of_offsets_never_turns_back(pieces, method):
    text = " ".join(pieces)
    made = redactor(method).redact(text)
    length = len(text) + sum(len(e.replacement) - (e.end - e.start) for e in made.edits)
    assert len(made.text) == length
    moved = [made.moved(at, at + 1) for at in range(len(text))]
    known = [one for one in moved if one is not None]
    assert known == sorted(known)
    assert all(0 <= start < end <= length for start, end in known)


def test_what_stands_beside_a_removed_piece_may_make_a_new_one():
    detector, text = SmallDetector("PHONE_NUMBER"), "1380013<x>8000"
    first = [Detection("TAG", 7, 10, 1.0, "tag")]
    assert redact(text, first, lambda *_: "").text == "13800138000"
    made = redact_fully(text, first, lambda *_: "", detector)
    assert made.text == ""
    assert [one[:3] for one in made.edits] == [(0, len(text), "PHONE_NUMBER")]


def test_a_span_of_which_nothing_is_left_is_gone():
    made = redactor("remove").redact("Mr Babbage wrote to ada@lovelace.org today")
    spans = (Span(3, 10, "PER"), Span(11, 16, "O"), Span(20, 36, "EMAIL"), Span(37, 42, "DATE"))
    assert [(made.text[a:b], kind) for a, b, kind in made.move_spans(spans)] == [
        ("wrote", "O"), ("today", "DATE"),
    ]  # fmt: skip


def test_overlapping_detections_are_one():
    found = [Detection("A", 0, 4, 1, "a"), Detection("B", 2, 9, 1, "b")]
    made = redact("0123456789", found, lambda kind, value: f"<{kind}{len(value)}>")
    assert made.text == "<B9>9"
