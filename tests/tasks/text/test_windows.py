"""Windows hold every piece of a text once, wherever it stands, and say where it stands."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny
from lextune.labels import Span
from lextune.tasks.base import Encoded, Files
from lextune.tasks.text.windows import Unit, choose_unit, make_window_encoder

LETTERS = "ab z,.-'“中国東京のไทย９é\u3000\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tiny.write_tiny_bert(tmp_path_factory.mktemp("model") / "bert")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def pieces(encoded: Encoded, text: int) -> list[tuple[int, int]]:
    assert encoded.texts is not None
    assert encoded.spans is not None
    rows = np.flatnonzero(encoded.texts == text)
    spans = encoded.spans[encoded.tokens_of(rows)]
    return [tuple(span) for span in spans[spans[:, 1] > 0].tolist()]


@settings(deadline=None)
@given(
    texts=st.lists(st.text(LETTERS, max_size=60), min_size=1, max_size=4),
    unit=st.sampled_from(["space", "word"]),
    length=st.integers(8, 20),
)
def test_short_windows_answer_for_what_one_long_window_does(
    files: Files, texts: list[str], unit: Unit, length: int
) -> None:
    cut, whole = (make_window_encoder(files, most, unit)(texts) for most in (length, 64))
    assert int(cut.lengths.max()) <= length
    assert cut.text_count == len(texts)
    for number, text in enumerate(texts):
        found = pieces(cut, number)
        assert found == sorted(found)
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(found))
        if (whole.texts == number).sum() == 1:
            assert found == pieces(whole, number)
        assert "".join(text[a:b] for a, b in found) == "".join(text.split())


def test_the_units(files: Files) -> None:
    text = "summer-time, 中国 rain"
    words = make_window_encoder(files, 64, "word")([text])
    assert [text[a:b] for a, b in pieces(words, 0)] == [
        "summer", "-", "time", ",", "中", "国", "rain",
    ]  # fmt: skip
    spaces = make_window_encoder(files, 64, "space")([text])
    assert [text[a:b] for a, b in pieces(spaces, 0)] == ["summer-time,", "中国", "rain"]


def test_no_row_is_empty(files: Files) -> None:
    encoded = make_window_encoder(files, 16, "word")(["", "\u200b", "a"])
    assert int(encoded.lengths.min()) > 0
    assert [pieces(encoded, text) for text in range(3)] == [[], [], [(0, 1)]]
    nothing = make_window_encoder(files, 16, "word")([])
    assert (len(nothing), nothing.text_count) == (0, 0)


def test_the_unit_follows_the_training_spans() -> None:
    joined = ["EU rejects German call .", "Peter Blackburn"]
    assert (
        choose_unit(joined, [[Span(0, 2, "ORG"), Span(11, 17, "MISC")], [Span(0, 15, "PER")]])
        == "space"
    )
    assert choose_unit(["In London, then"], [[Span(3, 9, "LOC")]]) == "word"
    assert choose_unit(["我在北京"], [[Span(2, 4, "LOC")]]) == "word"
    assert choose_unit(["nothing here"], [[]]) == "word"
