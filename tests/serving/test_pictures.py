"""Images are answered as files or bytes; one that cannot be read is named by its place, and the others go on."""

from __future__ import annotations

import dataclasses
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tiny_images
from lextune.errors import ConfigError, DataError, ModelError, Problem
from lextune.images import MOST_PIXELS, UnfitImageError, decode
from lextune.models.loading import load_finished
from lextune.release import read_release
from lextune.serving import predictor as module
from lextune.serving.answers import BoxesPrediction, MaskPrediction, Prediction
from lextune.serving.pictures import blank, drawn, image_input, pixels_of
from lextune.serving.predictor import Predictor, load_release
from lextune.tasks.vision.found import FoundMask, ScoredBox


@pytest.fixture(scope="module")
def predictor(picture_run):
    return load_release(picture_run.release, picture_run.trust)


@pytest.fixture(scope="module")
def files(picture_run):
    """Pictures of the test part, a class after the other."""
    return sorted((picture_run.folder / "test").glob("*/*.png"))


class FakeTask:
    """A task on images whose answer is said beforehand."""

    input_kind = "image"
    name = "fake"

    def __init__(self, label_kind, answer):
        self.label_kind, self.answer = label_kind, answer

    def find(self, loaded, inputs, batch_size, advance):
        loaded.encode(inputs)
        return [self.answer(decode(one.data)) for one in inputs]


@pytest.fixture
def answering(picture_run):
    """A predictor whose model answers as a function of the pixels says."""

    def make(label_kind, answer, **settings):
        release = read_release(picture_run.release, picture_run.trust)
        loaded = load_finished(release.files)
        task = FakeTask(label_kind, answer)
        return Predictor(release, dataclasses.replace(loaded, task=task, settings=settings))

    return make


def test_it_says_that_it_reads_images(predictor):
    assert (predictor.input_kind, predictor.label_kind) == ("image", "class")
    assert predictor.classes == ("forest", "sea")


def test_files_and_bytes_are_answered_alike_and_in_order(predictor, files):
    by_path = predictor.predict(files)
    by_bytes = predictor.predict([path.read_bytes() for path in files], batch_size=7)
    by_name = predictor.predict([str(path) for path in files[:1]])
    assert [one.label for one in by_path] == [one.label for one in by_bytes]
    np.testing.assert_allclose(
        [one.score for one in by_path], [one.score for one in by_bytes], atol=1e-5
    )
    assert by_name[0].label == by_path[0].label
    right = [one.label == path.parent.name for one, path in zip(by_path, files, strict=True)]
    assert np.mean(right) > 0.85
    assert predictor.predict([]) == []


def test_scores_are_those_of_the_model(predictor, picture_run, files):
    loaded = load_finished(read_release(picture_run.release, picture_run.trust).files)
    from lextune.images import ImageInput

    encoded = loaded.encode([ImageInput("", "", data=path.read_bytes()) for path in files])
    expected = loaded.scores(encoded, np.arange(len(files)))
    found = np.array([list(one.scores.values()) for one in predictor.predict(files)])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_an_image_is_turned_as_its_exif_says(predictor, files):
    upright = Image.open(files[0])
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    stream = io.BytesIO()
    upright.rotate(90, expand=True).save(stream, "PNG", exif=exif)
    turned, plain = predictor.predict([stream.getvalue(), files[0]])
    assert turned.scores == pytest.approx(plain.scores, abs=1e-5)


def broken(picture_run):
    """A name for each kind of what cannot be read, and the images."""
    good = (picture_run.folder / "test" / "sea" / "001.png").read_bytes()
    return {
        "damaged image": good[:700],
        "not an image": b"secret words",
        "empty image": b"",
        "no such file or directory": "/secret/nowhere.png",
        "it is no file": str(picture_run.folder),
        "no image": "",
    }


def test_what_cannot_be_read_is_named_by_its_place(predictor, picture_run, files):
    wrong = broken(picture_run)
    given = [files[0], *wrong.values(), files[-1]]
    with pytest.raises(DataError) as caught:
        predictor.predict(given)
    told = str(caught.value)
    assert "secret" not in told
    assert [one.fact for one in caught.value.problems[:2]] == [
        "item 1 cannot be read", "item 2 cannot be read",
    ]  # fmt: skip
    found = predictor.predict_each(given)
    assert [one.reason or one.fact for one in found[1:-1]] == list(wrong)
    assert found[0].scores == pytest.approx(predictor.predict(files[:1])[0].scores, abs=1e-5)
    assert isinstance(found[-1], Prediction)


def test_a_stream_answers_the_others(predictor, picture_run, files):
    wrong = broken(picture_run)
    given = [one for pair in zip(files, wrong.values(), strict=False) for one in pair]
    found = list(predictor.predict_stream(given, lambda one: one, chunk=5))
    assert [row for row, _ in found] == given
    assert [isinstance(one, Problem) for _, one in found] == [False, True] * len(wrong)


def test_a_stream_holds_few_images_and_few_bytes(predictor, files, monkeypatch):
    taken = 0

    def rows():
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield files[0]

    stream = predictor.predict_stream(rows(), lambda one: one)
    next(stream)
    assert taken == 32
    assert len(list(stream)) == 99
    taken = 0
    monkeypatch.setattr(module, "_FILE_BYTES", 3 * files[0].stat().st_size)
    stream = predictor.predict_stream(rows(), lambda one: one)
    next(stream)
    assert taken == 3
    assert len(list(stream)) == 99


