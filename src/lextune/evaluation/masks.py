"""What is measured of tasks that give each pixel a class: overlap by class, with intervals over images; it knows no bound.

Pixels of many images fit into no memory. So a part's answers are made image by image, while the model finds them:

    truth = read_truth(image, classes)                 # what the label says
    label = layout(truth, len(classes))                # kept as the label
    summary = summarise(found, truth, len(classes))    # kept as what was found; None where not finite
    ScoredMasks(ids, labels, summaries, classes, groups)

Pixels that are void in the truth leave both sets. A class that is in neither truth nor prediction is left out; one
that is in only one of them counts 0. Figures are of all pixels of all images together, as in the field (Everingham et
al. 2010, IJCV 88), not means over images.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from lextune.evaluation import resampling as over_images
from lextune.evaluation.kinds import (
    Kind,
    Resampling,
    TrainingInputs,
    in_groups,
    kept,
    kinds,
)
from lextune.evaluation.metrics import measured
from lextune.images import ImageInput
from lextune.labels import LabelKind, Mask, read_mask
from lextune.masks import VOID, load_mask
from lextune.records import Measurement
from lextune.registry import Registry
from lextune.tasks.vision.found import FoundMask

Counts = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float64]
Values = npt.NDArray[np.uint8]

#: Rows and columns of the grid in which a layout counts pixels.
GRID = 8


def in_classes(values: Values, mask: Mask, classes: Sequence[str]) -> Values:
    """The pixels of one mask in the class numbers of a model, `VOID` where they are void.

    Args:
        values: Places in `tuple(mask.classes.values())`, or `VOID`, uint8, shape (height, width).
        mask: What the label says of the mask.
        classes: Of the model.

    Raises:
        ValueError: A class of the mask is unknown to the model, or there are more classes than numbers.
    """
    if len(classes) > VOID:
        raise ValueError(f"a mask has no more than {VOID} classes")
    number = {name: place for place, name in enumerate(classes)}
    table = np.full(256, VOID, np.uint8)
    for place, name in enumerate(mask.classes.values()):
        if name not in number:
            raise ValueError("a class of the mask is not among those of the model")
        table[place] = number[name]
    return table[values]


def read_truth(image: ImageInput, classes: Sequence[str]) -> Values:
    """The class number of each pixel of a labelled image, upright, `VOID` where void; shape (height, width).

    Raises:
        UnfitImageError: The mask's file is not what the label says.
        ValueError: The label is no mask, or holds a class that is unknown.
    """
    mask = read_mask(image.label or "null")
    return in_classes(load_mask(Path(image.mask).read_bytes(), mask), mask, classes)


def layout(truth: Values, classes: int) -> Counts:
    """How many pixels of each class lie in each cell of an 8 by 8 grid, shape (64, classes); void ones nowhere."""
    height, width = truth.shape
    rows, columns = (np.arange(size) * GRID // size for size in (height, width))
    cell = rows[:, None] * GRID + columns
    known = truth != VOID
    place = cell[known] * classes + truth[known]
    return np.bincount(place, minlength=GRID * GRID * classes).reshape(-1, classes).astype(np.uint32)  # fmt: skip


@dataclass(frozen=True)
class MaskSummary:
    """What is kept of the pixels of one image.

    Attributes:
        confusion: Pixels by true and predicted class, shape (classes, classes); void ones are none.
        bins: Pixels, the sum of their certainties and how many are right, by certainty, shape (15, 3).
        confidence: Mean probability of the classes that were chosen.
    """

    confusion: Counts
    bins: Floats
    confidence: float


def summarise(found: FoundMask, truth: Values, classes: int) -> MaskSummary | None:
    """The summary of one image, or None where the model gave a number that is not finite.

    Args:
        found: What the model says, with the certainty of each pixel.
        truth: Class numbers, `VOID` where void, uint8, of the same shape.
        classes: How many.

    Raises:
        ValueError: The two differ in shape, a number is no class, or the certainty is missing.
    """
    if not math.isfinite(found.confidence):
        return None
    if found.certainty is None or not found.values.shape == found.certainty.shape == truth.shape:
        raise ValueError("truth, found classes and their certainty are not of one shape")
    known = truth != VOID
    true, given = truth[known].astype(np.int64), found.values[known].astype(np.int64)
    if true.size and max(int(true.max()), int(given.max())) >= classes:
        raise ValueError("a pixel has a number that is no class")
    confusion = np.bincount(true * classes + given, minlength=classes * classes)
    sure = found.certainty[known]
    # Right and wrong pixels of each of the 256 certainties, then 17 of them to a bin: 255ths fall on no edge.
    pixels = np.bincount(sure, minlength=256)
    right = np.bincount(sure[true == given], minlength=256)
    steps = np.arange(256)
    place = np.minimum(steps * over_images.BINS // 255, over_images.BINS - 1)
    columns = (pixels, pixels * (steps / 255), right)
    bins: Floats = np.stack(
        [np.bincount(place, weights=one, minlength=over_images.BINS) for one in columns], axis=1
    )
    square = confusion.reshape(classes, classes).astype(np.uint32)
    return MaskSummary(square, bins, float(found.confidence))


@dataclass(frozen=True)
class ScoredMasks:
    """Predictions of one part in memory, without any pixel.

    Attributes:
        ids: Row ids, shape (images,).
        labels: The layout of each image's truth.
        found: What is kept of each image; None where the model gave a number that is not finite.
        classes: Names, in the order of their numbers.
        groups: Column to the group of each image; null where it has none.
    """

    kind: ClassVar[LabelKind] = "mask"
    ids: tuple[str, ...]
    labels: Sequence[Counts]
    found: Sequence[MaskSummary | None]
    classes: tuple[str, ...]
    groups: Mapping[str, Sequence[str | None]]

    @property
    def finite(self) -> npt.NDArray[np.bool_]:
        """Where the model answered, shape (images,)."""
        return np.array([one is not None for one in self.found], bool)

    @cached_property
    def counts(self) -> Floats:
        """Pixels that are right, that have the class, that were given it, shape (images, classes, 3).

        An image without an answer has none right and none given.
        """
        counts = np.zeros((len(self.ids), len(self.classes), 3))
        for row, (label, one) in enumerate(zip(self.labels, self.found, strict=True)):
            counts[row, :, 1] = label.sum(axis=0)
            if one is not None:
                counts[row, :, 0] = np.diagonal(one.confusion)
                counts[row, :, 2] = one.confusion.sum(axis=0)
        return counts

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """Pixels of all images by true and predicted class, shape (classes, classes)."""
        total = np.zeros((len(self.classes),) * 2, np.int64)
        for one in self.found:
            if one is not None:
                total += one.confusion
        return total

    def keep(self, mask: npt.NDArray[np.bool_]) -> ScoredMasks:
        """The images where the mask is True."""
        made: ScoredMasks = kept(self, mask)
        return made

    def columns(self) -> dict[str, Any]:
        """label, prediction, right: pixels by class; and the mean probability of the chosen classes."""
        counts = self.counts.astype(np.int64)
        answered = self.finite.tolist()
        right, label, prediction = (
            [self._cell(row) for row in counts[:, :, column]] for column in range(3)
        )
        return {
            "label": label,
            "prediction": [one if good else None for one, good in zip(prediction, answered, strict=True)],
            "right": [one if good else None for one, good in zip(right, answered, strict=True)],
            "confidence": [None if one is None else round(one.confidence, 6) for one in self.found],
        }  # fmt: skip

    def _cell(self, pixels: npt.NDArray[np.int64]) -> str:
        held = {name: int(n) for name, n in zip(self.classes, pixels, strict=True) if n}
        return json.dumps(held, ensure_ascii=False, separators=(",", ":"))


metrics: Registry[Any] = Registry("metric of masks", "lextune.evaluation")


def overlap(counts: Floats) -> Floats:
    """Intersection over union from sums (right, true, given) in the last axis; NaN where a class is in neither."""
    union = counts[..., 1] + counts[..., 2] - counts[..., 0]
    return over_images.ratio(counts[..., 0], union)


def dice(counts: Floats) -> Floats:
    """Twice the intersection over the sum of both sets (Dice 1945); NaN where a class is in neither."""
    return over_images.ratio(2 * counts[..., 0], counts[..., 1] + counts[..., 2])


def _drawn(scored: ScoredMasks, resampling: Resampling) -> Floats:
    """Sums of the counts over each draw of images, shape (samples, classes, 3)."""
    draws = over_images.draws(len(scored.ids), resampling).astype(np.float64)
    flat = scored.counts.reshape(len(scored.ids), -1)
    return np.asarray((draws @ flat).reshape(len(draws), -1, 3))


def _mean(values: Floats) -> Floats:
    """Over the classes that are anywhere, the last axis; NaN where none is."""
    known = np.isfinite(values)
    return over_images.ratio(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1))


def _mean_of(scored: ScoredMasks, resampling: Resampling, share: Any) -> over_images.Figure:
    """A figure's mean over classes: value, draws and interval."""
    value = float(_mean(share(scored.counts.sum(axis=0))))
    drawn = _mean(share(_drawn(scored, resampling)))
    images = len(scored.ids)
    return (
        value, drawn, over_images.interval(value, drawn, images, images, resampling, widen=False)
    )  # fmt: skip


