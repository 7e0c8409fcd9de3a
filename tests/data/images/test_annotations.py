"""Boxes and masks fitted to their image: orientation, edges, flat boxes, forms, palettes, sizes, void."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from lextune.data.images.annotations import read_boxes_cell, read_mask_cell
from lextune.data.images.probe import Probe
from lextune.data.labelling import UnfitLabelError
from lextune.labels import read_boxes, read_mask
from lextune.masks import load_mask


def seen(width, height, orientation=1):
    """A probe of an image of that stored size."""
    size = (width, height) if orientation < 5 else (height, width)
    return Probe("0" * 64, size, (width, height), orientation, "PNG", "RGB", 0, ())


def cell(*boxes, size=None, **more):
    return json.dumps({"boxes": [list(box) for box in boxes], "size": size, **more})


def boxes_of(written, probe, **options):
    label, names = read_boxes_cell(written, probe, **options)
    return [tuple(box[:4]) for box in read_boxes(label)], names


def refused(written, probe, read=read_boxes_cell, **options):
    with pytest.raises(UnfitLabelError) as caught:
        read(written, probe, **options)
    return caught.value


class TestOrientation:
    """Stored 40x30 with EXIF 6 is seen as 30x40."""

    def test_a_box_that_was_drawn_upright_stays(self):
        written = json.dumps({"bbox": [[2, 30, 20, 8]], "categories": ["cat"], "size": [30, 40]})
        assert boxes_of(written, seen(40, 30, 6)) == ([(2, 30, 22, 38)], ("cat",))

    def test_a_box_that_was_drawn_on_stored_pixels_is_turned(self):
        # stored (30, 8)-(38, 28), turned a quarter clockwise
        assert boxes_of(cell([30, 8, 38, 28, "cat"], size=[40, 30]), seen(40, 30, 6))[0] == [
            (2, 30, 22, 38)
        ]

    def test_a_size_that_is_not_said_leaves_it_open(self):
        written = json.dumps({"bbox": [[2, 30, 20, 8]], "categories": ["cat"]})
        assert refused(written, seen(40, 30, 6)).kind == "turned_image"

    def test_a_square_or_a_half_turn_leaves_it_open(self):
        assert (
            refused(cell([1, 1, 2, 2, "a"], size=[30, 30]), seen(30, 30, 6)).kind == "turned_image"
        )
        assert (
            refused(cell([1, 1, 2, 2, "a"], size=[40, 30]), seen(40, 30, 3)).kind == "turned_image"
        )

    def test_another_size_is_refused_with_both(self):
        found = refused(cell([1, 1, 2, 2, "a"], size=[80, 60]), seen(40, 30, 6))
        assert found.kind == "image_size"
        assert "80x60" in found.remedy
        assert "30x40" in found.remedy

    def test_a_picture_without_objects_is_never_open(self):
        assert boxes_of(cell(size=None), seen(40, 30, 6)) == ([], ())

    def test_upright_images_need_no_size(self):
        assert boxes_of(cell([1, 2, 3, 4, "a"]), seen(40, 30))[0] == [(1, 2, 3, 4)]

    @given(st.integers(1, 8), st.data())
    def test_boxes_turn_as_pixels_do(self, orientation, data):
        width, height = 7, 5
        x1, y1 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
        x2, y2 = data.draw(st.integers(x1 + 1, width)), data.draw(st.integers(y1 + 1, height))
        pixels = np.zeros((height, width), np.uint8)
        pixels[y1:y2, x1:x2] = 255
        image, exif = Image.fromarray(pixels), Image.Exif()
        exif[0x0112] = orientation
        stream = io.BytesIO()
        image.save(stream, "PNG", exif=exif)
        upright = ImageOps.exif_transpose(Image.open(stream)).getbbox()
        if orientation in (2, 3, 4):  # both frames have the same size
            assert refused(cell([x1, y1, x2, y2, "a"], size=[7, 5]), seen(7, 5, orientation))
            return
        found = boxes_of(cell([x1, y1, x2, y2, "a"], size=[7, 5]), seen(7, 5, orientation))
        assert found[0] == [upright]


class TestFlatBoxes:
    @pytest.mark.parametrize("box", [(10, 10, 10, 40), (10, 40, 20, 40), (20, 10, 10, 40), (5, 5, 5.001, 9)])  # fmt: skip
    def test_they_are_named_and_refused_or_dropped_and_counted(self, box):
        written = cell([*box, "a"], [1, 1, 9, 9, "b"])
        assert refused(written, seen(50, 50)).kind == "flat_box"
        notes = []
        assert boxes_of(written, seen(50, 50), flat="drop", told=notes.append) == (
            [(1, 1, 9, 9)],
            ("b",),
        )
        assert [(note.kind, note.count) for note in notes] == [("flat_box", 1)]

    def test_no_objects_are_an_empty_list(self):
        label, names = read_boxes_cell("[]", seen(50, 50))
        assert (label, names) == ("[]", ())
        assert np.array(read_boxes(label)).reshape(-1, 4).shape == (0, 4)


class TestEdges:
    def test_up_to_a_pixel_beyond_is_cut_off_and_counted(self):
        notes = []
        found, _ = boxes_of(
            cell([-1, 0, 51, 50.5, "a"], [1, 1, 2, 2, "a"]), seen(50, 50), told=notes.append
        )
        assert found == [(0, 0, 50, 50), (1, 1, 2, 2)]
        assert [(note.kind, note.count, note.unit) for note in notes] == [
            ("clipped_box", 1, "annotations")
        ]

    @pytest.mark.parametrize("box", [
        (-1.1, 0, 9, 9), (0, 0, 51.5, 9), (0, 52, 9, 60), (-9, 0, -1, 9), (50, 0, 51, 9), (0, -1, 9, 0),
    ])  # fmt: skip
    def test_more_is_refused(self, box):
        assert refused(cell([*box, "a"]), seen(50, 50)).kind == "bad_box"

    @pytest.mark.parametrize("written", [
        '[[1, 2, NaN, 4, "a"]]', '[[1, 2, Infinity, 4, "a"]]', '[[1, 2, 1e999, 4, "a"]]', '[[1, 2, "x", 4, "a"]]',
        '[[1, 2, null, 4, "a"]]', '[[1, 2, true, 4, "a"]]', '[[1, 2, "nan", 4, "a"]]',
    ])  # fmt: skip
    def test_what_is_no_finite_number_is_refused(self, written):
        assert refused(written, seen(50, 50)).kind == "bad_box"

    @given(
        st.lists(
            st.tuples(*[st.floats(-2, 52, allow_nan=False)] * 4, st.sampled_from(["a", "b"])),
            max_size=4,
        )
    )
    def test_what_is_kept_lies_inside_and_has_an_area(self, boxes):
        try:
            label, names = read_boxes_cell(cell(*boxes), seen(50, 50))
        except UnfitLabelError:
            return
        found = read_boxes(label)
        assert len(found) == len(boxes)
        assert {box.type for box in found} == set(names)
        assert all(0 <= box.x1 < box.x2 <= 50 and 0 <= box.y1 < box.y2 <= 50 for box in found)
        assert read_boxes_cell(label, seen(50, 50)) == (label, names)


class TestForms:
    @pytest.mark.parametrize("written", [
        '{"bbox": [[1, 2, 3, 4]], "categories": ["a"]}',
        '{"bbox": [["1", "2", "3", "4.0"]], "category": ["a"], "id": [7], "area": [12]}',
        '{"objects": {"bbox": [[1, 2, 3, 4]], "categories": ["a"]}, "width": 9, "height": 9}',
        '{"bbox_xyxy": [[1, 2, 4, 6]], "labels": ["a"]}',
        '[[1, 2, 4, 6, "a"]]',
        '[{"bbox": [1, 2, 3, 4], "label": "a"}]',
        '[{"bbox_xyxy": [1, 2, 4, 6], "category": "a"}]',
        '[{"box": {"xmin": 1, "ymin": 2, "xmax": 4, "ymax": 6}, "label": "a", "score": 0.5}]',
        '[{"x": 1, "y": 2, "width": 3, "height": 4, "label": "a"}]',
    ])  # fmt: skip
    def test_usual_ones_are_one_record(self, written):
        assert boxes_of(written, seen(9, 9)) == ([(1, 2, 4, 6)], ("a",))

    @pytest.mark.parametrize("written", [
        '[{"box": [1, 2, 3, 4], "label": "a"}]', '{"boxes": [[1, 2, 3, 4]], "labels": ["a"]}',
    ])  # fmt: skip
    def test_four_numbers_that_may_be_two_things_are_refused(self, written):
        assert refused(written, seen(9, 9)).kind == "open_boxes"

    @pytest.mark.parametrize("written", [
        "a.png", "{}", "[1, 2, 3, 4]", "[[1, 2, 3, 4]]", '[[1, 2, 3, 4, ""]]', '[{"bbox": [1, 2, 3], "label": "a"}]',
        '{"bbox": [[1, 2, 3, 4]], "categories": []}', '{"bbox": [[1, 2, 3, 4]]}', '[{"bbox": [1, 2, 3, 4]}]', "null",
        '{"bbox": [[1, 2, 3, 4]], "categories": ["a"], "iscrowd": [2]}', "[[1, 2, 3, 4, [1]]]",
    ])  # fmt: skip
    def test_others_are_refused(self, written):
        assert refused(written, seen(9, 9)).kind == "bad_label"

    def test_crowds_keep_their_flag_and_numbers_are_names(self):
        written = '{"bbox": [[1, 2, 3, 4], [0, 0, 2, 2]], "categories": [3, 5], "iscrowd": [1, 0]}'
        label, names = read_boxes_cell(written, seen(9, 9), rename={"3": "cat", "5": "dog"}.get)
        assert label == '[[0,0,2,2,"dog"],[1,2,4,6,"cat",1]]'
        assert names == ("cat", "dog")

    def test_shares_of_the_sides_become_pixels(self):
        written = cell([0.1, 0.25, 0.5, 1, "a"], relative=True)
        assert boxes_of(written, seen(100, 40))[0] == [(10, 10, 50, 40)]
        assert refused(written, seen(100, 40, 6)).kind == "turned_image"


@pytest.fixture
def mask(tmp_path):
    """Writes an image as a mask file and gives its path."""

    def write(image, name="mask.png", **options):
        path = tmp_path / name
        image.save(path, **options)
        return str(path)

    return write


def grey(rows, dtype=np.uint8):
    return Image.fromarray(np.array(rows, dtype))


def loaded(path, probe, **options):
    label, names, same = read_mask_cell(path, probe, **options)
    assert same == path or same in path
    found = read_mask(label)
    with open(same, "rb") as file:
        data = file.read()
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    return load_mask(data, found).tolist(), tuple(found.classes.values()), names


class TestMasks:
    def test_palette_files_are_read_by_index_and_not_by_colour(self, mask):
        image = grey([[0, 7], [7, 0]]).convert("L")
        image.putpalette([9, 9, 9] * 8)  # every index has the same colour
        path = mask(image)
        with Image.open(path) as stored:
            assert stored.mode == "P"
        assert loaded(path, seen(2, 2)) == ([[0, 1], [1, 0]], ("0", "7"), ("0", "7"))

    def test_grey_values_are_values_also_of_16_bit_and_of_one(self, mask):
        assert loaded(mask(grey([[0, 1000]], np.uint16)), seen(2, 1))[1] == ("0", "1000")
        assert loaded(mask(grey([[0, 255]]).convert("1")), seen(2, 1))[:2] == ([[0, 1]], ("0", "1"))

    def test_each_colour_of_a_map_is_a_value(self, mask):
        image = Image.fromarray(np.array([[[128, 64, 128], [0, 0, 142]]], np.uint8))
        path = mask(image)
        names = {"#804080": "road", "#00008e": "car"}
        assert loaded(path, seen(2, 1), rename=lambda name: names.get(name, name)) == (
            [[1, 0]],
            ("car", "road"),
            ("car", "road"),
        )
        assert loaded(mask(image.convert("RGBA"), "b.png"), seen(2, 1))[0] == [[1, 0]]

    def test_transparency_is_no_class(self, mask):
        image = Image.fromarray(np.array([[[1, 2, 3, 0]]], np.uint8), "RGBA")
        assert refused(mask(image), seen(1, 1), read_mask_cell).kind == "bad_mask"

    def test_photographs_and_jpegs_are_refused(self, mask):
        colours = np.arange(300 * 3, dtype=np.uint16).reshape(20, 15, 3).astype(np.uint8)
        colours[..., 1] = np.arange(300).reshape(20, 15) // 8
        found = refused(mask(Image.fromarray(colours)), seen(15, 20), read_mask_cell)
        assert "JPEG" in found.fact
        path = mask(grey(np.zeros((8, 8))), "mask.jpg")
        assert "JPEG" in refused(path, seen(8, 8), read_mask_cell).fact

    def test_another_size_is_refused_with_both(self, mask):
        found = refused(mask(grey(np.zeros((4, 4)))), seen(8, 8), read_mask_cell)
        assert found.kind == "mask_size"
        assert "4x4" in found.remedy
        assert "8x8" in found.remedy

    def test_files_that_are_no_masks_are_refused(self, tmp_path, mask):
        (tmp_path / "text.png").write_bytes(b"no image")
        assert refused(str(tmp_path / "text.png"), seen(4, 4), read_mask_cell).kind
        assert (
            refused(str(tmp_path / "gone.png"), seen(4, 4), read_mask_cell).kind == "missing_mask"
        )
        path = Path(mask(grey(np.random.default_rng(0).integers(0, 9, (8, 8)))))
        (tmp_path / "cut.png").write_bytes(path.read_bytes()[:60])
        assert refused(str(tmp_path / "cut.png"), seen(8, 8), read_mask_cell).kind
        assert refused('{"mask": 3}', seen(4, 4), read_mask_cell).kind == "bad_label"
        assert refused('{"mask": "a", "classes": {"0": ""}}', seen(4, 4), read_mask_cell).kind == "bad_label"  # fmt: skip

    def test_orientation_goes_by_the_size(self, mask):
        stored = np.arange(6, dtype=np.uint8).reshape(2, 3)
        upright = np.rot90(stored, -1)
        assert loaded(mask(grey(stored)), seen(3, 2, 6))[0] == upright.tolist()
        assert loaded(mask(grey(upright)), seen(3, 2, 6))[0] == upright.tolist()
        assert refused(mask(grey(np.zeros((3, 3)))), seen(3, 3, 6), read_mask_cell).kind == "turned_image"  # fmt: skip

    def test_a_mask_that_has_the_tag_itself_is_turned_by_it(self, mask):
        exif = Image.Exif()
        exif[0x0112] = 8
        path = mask(grey([[1, 2, 3]]), exif=exif)
        assert loaded(path, seen(1, 3))[0] == [[2], [1], [0]]
        assert refused(path, seen(3, 1), read_mask_cell).kind == "mask_size"

    def test_ignored_values_and_names_are_void(self, mask):
        path = mask(grey([[0, 1, 2, 11]]))
        options = {"rename": lambda name: {"1": "car", "2": "van"}.get(name, name)}
        assert loaded(path, seen(4, 1), ignore=["11", "van", "0"], **options) == (
            [[255, 0, 255, 255]],
            ("car",),
            ("car",),
        )

    def test_named_classes_leave_the_other_values_void_and_say_so(self, mask):
        path = mask(grey([[0, 1, 9]]))
        written = json.dumps({"mask": path, "classes": {"1": "car", "5": "bus"}})
        notes = []
        assert loaded(written, seen(3, 1), told=notes.append) == ([[255, 0, 255]], ("car",), ("car",))  # fmt: skip
        assert [note.kind for note in notes] == ["unnamed_value"]
        loaded(written, seen(3, 1), ignore=["0", "9"], told=notes.append)
        assert len(notes) == 1

    def test_a_mask_of_void_alone_is_told(self, mask):
        notes = []
        path = mask(grey([[255, 255]]))
        assert loaded(path, seen(2, 1), ignore=["255"], told=notes.append) == ([[255, 255]], (), ())
        assert [note.kind for note in notes] == ["void_mask"]

    def test_more_classes_than_numbers_are_refused(self, mask):
        path = mask(grey(np.arange(256).reshape(16, 16)))
        assert refused(path, seen(16, 16), read_mask_cell).kind == "bad_mask"
        assert len(loaded(path, seen(16, 16), ignore=["255"])[1]) == 255

    def test_values_of_one_class_keep_their_places(self, mask):
        path = mask(grey([[0, 1, 2]]))
        found = loaded(path, seen(3, 1), rename=lambda name: "a" if name != "1" else "b")
        assert found == ([[0, 1, 2]], ("a", "b", "a"), ("a", "b"))
