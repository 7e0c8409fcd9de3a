"""Texts, records, images and sounds fall into parts that cover them, and nothing else changes when a part is gone."""

from __future__ import annotations

import io
import itertools
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lextune.audio import AudioInput, read_input
from lextune.features import read_features, write_features
from lextune.images import ImageInput, decode
from lextune.tasks.attribution.cells import Cells, usual_cells
from lextune.tasks.attribution.patches import Patches
from lextune.tasks.attribution.stretches import Stretches
from lextune.tasks.attribution.words import Words
from lextune.tasks.tabular.columns import decide_columns, write_columns


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60), most=st.none() | st.integers(1, 8), data=st.data())
def test_words_cover_a_text_and_leave_the_rest(text: str, most: int | None, data: Any) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    tokens = np.array([*itertools.pairwise(cuts)], np.int64).reshape(-1, 2)
    words = Words(text, lambda _: tokens, most)
    assert words.without(np.zeros(len(words.parts), bool)) == text
    assert not words.without(np.ones(len(words.parts), bool)).strip() or most is not None
    assert most is None or len(words.parts) <= most
    inside = np.zeros(len(text), int)
    for start, end in words.spans:
        inside[start:end] += 1
        assert text[start:end].strip() == text[start:end]
    assert inside.max(initial=0) <= 1
    assert all(text[i].isspace() for i in np.flatnonzero(inside == 0))


def test_words_of_several_scripts() -> None:
    assert [one.name for one in Words("It isn’t 好片, 真的!").parts] == [
        "“It”", "“isn’t”", "“好”", "“片”", "“,”", "“真”", "“的”", "“!”",
    ]  # fmt: skip
    # one token reads two characters: they go together
    tokens = np.array([[0, 0], [0, 2], [2, 3], [0, 0]])
    joined = Words("好片真", lambda _: tokens)
    assert [one.name for one in joined.parts] == ["“好片”", "“真”"]
    assert joined.owners(tokens).tolist() == [0, 1]
    assert joined.without(np.array([True, False])) == "真"


def test_a_token_with_the_space_before_it_is_of_its_own_word() -> None:
    assert Words("ab film").owners(np.array([[0, 2], [2, 7]])).tolist() == [0, 1]


ROWS = [
    {"age": str(20 + i), "since": f"2024-01-{i + 1:02}", "town": "Ulm" if i % 3 else "Köln", "zero": "0" if i < 8 else str(i)}
    for i in range(10)
]  # fmt: skip


def test_a_feature_becomes_what_is_usual_in_the_training_rows() -> None:
    columns = write_columns(decide_columns(map(write_features, ROWS)))
    usual = usual_cells({"columns": columns})
    assert usual == {"age": "24.0", "since": "2024-01-05", "town": "Ulm", "zero": "0.0"}
    row = Cells(write_features({"age": "70", "since": None, "town": "Köln", "zero": "1"}), usual)
    assert [one.name for one in row.parts] == ["age", "since", "town", "zero"]
    assert row.parts[1].said == "since (missing, compared with the usual '2024-01-05')"
    gone = read_features(row.without(np.array([True, False, True, False])))
    assert gone == {"age": "24.0", "since": None, "town": "Ulm", "zero": "1"}
    assert row.without(np.zeros(4, bool)) == row.whole


def test_a_model_of_before_compares_with_a_missing_cell() -> None:
    columns = write_columns(decide_columns(map(write_features, ROWS)))
    old = columns.replace(',"usual":"24.0"', "")
    assert usual_cells({"columns": old})["age"] is None


def picture(width: int, height: int) -> ImageInput:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "PNG")
    return ImageInput("", "", data=sink.getvalue())


@pytest.mark.parametrize(("width", "height"), [(40, 30), (7, 300), (1, 1), (2000, 10)])
def test_patches_tile_an_image(width: int, height: int) -> None:
    patches = Patches(picture(width, height), 12)
    assert 1 <= len(patches.parts) <= 12
    whole = decode(patches.whole.data or b"")
    if max(width, height) <= 1024:
        np.testing.assert_array_equal(whole, decode(picture(width, height).data or b""))
    count = np.zeros((height, width), int)
    for one in patches.parts:
        place = {key: int(value) for key, value in one.place}
        count[place["ymin"] : place["ymax"], place["xmin"] : place["xmax"]] += 1
    assert (count == 1).all()
    gone = np.zeros(len(patches.parts), bool)
    gone[0] = True
    changed = (decode(patches.without(gone).data or b"") != whole).any(-1)
    assert not changed[-1, -1] or len(gone) == 1
    mean = np.rint(whole.reshape(-1, 3).mean(0))
    assert (decode(patches.without(gone).data or b"")[0, 0] == mean).all()


def test_stretches_of_a_sound_fall_silent() -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 16000).astype(np.float32)
    sink = io.BytesIO()
    soundfile.write(sink, samples, 16000, format="WAV", subtype="FLOAT")
    cut = Stretches(AudioInput("", "", start=0.25, stop=0.75, data=sink.getvalue()), 4)
    assert [one.name for one in cut.parts] == [
        "0.25-0.38 s", "0.38-0.50 s", "0.50-0.62 s", "0.62-0.75 s",
    ]  # fmt: skip
    whole = read_input(cut.whole)
    np.testing.assert_array_equal(whole, samples[4000:12000])
    silent = read_input(cut.without(np.array([False, True, False, False])))
    assert not silent[2000:4000].any()
    np.testing.assert_array_equal(
        np.delete(silent, slice(2000, 4000)), np.delete(whole, slice(2000, 4000))
    )
