"""Matches boxes found with boxes labelled, and sums precision and recall up over any draw of images; it knows no bound.

Which box matches which is COCO's rule (Lin et al. 2014, arXiv:1405.0312; https://cocodataset.org/#detection-eval) as
faster-coco-eval has it: by falling score, at most one box an object, at most 100 boxes of a type in an image, and a box
on a crowd counts neither way. Precision is summed up here, for two reasons: intervals need it over a thousand draws of
images, and in COCO's own code the order of the images decides which of equal scores comes first. Here equal scores
enter together. Where no two scores are equal, the figures are COCO's.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lextune.extras import need
from lextune.labels import Box
from lextune.tasks.vision.found import ScoredBox

#: Intersection over union from which a box is right, and the recall at which precision is read.
OVERLAPS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
#: Boxes of one type that count in one image.
MOST_BOXES = 100
#: Numbers that one table of draws may hold.
_BLOCK = 4_000_000

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Matches:
    """Every box found, with what it matched, by falling score.

    Attributes:
        image: Number of its image, shape (boxes,).
        type: Number of its type, shape (boxes,).
        score: Shape (boxes,).
        right: Whether it is the match of a labelled object, shape (overlaps, boxes).
        counted: False where it lies on a crowd, shape (overlaps, boxes).
        labelled: Objects, shape (images, types); crowds are none.
    """

    image: Ints
    type: Ints
    score: Floats
    right: Bools
    counted: Bools
    labelled: Ints

    def figures(self, draws: Ints) -> tuple[Floats, Floats]:
        """Average precision and the recall of all boxes, both of shape (draws, overlaps, types).

        NaN where a draw holds no object of the type.

        Args:
            draws: How often each image is in each draw, shape (draws, images).
        """
        objects = draws @ self.labelled
        precision = np.full((len(draws), len(OVERLAPS), self.labelled.shape[1]), np.nan)
        recall = precision.copy()
        for kind in np.flatnonzero(self.labelled.any(axis=0)).tolist():
            boxes = np.flatnonzero(self.type == kind)
            for row in range(len(OVERLAPS)):
                table = self._table(boxes, row)
                step = max(1, _BLOCK // (1 + table[0].shape[0]))
                for start in range(0, len(draws), step):
                    part = slice(start, start + step)
                    precision[part, row, kind], recall[part, row, kind] = _summed(
                        *table, draws[part], objects[part, kind]
                    )
        return precision, recall

    def _table(self, boxes: Ints, row: int) -> tuple[Any, Any]:
        """Right and counted boxes of each image down to each score at which a right one stands, as sparse matrices.

        Between two such scores precision only falls, so that nothing is read there.
        """
        from scipy.sparse import csr_array

        score, right = self.score[boxes], self.right[row, boxes]
        at = np.unique(score[right])[::-1]
        # The first of those scores that is not above the box's own.
        place = np.searchsorted(-at, -score)
        within = place < len(at)
        shape = (len(at), len(self.labelled))
        found, total = (
            csr_array(
                (np.ones(int(some.sum())), (place[some], self.image[boxes][some])), shape=shape
            )
            for some in (right & within, self.counted[row, boxes] & within)
        )
        return found, total


def _summed(right: Any, counted: Any, draws: Ints, objects: Ints) -> tuple[Floats, Floats]:
    """Of one type at one overlap: average precision and recall of each draw; NaN where it has no object."""
    weights = np.ascontiguousarray(draws.T, np.float64)
    found = np.cumsum(right @ weights, axis=0)
    total = np.cumsum(counted @ weights, axis=0)
    precision = np.divide(found, total, out=np.zeros_like(found), where=total > 0)
    best = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    known = objects > 0
    recall = np.divide(found, objects, out=np.zeros_like(found), where=known)
    reached = np.searchsorted(RECALLS, recall, side="right")
    read = np.diff(reached, axis=0, prepend=0)
    area = (best * read).sum(axis=0) / len(RECALLS)
    last = recall[-1] if len(recall) else np.zeros(len(draws))
    return np.where(known, area, np.nan), np.where(known, last, np.nan)


def match(
    labels: Sequence[Sequence[Box]], found: Sequence[Sequence[ScoredBox]], types: Sequence[str]
) -> Matches:
    """Match the boxes of each image; the order of images and of boxes does not matter.

    Raises:
        KeyError: A box has a type that is not among `types`.
        MissingExtraError: The extra `vision` is not installed.
    """
    number = {name: place for place, name in enumerate(types)}
    labelled = np.zeros((len(labels), len(types)), np.int64)
    for image, boxes in enumerate(labels):
        for box in boxes:
            labelled[image, number[box.type]] += not box.crowd
    rows: list[tuple[int, int, ScoredBox]] = []
    for image, given in enumerate(found):
        by_type: defaultdict[int, list[ScoredBox]] = defaultdict(list)
        for one in sorted(given, key=lambda one: (-one.score, one)):
            by_type[number[one.type]].append(one)
        for kind, same in by_type.items():
            rows += [(image, kind, one) for one in same[:MOST_BOXES]]
    rows.sort(key=lambda row: -row[2].score)
    right, counted = _matched(labels, rows, number)
    return Matches(
        image=np.array([row[0] for row in rows], np.int64),
        type=np.array([row[1] for row in rows], np.int64),
        score=np.array([row[2].score for row in rows], np.float64),
        right=right, counted=counted, labelled=labelled,
    )  # fmt: skip


def _matched(
    labels: Sequence[Sequence[Box]],
    rows: Sequence[tuple[int, int, ScoredBox]],
    number: dict[str, int],
) -> tuple[Bools, Bools]:
    """Which boxes are right and which count, both of shape (overlaps, boxes)."""
    right = np.zeros((len(OVERLAPS), len(rows)), np.bool_)
    counted = np.ones_like(right)
    # Everything is numbered from 1: an annotation 0 would be taken for no match.
    every = [(image, box) for image, boxes in enumerate(labels) for box in boxes]
    if not rows or not every:
        return right, counted
    there = {(image, number[box.type]) for image, box in every}
    coco = need("vision", "faster_coco_eval")
    frame = {
        "images": [{"id": image + 1} for image in range(len(labels))],
        "categories": [{"id": kind + 1, "name": name} for name, kind in number.items()],
    }
    truth, given = coco.COCO(), coco.COCO()
    truth.dataset = frame | {
        "annotations": [
            _annotation(place, image, number[box.type], box) | {"iscrowd": int(box.crowd)}
            for place, (image, box) in enumerate(every, 1)
        ]
    }
    given.dataset = frame | {
        "annotations": [
            _annotation(place, image, kind, box) | {"score": box.score}
            for place, (image, kind, box) in enumerate(rows, 1)
            if (image, kind) in there  # no other one can match
        ]
    }
    truth.createIndex()
    given.createIndex()
    for row, overlap in enumerate(OVERLAPS):
        for found, label in _pairs(coco, truth, given, overlap):
            crowd = every[label - 1][1].crowd
            right[row, found - 1] = not crowd
            counted[row, found - 1] = not crowd
    return right, counted


def _annotation(place: int, image: int, kind: int, box: Box | ScoredBox) -> dict[str, Any]:
    width, height = box.x2 - box.x1, box.y2 - box.y1
    return {
        "id": place, "image_id": image + 1, "category_id": kind + 1,
        "bbox": [box.x1, box.y1, width, height], "area": width * height,
    }  # fmt: skip


def _pairs(coco: Any, truth: Any, given: Any, overlap: float) -> list[tuple[int, int]]:
    """The numbers of a box found and of the label that it matches, from 1."""
    evaluation = coco.COCOeval_faster(truth, given, "bbox", print_function=_silent)
    evaluation.params.iouThrs = np.array([overlap])
    evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, math.inf]], ["all"]
    evaluation.params.maxDets = [MOST_BOXES]
    evaluation.evaluate()
    evaluation.accumulate()
    return [
        (int(found), int(label))
        for found, label in (one.split("_") for one in evaluation.eval["matched"])
    ]


def _silent(*_: object) -> None:
    pass


def overlaps(first: Floats, second: Floats) -> Floats:
    """Intersection over union of every pair of boxes [x1, y1, x2, y2], shape (first, second)."""
    if not len(first) or not len(second):
        return np.zeros((len(first), len(second)))
    iou = need("vision", "faster_coco_eval.core.mask").iou
    given = [np.hstack([boxes[:, :2], boxes[:, 2:4] - boxes[:, :2]]) for boxes in (first, second)]
    return np.asarray(iou(*given, [0] * len(second)), np.float64)