@metrics.register("mean_iou")
def mean_iou(scored: ScoredMasks, resampling: Resampling) -> list[Measurement]:
    """Mean over classes of intersection over union; n is images."""
    value, _, interval = _mean_of(scored, resampling, overlap)
    return [measured("mean_iou", value, interval, len(scored.ids))]


@metrics.register("mean_dice")
def mean_dice(scored: ScoredMasks, resampling: Resampling) -> list[Measurement]:
    """Mean over classes of Dice's coefficient, the F1 of pixels; n is images."""
    value, _, interval = _mean_of(scored, resampling, dice)
    return [measured("mean_dice", value, interval, len(scored.ids))]


@metrics.register("iou")
def iou(scored: ScoredMasks, resampling: Resampling) -> list[Measurement]:
    """Intersection over union of each class; n is the images that have it in truth or prediction."""
    values, drawn = overlap(scored.counts.sum(axis=0)), overlap(_drawn(scored, resampling))
    held = (scored.counts[..., 1:].sum(axis=2) > 0).sum(axis=0)
    return [
        measured(
            f"iou.{name}",
            float(values[i]),
            over_images.interval(
                float(values[i]), drawn[:, i], int(held[i]), int(held[i]), resampling, widen=False
            ),
            int(held[i]),
        )
        for i, name in enumerate(scored.classes)
    ]


