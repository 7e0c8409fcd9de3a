"""Folders of images written again: the same names and pixels, no metadata, and no output that is not whole."""

from __future__ import annotations

import json

import pytest

from lextune.cli import main
from lextune.data.images.probe import probe
from lextune.data.redaction.files import describe
from lextune.data.redaction.images import redact_images
from lextune.errors import DataError
from lextune.images import decode
from pictures import PERSONAL, encoded, photo


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "in"
    for name, kind, options in [
        ("a/plain.png", "PNG", {}), ("a/ada.JPG", "JPEG", {"exif": PERSONAL}),
        ("b/deep/turned.jpg", "JPEG", {"exif": {**PERSONAL, 0x112: 8}}), ("b/said.webp", "WEBP", {"exif": PERSONAL}),
    ]:  # fmt: skip
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(photo(), kind, **options))
    return root


def test_every_image_is_written_without_metadata(folder, tmp_path):
    (folder / "a" / "labels.csv").write_text("file,label\n")
    made = redact_images(folder, tmp_path / "out")
    names = {path.relative_to(folder) for path in folder.rglob("*.*") if path.suffix != ".csv"}
    assert {path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.*")} == names
    for name in names:
        old, new = (folder / name).read_bytes(), (tmp_path / "out" / name).read_bytes()
        assert probe(new).metadata == ()
        assert decode(new).shape == decode(old).shape
    document = describe(made)
    assert (document["rows"], document["changed_rows"]) == (4, 3)
    assert document["detections"] == dict.fromkeys(
        ("camera_serial", "comment", "date_taken", "gps", "owner_name"), 3
    )
    told = {one["kind"]: one for one in document["problems"]}
    assert set(told) == {"ignored_file", "encoded_again"}
    assert told["encoded_again"]["rows"] == [f"{folder}/b/deep/turned.jpg"]
    assert told["ignored_file"]["rows"] == [f"{folder}/a/labels.csv"]
    assert len(document["output"]) == 4


def test_one_image_is_written_alone(folder, tmp_path):
    output = tmp_path / "new.JPG"
    redact_images(folder / "a" / "ada.JPG", output)
    assert probe(output.read_bytes()).metadata == ()
    with pytest.raises(DataError, match="does not end in"):
        redact_images(folder / "a" / "ada.JPG", tmp_path / "new.png")
    before = output.read_bytes()
    with pytest.raises(DataError, match="source itself"):
        redact_images(output, output)
    assert output.read_bytes() == before


def test_nothing_is_written_where_one_cannot_be_read(folder, tmp_path):
    (folder / "a" / "cut.jpg").write_bytes(encoded(photo(), "JPEG")[:300])
    (folder / "b" / "empty.png").write_bytes(b"")
    with pytest.raises(DataError) as error:
        redact_images(folder, tmp_path / "out")
    assert {one.where for one in error.value.problems} == {f"{folder}/a/cut.jpg", f"{folder}/b/empty.png"}  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_an_output_that_is_there_is_left_alone(folder, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match="is there already"):
        redact_images(folder, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_the_command_line_knows_images_by_themselves(folder, tmp_path, capsys):
    assert main(["data", "redact", str(folder), "-o", str(tmp_path / "out"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 4
    assert (
        main(["data", "redact", str(folder), "-o", str(tmp_path / "x"), "--types", "PERSON"]) == 2
    )
    assert "leave --types" in capsys.readouterr().err


def test_data_check_reads_a_folder_of_images_and_says_so(folder, tmp_path, capsys):
    for number in range(12):
        (folder / "ab"[number % 2] / f"{number}.png").write_bytes(encoded(photo(number + 10)))
    assert main(["data", "check", str(folder), "--json"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["classes"] == {"train": {"a": 8, "b": 8}}
    assert found["personal_data"]["types"]["gps"] == 3
    assert "--task image_classification" in printed.err
    assert "Ada" not in printed.out + printed.err
    draw = tmp_path / "draw.csv"
    assert main(["data", "sample", str(folder), "-o", str(draw), "--rows", "3"]) == 0
    head, *rows = draw.read_text("utf-8-sig").splitlines()
    assert head == "id,where,label,image,verdict,reviewer"
    assert len(rows) == 3
