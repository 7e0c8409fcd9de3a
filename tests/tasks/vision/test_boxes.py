import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.labels import Box, write_boxes
from lextune.tasks.vision.augment import Geometry, lay
from lextune.tasks.vision.boxes import box_numbers, clip_boxes, lay_boxes, targets_of


def _cell(*boxes: Box) -> str:
    return write_boxes(boxes)


def test_box_numbers_go_by_name_and_keep_images_without_objects():
    cells = [
        _cell(Box(1, 2, 3, 4, "b"), Box(0, 0, 9, 9, "a", crowd=True)),
        "[]",
        _cell(Box(5, 5, 6, 6, "a")),
    ]
    found = box_numbers(cells, ["a", "b"])
    assert len(found) == 3
    assert found.classes.tolist() == [0, 1, 0]
    assert found.crowds.tolist() == [True, False, False]
    assert found.corners[found.of(1)].shape == (0, 4)
    assert found.corners[found.of(2)].tolist() == [[5, 5, 6, 6]]


def test_a_type_that_is_no_class_is_an_error():
    with pytest.raises(KeyError):
        box_numbers([_cell(Box(1, 2, 3, 4, "c"))], ["a", "b"])


_GEOMETRIES = st.builds(
    lambda left, top, width, height, size, flip, over: Geometry(
        (left, top, left + width, top + height), size, flip, over
    ),
    st.integers(0, 8), st.integers(0, 8), st.sampled_from([8, 16, 24]), st.sampled_from([8, 16]),
    st.sampled_from([(16, 16), (32, 24), (8, 48)]), st.booleans(), st.booleans(),
)  # fmt: skip


@given(_GEOMETRIES, st.integers(0, 31), st.integers(0, 23))
def test_boxes_go_where_their_pixels_go(geometry, x, y):
    image = np.zeros((24, 32, 3), np.uint8)
    image[y, x] = 255
    laid = lay(image, geometry, "nearest")
    inside = (0, 0, 32, 24)
    if not (geometry.box[2] <= inside[2] and geometry.box[3] <= inside[3]):
        return  # a piece that reaches outside the image is not asked for
    box = clip_boxes(
        lay_boxes(np.array([[x, y, x + 1, y + 1]], np.float32), geometry), geometry.size
    )[0]
    middle_rows, middle_columns = np.nonzero(laid[..., 0])
    if len(middle_rows):
        assert box[0] - 1 <= middle_columns.min() <= middle_columns.max() < box[2] + 1
        assert box[1] - 1 <= middle_rows.min() <= middle_rows.max() < box[3] + 1
    else:
        assert (box[2] - box[0]) * (box[3] - box[1]) < 1 or min(
            box[2] - box[0], box[3] - box[1]
        ) < 1


@given(_GEOMETRIES, st.lists(st.integers(0, 200), min_size=4, max_size=4))
def test_a_mirrored_box_keeps_its_area(geometry, corners):
    x1, y1, x2, y2 = corners
    box = np.array([[min(x1, x2), min(y1, y2), max(x1, x2) + 1, max(y1, y2) + 1]], np.float32)
    plain = lay_boxes(box, geometry._replace(flip=False, upside_down=False))
    turned = lay_boxes(box, geometry._replace(flip=True, upside_down=True))
    assert np.allclose(plain[:, 2:] - plain[:, :2], turned[:, 2:] - turned[:, :2], atol=1e-3)
    back = turned[:, [2, 3, 0, 1]]
    height, width = geometry.size
    assert np.allclose(np.array([width, height] * 2) - back, plain, atol=1e-3)


def test_crowds_and_what_is_hardly_left_are_neither_taught_nor_held_against_the_model():
    whole = Geometry((0, 0, 100, 100), (100, 100))
    right = Geometry((90, 0, 100, 100), (100, 10))
    boxes = box_numbers(
        [_cell(Box(0, 0, 100, 20, "a"), Box(92, 50, 99, 90, "a"), Box(10, 0, 60, 9, "a", crowd=True))], ["a"]
    )  # fmt: skip
    everything = targets_of(boxes, [0], [whole])
    assert everything.boxes[0].tolist() == [[0, 0, 100, 20], [92, 50, 99, 90]]
    assert everything.ignored[0].tolist() == [[10, 0, 60, 9]]
    piece = targets_of(boxes, [0], [right])
    assert piece.boxes[0].tolist() == [[2, 50, 9, 90]]  # a tenth of the first box is left
    assert piece.ignored[0].tolist() == [[0, 0, 10, 20]]  # and the crowd lies outside


def test_images_without_objects_have_targets_of_shape_0_by_4_and_still_weigh():
    found = targets_of(box_numbers(["[]"], ["a"]), [0], [Geometry((0, 0, 9, 9), (9, 9))])
    assert found.boxes[0].shape == (0, 4)
    assert found.weight() == 1