@metrics.register("pixel_accuracy")
def pixel_accuracy(scored: ScoredMasks, resampling: Resampling) -> list[Measurement]:
    """Share of the pixels, of those that are not void, that are given their class; n is images."""

    def share(counts: Floats) -> Floats:
        sums = counts.sum(axis=-2)
        return over_images.ratio(sums[..., 0], sums[..., 1])

    value, drawn = float(share(scored.counts.sum(axis=0))), share(_drawn(scored, resampling))
    images = len(scored.ids)
    interval = over_images.interval(value, drawn, images, images, resampling, widen=False)
    return [measured("pixel_accuracy", value, interval, images)]


@metrics.register("expected_calibration_error")
def expected_calibration_error(scored: ScoredMasks, resampling: Resampling) -> list[Measurement]:
    """Gap between the probability of the chosen class and accuracy over pixels, 15 equal-width bins; n is images."""
    bins = [one.bins for one in scored.found if one is not None]
    stacked = np.array(bins, np.float64).reshape(len(bins), over_images.BINS, 3)
    value, interval = over_images.calibration(stacked, resampling)
    return [measured("expected_calibration_error", value, interval, len(bins))]


def by_group(scored: ScoredMasks, resampling: Resampling) -> list[Measurement]:
    """Mean overlap of each group of each group column; images without a group are counted."""
    return in_groups(scored, mean_iou, resampling)


