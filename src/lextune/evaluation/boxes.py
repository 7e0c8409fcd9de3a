"""What is measured of tasks that find boxes in images: average precision with intervals over images; it knows no bound."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from lextune import statistics
from lextune.evaluation import resampling as over_images
from lextune.evaluation.kinds import (
    Kind,
    Resampling,
    TrainingInputs,
    in_groups,
    kept,
    kinds,
    row_f1_errors,
)
from lextune.evaluation.matching import Matches, match
from lextune.evaluation.metrics import measured
from lextune.evaluation.priors import typical_boxes
from lextune.labels import Box, LabelKind, read_boxes, write_boxes
from lextune.records import Measurement
from lextune.registry import Registry
from lextune.tasks.vision.found import ScoredBox

Found = tuple[ScoredBox, ...]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ScoredBoxes:
    """Predictions of one part in memory.

    Attributes:
        ids: Row ids, shape (images,).
        labels: The objects of each image.
        found: What the model found in each image; None where it gave a number that is not finite.
        classes: Types.
        groups: Column to the group of each image; null where it has none.
    """

    kind: ClassVar[LabelKind] = "boxes"
    ids: tuple[str, ...]
    labels: Sequence[tuple[Box, ...]]
    found: Sequence[Found | None]
    classes: tuple[str, ...]
    groups: Mapping[str, Sequence[str | None]]
    _drawn: dict[Resampling, tuple[Floats, Floats]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def finite(self) -> npt.NDArray[np.bool_]:
        """Where the model answered with nothing but finite numbers, shape (images,)."""
        return np.array([_is_finite(one) for one in self.found], bool)

    @cached_property
    def matches(self) -> Matches:
        """The boxes found with what they match; an image that was not answered has none."""
        return match(self.labels, [one or () for one in self.found], self.classes)

    @cached_property
    def figures(self) -> tuple[Floats, Floats]:
        """Average precision and recall, both of shape (overlaps, types); NaN where no object has the type."""
        precision, recall = self.matches.figures(np.ones((1, len(self.ids)), np.int64))
        return precision[0], recall[0]

    def drawn(self, resampling: Resampling) -> tuple[Floats, Floats]:
        """The same for each draw of images, both of shape (samples, overlaps, types)."""
        if resampling not in self._drawn:
            draws = over_images.draws(len(self.ids), resampling)
            self._drawn[resampling] = self.matches.figures(draws)
        return self._drawn[resampling]

    def keep(self, mask: npt.NDArray[np.bool_]) -> ScoredBoxes:
        """The images where the mask is True."""
        made: ScoredBoxes = kept(self, mask)
        return made

    def columns(self) -> dict[str, Any]:
        """label and prediction (cells of boxes; null where the model did not answer), and the boxes' scores."""
        given = [
            sorted(one or (), key=lambda box: (*_rounded(box), box.score)) for one in self.found
        ]
        answered = self.finite.tolist()
        return {
            "label": [write_boxes(boxes) for boxes in self.labels],
            "prediction": [
                write_boxes(_rounded(box) for box in boxes) if good else None
                for boxes, good in zip(given, answered, strict=True)
            ],
            "scores": [
                json.dumps([round(box.score, 6) for box in boxes]) if good else None
                for boxes, good in zip(given, answered, strict=True)
            ],
        }


def _rounded(box: ScoredBox) -> Box:
    x1, y1, x2, y2 = (round(float(one), 2) for one in box[:4])
    return Box(x1, y1, x2, y2, box.type)


def _is_finite(found: Found | None) -> bool:
    return found is not None and all(
        math.isfinite(one) for box in found for one in (*box[:4], box.score)
    )


metrics: Registry[Any] = Registry("metric of boxes", "lextune.evaluation")

_EVERY = slice(None)


def _mean(scored: ScoredBoxes, resampling: Resampling, rows: slice, of: int) -> over_images.Figure:
    """A figure's mean over overlaps and over the types that have objects: value, draws and interval.

    Args:
        scored: The predictions.
        resampling: How to draw images.
        rows: Which overlaps.
        of: 0 for precision, 1 for recall.
    """
    objects = scored.matches.labelled.sum(axis=0)
    with_objects = objects > 0
    if not with_objects.any():
        return math.nan, np.full(resampling.samples, np.nan), None
    value = float(scored.figures[of][rows, with_objects].mean())
    by_type = scored.drawn(resampling)[of][:, rows, with_objects].mean(axis=1)
    known = np.isfinite(by_type)
    drawn = over_images.ratio(np.where(known, by_type, 0.0).sum(axis=1), known.sum(axis=1))
    # A mean over types is worth as many objects as give the same variance of a share.
    trials = int(with_objects.sum()) ** 2 / float((1 / objects[with_objects]).sum())
    images = len(scored.ids)
    return value, drawn, over_images.interval(value, drawn, trials, images, resampling, widen=True)


def _by_type(name: str, scored: ScoredBoxes, resampling: Resampling, rows: slice) -> list[Measurement]:  # fmt: skip
    """Average precision of each type; n is the number of its objects."""
    found = []
    for place, kind in enumerate(scored.classes):
        held = scored.matches.labelled[:, place]
        objects, images = int(held.sum()), int((held > 0).sum())
        value = float(scored.figures[0][rows, place].mean())
        drawn = scored.drawn(resampling)[0][:, rows, place].mean(axis=1) if objects else np.zeros(0)
        interval = over_images.interval(value, drawn, objects, images, resampling, widen=True)
        found.append(measured(f"{name}.{kind}", value, interval, objects))
    return found


def _headline(scored: ScoredBoxes, resampling: Resampling, name: str, rows: slice, of: int = 0) -> list[Measurement]:  # fmt: skip
    value, _, interval = _mean(scored, resampling, rows, of)
    return [measured(name, value, interval, len(scored.ids))]


