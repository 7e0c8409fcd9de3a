"""What the data report says of people in images: kinds of metadata, faces where they can be looked for, nothing else."""

from __future__ import annotations

import sys

import pytest

from lextune.config import DataConfig, PersonalDataConfig, QualityConfig
from lextune.data.checks import check_path
from lextune.data.images import personal
from lextune.data.images.faces import face_finder
from lextune.data.personal.counting import measure_personal
from lextune.data.prepare import prepare
from lextune.errors import ConfigError
from pictures import PERSONAL, encoded, photo

PLACE = {"gps": {2: (52.0, 30.0, 0.0), 4: (13.0, 20.0, 0.0)}}


@pytest.fixture
def folder(tmp_path):
    """Ten images, four of which say something."""
    tags = [PERSONAL, PLACE, {0x010F: "Acme"}, {0x8298: "(c) Ada"}]
    for number in range(10):
        path = tmp_path / "ab"[number % 2] / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        options = {"exif": tags[number]} if number < len(tags) else {}
        path.write_bytes(encoded(photo(number), "JPEG", **options))
    return tmp_path


def report(folder, **options):
    asked = PersonalDataConfig(**options)
    config = DataConfig(train=(str(folder),), quality=QualityConfig(checks=()), personal_data=asked)
    return check_path(config, inputs="image")


def measured(found):
    return {(one.name, one.group): one for one in measure_personal(found.personal_data)}


def test_kinds_of_metadata_are_counted(folder, monkeypatch):
    monkeypatch.setattr(personal, "face_finder", lambda: None)
    found = report(folder)
    counted = found.personal_data
    assert (counted.rows, counted.found, counted.faces) == (10, 3, None)
    assert counted.types == {
        "camera": 1, "camera_serial": 1, "comment": 1, "copyright": 1, "date_taken": 1, "gps": 2, "owner_name": 1,
    }  # fmt: skip
    told = {one.kind: one for one in found.problems}
    assert told["personal_data"].count == 3
    assert "gps 2" in told["personal_data"].fact
    assert "camera 1" not in told["personal_data"].fact
    assert "faces_not_looked_for" in told
    assert not any(word in found.model_dump_json() for word in ("Ada", "SN-42", "garden"))


def test_what_nobody_looked_at_is_not_measured(folder, monkeypatch):
    """Metadata alone does not say whom a picture shows: a count of 0 would pass a gate."""
    monkeypatch.setattr(personal, "face_finder", lambda: None)
    values = measured(report(folder))
    assert values["image_metadata_rows", None].value == 3
    assert values["image_metadata_rows", None].n == 10
    assert values["image_metadata_rows", "kind=gps"].value == 2
    for name in ("face_rows", "personal_data_rows", "sensitive_personal_data_rows"):
        assert values[name, None].value is None
        assert values[name, None].problem


def test_faces_are_counted_by_a_detector_in_a_sample(folder, monkeypatch):
    seen = []

    def finder(pixels):
        seen.append(pixels.shape)
        return len(seen) % 2 == 0

    monkeypatch.setattr(personal, "face_finder", lambda: finder)
    found = report(folder, rows=4)
    assert seen == [(48, 64, 3)] * 4
    assert (found.personal_data.faces, found.personal_data.faces_looked_at) == (2, 4)
    value = measured(found)["face_rows", None]
    assert (value.value, value.n, value.interval) == (2, 4, None)
    assert {one.kind: one.count for one in found.problems}["faces"] == 2


def test_without_opencv_there_is_no_detector(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert face_finder() is None


@pytest.mark.skipif("cv2" not in sys.modules and not face_finder(), reason="needs OpenCV 4")
def test_opencv_finds_no_face_in_spots():
    import numpy as np

    assert not face_finder()(np.asarray(photo(0, (400, 400))))


def test_data_redact_is_refused_for_images(folder):
    config = DataConfig(train=(str(folder),), redact={"method": "mask"})
    with pytest.raises(ConfigError, match="lextune data redact"):
        check_path(config, inputs="image")


def test_a_run_claims_nothing_of_texts(folder):
    asked = DataConfig(train=(str(folder),), split={"test": 0.3, "validation": 0.3})
    names = {one.name for one in prepare(asked, inputs="image").measurements}
    assert {"image_metadata_rows", "near_duplicate_rows", "duplicate_rows"} <= names
    assert not names & {"empty_text_rows", "median_characters", "median_words"}