baselines: Registry[Any] = Registry("baseline of masks", "lextune.evaluation")


@baselines.register("majority_class")
def majority_class(train: TrainingInputs, classes: int) -> npt.NDArray[np.int64]:
    """The class of most pixels of train, in every cell."""
    pixels = _pixels(train, classes)
    return np.full(GRID * GRID, int(pixels.sum(axis=0).argmax()))


@baselines.register("mean_layout")
def mean_layout(train: TrainingInputs, classes: int) -> npt.NDArray[np.int64]:
    """In each cell of an 8 by 8 grid the class of most pixels of train there, or anywhere where all are void."""
    pixels = _pixels(train, classes)
    somewhere = pixels.any(axis=1)
    return np.asarray(np.where(somewhere, pixels.argmax(axis=1), pixels.sum(axis=0).argmax()))


def _pixels(train: TrainingInputs, classes: int) -> npt.NDArray[np.int64]:
    total = np.zeros((GRID * GRID, classes), np.int64)
    for label in train.labels:
        total += label
    return total


def answer(
    baseline: Any,
    train: TrainingInputs,
    test: Sequence[Any],  # noqa: ARG001
    like: ScoredMasks,
) -> ScoredMasks:
    """What the baseline gives in place of the model; it looks at no test image, and is sure of what it says."""
    given = baseline(train, len(like.classes))
    chosen = np.zeros((GRID * GRID, len(like.classes)))
    chosen[np.arange(GRID * GRID), given] = 1
    found = []
    for label in like.labels:
        confusion = (label.T.astype(np.float64) @ chosen).astype(np.uint32)
        bins = np.zeros((over_images.BINS, 3))
        bins[-1] = confusion.sum(), confusion.sum(), np.trace(confusion)
        found.append(MaskSummary(confusion, bins, 1.0))
    return ScoredMasks(like.ids, like.labels, found, like.classes, {})


def difference(
    model: ScoredMasks, baseline: ScoredMasks, name: str, resampling: Resampling
) -> Measurement:
    """Mean overlap of the model minus the baseline's on the same images; n is images."""
    first, second = (_mean_of(one, resampling, overlap) for one in (model, baseline))
    value, interval = over_images.difference(first, second, len(model.ids), resampling)
    return measured(f"mean_iou_minus_{name}", value, interval, len(model.ids))


def labels(
    inputs: Sequence[ImageInput], cells: Sequence[str], classes: Sequence[str]  # noqa: ARG001
) -> list[Counts]:  # fmt: skip
    """The layout of the truth of each image."""
    return [layout(read_truth(one, classes), len(classes)) for one in inputs]


def made_up(labels: Sequence[Counts], classes: int) -> list[MaskSummary]:  # noqa: ARG001
    """Masks that are right in every pixel."""
    pixels = [np.diag(label.sum(axis=0)).astype(np.uint32) for label in labels]
    return [MaskSummary(one, np.ones((over_images.BINS, 3)), 1.0) for one in pixels]


def reduce(
    found: FoundMask | None, image: ImageInput, classes: Sequence[str]
) -> MaskSummary | None:
    """A summary of the mask beside the truth: pixels are too many to keep."""
    return None if found is None else summarise(found, read_truth(image, classes), len(classes))


def row_errors(scored: ScoredMasks) -> npt.NDArray[np.float64]:
    """1 minus the mean overlap of the classes that are in the image or were given it; NaN where all of it is void."""
    each = overlap(scored.counts)
    known = np.isfinite(each)
    count = known.sum(axis=1)
    mean = np.divide(np.where(known, each, 0).sum(axis=1), count, out=np.full(len(each), np.nan), where=count > 0)  # fmt: skip
    return np.where(scored.finite, 1 - mean, np.nan)


kinds.register("mask")(
    Kind(
        ScoredMasks, labels, made_up, metrics, by_group, baselines, answer,
        ("mean_iou", "pixel_accuracy"), row_errors, difference, reduce,
    )
)  # fmt: skip
