"""Boxes where objects of a type usually are, whatever the image shows: a baseline that sees no pixel and knows no metric."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lextune.evaluation.kinds import TrainingInputs
from lextune.evaluation.matching import overlaps
from lextune.images import ImageInput, open_image, orientation, stored_size
from lextune.tasks.vision.found import ScoredBox

Floats = npt.NDArray[np.float64]

#: Boxes of a type that are given at most, and that are looked at at most.
MOST_PRIORS, MOST_TAUGHT = 50, 20_000


def typical_boxes(train: TrainingInputs, test: Sequence[ImageInput]) -> list[tuple[ScoredBox, ...]]:
    """The same boxes in every image, in shares of its width and height.

    For each type they are the centres of k-means over the boxes of train, twice as many as an image has on average.
    Their score is the share of training images in which an object of the type overlaps them by half.
    """
    taught: defaultdict[str, list[tuple[int, Floats]]] = defaultdict(list)
    for row in range(len(train.inputs)):
        boxes = [box for box in train.labels[row] if not box.crowd]
        if boxes:
            size = np.array(upright_size(train.inputs[row]) * 2, np.float64)
            for box in boxes:
                taught[box.type].append((row, np.array(box[:4]) / size))
    priors = {kind: _priors(found, len(train.inputs)) for kind, found in sorted(taught.items())}
    answers = []
    for one in test:
        size = np.array(upright_size(one) * 2, np.float64)
        given = []
        for kind, found in priors.items():
            for corners, score in zip(*found, strict=True):
                x1, y1, x2, y2 = (corners * size).tolist()
                given.append(ScoredBox(x1, y1, x2, y2, kind, score))
        answers.append(tuple(given))
    return answers


def _priors(taught: Sequence[tuple[int, Floats]], images: int) -> tuple[Floats, list[float]]:
    """Centres, shape (priors, 4), and the share of images in which each is right."""
    from sklearn.cluster import KMeans

    image = np.array([row for row, _ in taught])
    boxes = np.stack([box for _, box in taught])
    wanted = min(2 * math.ceil(len(boxes) / len(set(image.tolist()))), MOST_PRIORS)
    step = -(-len(boxes) // MOST_TAUGHT)
    some = np.unique(boxes[::step], axis=0)
    fitted = KMeans(min(wanted, len(some)), n_init=1, random_state=0).fit(some)
    centres = np.asarray(fitted.cluster_centers_, np.float64)
    hit = overlaps(centres, boxes) >= 0.5
    return centres, [len(np.unique(image[one])) / images for one in hit]


def upright_size(image: ImageInput) -> tuple[int, int]:
    """Width and height as the image is seen; its pixels are not decoded.

    Raises:
        UnfitImageError: It is no image.
    """
    data = Path(image.file).read_bytes() if image.data is None else image.data
    opened = open_image(data)
    width, height = stored_size(opened)
    return (height, width) if orientation(opened) > 4 else (width, height)
