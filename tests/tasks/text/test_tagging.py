"""Tags and spans become each other, and no I stands without its B."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.labels import Span
from lextune.tasks.text.tagging import best_tags, spans_of, tag_names, tags_of

TYPES = ("LOC", "PER")
TAGS = tag_names(TYPES)


@st.composite
def texts(draw: st.DrawFn) -> tuple[npt.NDArray[np.int32], list[Span]]:
    """Pieces of a text with gaps between them, and spans that keep to pieces."""
    gaps = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3)), min_size=1, max_size=9))
    ends = np.cumsum([gap + length for gap, length in gaps])
    pieces = np.array(
        [(end - length, end) for (_, length), end in zip(gaps, ends, strict=True)], np.int32
    )
    spans, at = [], 0
    while at < len(pieces):
        width = draw(st.integers(1, 3))
        if draw(st.booleans()) and at + width <= len(pieces):
            kind = draw(st.sampled_from(TYPES))
            spans.append(Span(int(pieces[at, 0]), int(pieces[at + width - 1, 1]), kind))
        at += width
    return pieces, spans


@given(texts())
def test_spans_that_keep_to_pieces_come_back(
    found: tuple[npt.NDArray[np.int32], list[Span]],
) -> None:
    pieces, spans = found
    tags = tags_of(pieces, spans, TYPES)
    again = spans_of(pieces, tags, np.full(len(tags), 0.5), TYPES)
    assert [Span(*one[:3]) for one in again] == spans
    assert all(one.score == 0.5 for one in again)


def test_a_span_that_breaks_a_piece_takes_it_whole_and_the_first_span_keeps_it() -> None:
    pieces = np.array([[0, 4], [5, 9], [10, 12]], np.int32)
    tags = tags_of(pieces, [Span(1, 6, "PER"), Span(7, 12, "LOC")], TYPES)
    assert [TAGS[tag] for tag in tags] == ["B-PER", "I-PER", "B-LOC"]
    assert tags_of(pieces, [Span(4, 5, "PER")], TYPES).tolist() == [0, 0, 0]  # between pieces


def allowed(tags: tuple[int, ...]) -> bool:
    names = ["O", *(TAGS[tag] for tag in tags)]
    return all(
        not after.startswith("I-") or before[2:] == after[2:] for before, after in pairwise(names)
    )


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=4), st.integers(0, 99))
def test_the_tags_are_the_likeliest_of_all_allowed_ones(lengths: list[int], seed: int) -> None:
    draw = np.random.default_rng(seed)
    ends = np.cumsum(lengths)
    probabilities = draw.dirichlet(np.ones(len(TAGS)), int(ends[-1])).astype(np.float32)
    found = best_tags(probabilities, ends)
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        part = np.log(probabilities[start:end].astype(float))
        score = {
            tags: sum(part[place, tag] for place, tag in enumerate(tags))
            for tags in product(range(len(TAGS)), repeat=int(end - start))
            if allowed(tags)
        }
        mine = tuple(found[start:end].tolist())
        assert allowed(mine)
        assert score[mine] == pytest.approx(max(score.values()), abs=1e-4)


def test_a_text_that_would_begin_inside_an_entity_begins_one() -> None:
    # the likeliest tag by itself is I-PER, which nothing may begin with
    probabilities = np.array([[0.1, 0.0, 0.1, 0.3, 0.5]], np.float32)
    assert TAGS[best_tags(probabilities, np.array([1]))[0]] == "B-PER"