def test_a_failing_source_comes_after_the_rows_before_it(predictor, files):
    def rows():
        yield from files[:3]
        raise DataError(Problem("the file ends", "copy it again"))

    found = []
    with pytest.raises(DataError, match="the file ends"):
        found.extend(predictor.predict_stream(rows(), lambda one: one))
    assert len(found) == 3


def test_many_threads_get_their_own_answers(predictor, files):
    expected = predictor.predict(files)
    gate = threading.Barrier(4)

    def ask(number):
        gate.wait()
        return predictor.predict(files[number::4])

    with ThreadPoolExecutor(4) as pool:
        for number, found in enumerate(pool.map(ask, range(4))):
            assert [one.label for one in found] == [one.label for one in expected[number::4]]


@pytest.mark.parametrize(
    ("given", "fact"),
    [
        (b"bytes", "the images are one image, not a list"),
        ("name.png", "the images are one image, not a list"),
        (Path("name.png"), "the images are one image, not a list"),
        ([None], "item 0 is no image"),
        ([b"", 3, 4], "items 1, 2 are no image"),
    ],
)
def test_what_is_no_list_of_images_is_refused(predictor, given, fact):
    with pytest.raises(ConfigError, match=fact):
        predictor.predict(given)


def test_a_batch_size_below_one_is_refused(predictor, files):
    with pytest.raises(ConfigError, match="batch_size is 0"):
        predictor.predict(files, 0)


def test_boxes_are_shown_from_the_score_that_training_chose(answering, files):
    boxes = (ScoredBox(1, 2, 3, 4, "forest", 0.3), ScoredBox(1, 2, 3, 4, "sea", 0.6))
    usual, low = (
        answering("boxes", lambda _: boxes, **settings)
        for settings in ({}, {"score_threshold": "0.2500"})
    )
    assert (usual.score_threshold, low.score_threshold) == (0.5, 0.25)
    assert [one.label for one in usual.predict(files[:1])[0].boxes] == ["sea"]
    assert [one.label for one in low.predict(files[:1])[0].boxes] == ["sea", "forest"]


def test_masks_have_the_size_of_the_upright_image(answering, files):
    def found(pixels):
        values = (pixels[..., 2] > 128).astype(np.uint8)
        return FoundMask(values, 0.9, np.full_like(values, 230))

    turned = Image.open(files[0])
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    turned.save(stream, "PNG", exif=exif)
    (answer,) = answering("mask", found).predict([stream.getvalue()])
    assert Image.open(io.BytesIO(answer.mask)).size == turned.size[::-1]


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("boxes", None),
        ("mask", None),
        ("mask", FoundMask(np.zeros((2, 2), np.uint8), float("nan"), np.zeros((2, 2), np.uint8))),
    ],
)
def test_a_number_that_is_not_finite_is_no_answer(answering, files, kind, answer):
    with pytest.raises(ModelError, match="not a finite number"):
        answering(kind, lambda _: answer).predict(files[:1])


def test_a_damaged_image_does_not_stop_a_task_that_finds(answering, files):
    predictor = answering("boxes", lambda _: ())
    found = predictor.predict_each([files[0], files[0].read_bytes()[:700], files[1]])
    assert [isinstance(one, BoxesPrediction) for one in found] == [True, False, True]


def test_links_are_followed_to_files(tmp_path, files):
    (tmp_path / "link.png").symlink_to(files[0])
    assert image_input(tmp_path / "link.png").data == files[0].read_bytes()


def test_pixels_are_counted_without_decoding():
    image = tiny_images.picture("sea", 0, (40, 32))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    assert pixels_of(stream.getvalue()[:60]) == 40 * 32
    with pytest.raises(UnfitImageError) as caught:
        pixels_of(bomb())
    assert caught.value.kind == "image_too_large"
    assert decode(blank()).shape == (64, 64, 3)


def bomb():
    """A PNG of a few bytes whose header says more pixels than are read."""
    stream = io.BytesIO()
    Image.new("1", (1, 1)).save(stream, "PNG")
    side = int((MOST_PIXELS + 1) ** 0.5) + 1
    data = stream.getvalue()
    import struct
    import zlib

    head = b"IHDR" + struct.pack(">II", side, side) + data[24:29]
    return data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_every_kind_of_answer_is_drawn(files, suffix):
    from lextune.serving.answers import boxes_answer, class_answers, mask_answer

    classes = ("forest", "sea")
    values = np.zeros((32, 40), np.uint8)
    answers = [
        *class_answers(classes, [[0.2, 0.8]]),
        boxes_answer([ScoredBox(3, 3, 20, 20, "sea", 0.8)], 0.5),
        mask_answer(FoundMask(values, 0.9, values), classes),
    ]
    assert isinstance(answers[-1], MaskPrediction)
    seen = set()
    for one in answers:
        made = Image.open(io.BytesIO(drawn(files[0].read_bytes(), one, classes, suffix)))
        assert made.format == {".jpg": "JPEG", ".png": "PNG"}[suffix]
        assert made.width == 240
        seen.add(made.tobytes())
    assert len(seen) == 3