_AT_50, _AT_75 = slice(0, 1), slice(5, 6)


@metrics.register("mean_average_precision_50")
def mean_average_precision_50(scored: ScoredBoxes, resampling: Resampling) -> list[Measurement]:
    """Mean over types of average precision at an overlap of 0.5 (Pascal VOC's, read at 101 recalls); n is images."""
    return _headline(scored, resampling, "mean_average_precision_50", _AT_50)


@metrics.register("mean_average_precision")
def mean_average_precision(scored: ScoredBoxes, resampling: Resampling) -> list[Measurement]:
    """COCO's figure: the mean over types and over the overlaps 0.50, 0.55, ... 0.95; n is images."""
    return _headline(scored, resampling, "mean_average_precision", _EVERY)


@metrics.register("mean_average_precision_75")
def mean_average_precision_75(scored: ScoredBoxes, resampling: Resampling) -> list[Measurement]:
    """Mean over types of average precision at an overlap of 0.75; n is images."""
    return _headline(scored, resampling, "mean_average_precision_75", _AT_75)


@metrics.register("mean_average_recall_100")
def mean_average_recall_100(scored: ScoredBoxes, resampling: Resampling) -> list[Measurement]:
    """COCO's AR: what 100 boxes of a type in an image find, a mean over types and overlaps; n is images."""
    return _headline(scored, resampling, "mean_average_recall_100", _EVERY, of=1)


@metrics.register("average_precision_50")
def average_precision_50(scored: ScoredBoxes, resampling: Resampling) -> list[Measurement]:
    """Of each type at an overlap of 0.5; undefined with n = 0 where no object has it."""
    return _by_type("average_precision_50", scored, resampling, _AT_50)


@metrics.register("average_precision")
def average_precision(scored: ScoredBoxes, resampling: Resampling) -> list[Measurement]:
    """Of each type over all overlaps; undefined with n = 0 where no object has it."""
    return _by_type("average_precision", scored, resampling, _EVERY)


@metrics.register("detection_calibration_error")
def detection_calibration_error(scored: ScoredBoxes, resampling: Resampling) -> list[Measurement]:
    """Gap between the score of boxes and the share of them that are right at an overlap of 0.5, 15 equal-width bins.

    Küppers et al. 2020 (arXiv:2004.13546), without the place of a box. All boxes found count, but for those on crowds;
    n is their number. The interval is the wider of that over images and that over single boxes.
    """
    matches = scored.matches
    counted = matches.counted[0]
    score, right = matches.score[counted], matches.right[0, counted]
    boxes = len(score)
    bins = np.zeros((len(scored.ids), over_images.BINS, 3))
    place = statistics.confidence_bins(score, over_images.BINS)
    for column, one in enumerate((np.ones(boxes), score, right)):
        np.add.at(bins[..., column], (matches.image[counted], place), one)
    value, interval = over_images.calibration(bins, resampling)
    single = statistics.calibration_error_interval(
        score, right, samples=resampling.samples, seed=resampling.seed
    )
    if interval is None or (single is not None and single.low < interval.low):
        interval = single
    return [measured("detection_calibration_error", value, interval, boxes)]


def by_group(scored: ScoredBoxes, resampling: Resampling) -> list[Measurement]:
    """Mean average precision at 0.5 of each group of each group column; images without a group are counted."""
    return in_groups(scored, mean_average_precision_50, resampling)


baselines: Registry[Any] = Registry("baseline of boxes", "lextune.evaluation")
baselines.register("prior_boxes")(typical_boxes)


def answer(
    baseline: Any, train: TrainingInputs, test: Sequence[Any], like: ScoredBoxes
) -> ScoredBoxes:
    """What the baseline finds beside the labels that the model's answers have."""
    return ScoredBoxes(like.ids, like.labels, baseline(train, test), like.classes, {})


def difference(
    model: ScoredBoxes, baseline: ScoredBoxes, name: str, resampling: Resampling
) -> Measurement:
    """Mean average precision at 0.5 of the model minus the baseline's on the same images; n is images."""
    first, second = (_mean(one, resampling, _AT_50, 0) for one in (model, baseline))
    value, interval = over_images.difference(first, second, len(model.ids), resampling)
    return measured(f"mean_average_precision_50_minus_{name}", value, interval, len(model.ids))


def labels(
    inputs: Sequence[Any], cells: Sequence[str], classes: Sequence[str]  # noqa: ARG001
) -> list[tuple[Box, ...]]:  # fmt: skip
    """The objects of each image."""
    return [read_boxes(cell) for cell in cells]


def made_up(labels: Sequence[tuple[Box, ...]], classes: int) -> list[Found]:  # noqa: ARG001
    """What is labelled, found again."""
    return [
        tuple(ScoredBox(one.x1, one.y1, one.x2, one.y2, one.type, 1.0) for one in boxes)
        for boxes in labels
    ]


#: From such a score a box counts as given where an image is right or wrong as a whole.
_GIVEN = 0.5


def row_errors(scored: ScoredBoxes) -> npt.NDArray[np.float64]:
    """1 minus the F1 of the image's objects, overlapped by half; NaN where it has none and none was found."""
    matches, images = scored.matches, len(scored.ids)
    given = matches.counted[0] & (matches.score >= _GIVEN)
    found = np.bincount(matches.image[given], minlength=images)
    right = np.bincount(matches.image[given & matches.right[0]], minlength=images)
    return row_f1_errors(right, found, matches.labelled.sum(axis=1), scored.finite)


kinds.register("boxes")(
    Kind(
        ScoredBoxes, labels, made_up, metrics, by_group, baselines, answer,
        ("mean_average_precision_50", "mean_average_precision"), row_errors, difference,
    )
)  # fmt: skip
