"""Holds the boxes of many images, lays them as their images are laid, and back; it knows no model and no pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lextune.labels import read_boxes
from lextune.tasks.vision.augment import Geometry

if TYPE_CHECKING:
    import torch

#: A box of which a crop leaves less than this share of its area is neither taught nor held against the model.
VISIBLE = 0.25
#: Sides in pixels of the input below which a box is not taught: nothing of it can be seen.
SMALLEST = 1.0

Corners = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Boxes:
    """What is taught of images, in pixels of the upright originals.

    Attributes:
        corners: x1, y1, x2, y2 of all boxes, image after image, float32, shape (boxes, 4).
        classes: Class numbers, int64, shape (boxes,).
        crowds: Whether a box stands for many objects, none of which is told apart; bool, shape (boxes,).
        offsets: Image i has the boxes offsets[i]:offsets[i + 1], int64, shape (images + 1,).
    """

    corners: Corners
    classes: npt.NDArray[np.int64]
    crowds: npt.NDArray[np.bool_]
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def of(self, row: int) -> slice:
        """The places of one image's boxes."""
        return slice(int(self.offsets[row]), int(self.offsets[row + 1]))


@dataclass(frozen=True)
class BoxTargets:
    """What is taught of the images of one batch, in pixels of the inputs.

    Attributes:
        boxes: Of each image, float32, shape (boxes, 4).
        classes: Of each image, int64, shape (boxes,).
        ignored: Of each image, regions about which nothing is said, float32, shape (regions, 4).
    """

    boxes: list[torch.Tensor]
    classes: list[torch.Tensor]
    ignored: list[torch.Tensor]

    def __len__(self) -> int:
        return len(self.boxes)

    def to(self, device: torch.device) -> BoxTargets:
        """The same on a device."""
        parts = (self.boxes, self.classes, self.ignored)
        return BoxTargets(*([one.to(device) for one in part] for part in parts))

    def weight(self, class_weights: torch.Tensor | None = None) -> float:
        """The boxes, each with the weight of its class; 1 at least, for images without objects teach too."""
        if class_weights is None:
            return float(max(1, sum(len(one) for one in self.classes)))
        return max(1.0, sum(float(class_weights[one].sum()) for one in self.classes))


def box_numbers(labels: Sequence[str], classes: Sequence[str]) -> Boxes:
    """The boxes that cells of labels hold.

    Raises:
        KeyError: A type is none of the classes.
        ValueError: A cell holds no boxes.
    """
    number = {name: index for index, name in enumerate(classes)}
    rows = [read_boxes(label) for label in labels]
    flat = [box for row in rows for box in row]
    return Boxes(
        np.array([box[:4] for box in flat], np.float32).reshape(-1, 4),
        np.array([number[box.type] for box in flat], np.int64),
        np.array([box.crowd for box in flat], bool),
        np.concatenate([np.zeros(1, np.int64), np.cumsum([len(row) for row in rows], dtype=np.int64)]),
    )  # fmt: skip


def lay_boxes(corners: Corners, geometry: Geometry) -> Corners:
    """Boxes of an image in the input that a geometry makes of it; they may reach outside, shape (boxes, 4)."""
    left, top, right, bottom = geometry.box
    height, width = geometry.size
    across, down = width / (right - left), height / (bottom - top)
    found = (corners - np.array([left, top] * 2)) * np.array([across, down] * 2)
    if geometry.flip:
        found[:, [0, 2]] = width - found[:, [2, 0]]
    if geometry.upside_down:
        found[:, [1, 3]] = height - found[:, [3, 1]]
    return np.asarray(found, np.float32)


def clip_boxes(corners: Corners, size: tuple[int, int]) -> Corners:
    """Boxes cut to an image of that height and width."""
    height, width = size
    most = np.array([width, height] * 2, np.float32)
    return np.clip(corners, 0, most)


def targets_of(boxes: Boxes, rows: Sequence[int], geometries: Sequence[Geometry]) -> BoxTargets:
    """What is taught of some images as they are laid.

    Crowds, and boxes of which too little is left to be seen, become regions about which nothing is said.

    Args:
        boxes: Of all images.
        rows: Which images.
        geometries: From the original, in its own pixels, to the input; one for each of `rows`.
    """
    import torch

    found, numbers, ignored = [], [], []
    for row, geometry in zip(rows, geometries, strict=True):
        own = boxes.of(row)
        laid = lay_boxes(boxes.corners[own], geometry)
        cut = clip_boxes(laid, geometry.size)
        sides = cut[:, 2:] - cut[:, :2]
        area = (laid[:, 2:] - laid[:, :2]).prod(axis=1)
        seen = (sides.min(axis=1) >= SMALLEST) & (sides.prod(axis=1) >= VISIBLE * area)
        taught = seen & ~boxes.crowds[own]
        rest = ~taught & (sides.min(axis=1) > 0)
        found.append(torch.from_numpy(cut[taught]))
        numbers.append(torch.from_numpy(boxes.classes[own][taught]))
        ignored.append(torch.from_numpy(cut[rest]))
    return BoxTargets(found, numbers, ignored)
