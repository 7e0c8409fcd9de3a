"""Makes inputs and taught masks of images as they are kept, and masks at the original size of logits; it knows no network.

Training sees crops, prediction whole images that are padded to what networks can halve five times. A mask goes the
way of its image, but is read with the nearest pixel always: a value in between two classes would be a third one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from lextune.images import Pixels8
from lextune.tasks.vision.augment import Geometry, lay
from lextune.tasks.vision.batches import ImageBatch, normalised, stacked
from lextune.tasks.vision.found import VOID, FoundMask
from lextune.tasks.vision.pixels import Pixels

#: Height and width of an input are multiples of it: five stages halve them.
STRIDE = 32
#: Numbers that an enlarged piece of logits holds at most.
_PIECE = 16_000_000


@dataclass(frozen=True)
class TaughtFrames(Pixels):
    """Images with masks as training sees them in an epoch.

    Attributes:
        loss: What is minimised, as `train.segmentation_loss` has it.
    """

    loss: str = "cross_entropy"

    @classmethod
    def of(cls, pixels: Pixels, loss: str) -> TaughtFrames:
        """The same images, all of which become inputs of one size."""
        held = {one.name: getattr(pixels, one.name) for one in dataclasses.fields(Pixels)}
        return cls(**{**held, "alike": True}, loss=loss)


@dataclass(frozen=True)
class MaskTargets:
    """What a batch is taught.

    Attributes:
        values: Class numbers, `VOID` where nothing is taught, uint8, shape (images, height, width).
        loss: What is minimised.
    """

    values: torch.Tensor
    loss: str = "cross_entropy"

    def to(self, device: torch.device) -> MaskTargets:
        """The same on a device."""
        return MaskTargets(self.values.to(device, non_blocking=True), self.loss)


def frames(pixels: Pixels, rows: npt.NDArray[np.int64]) -> ImageBatch:
    """The images as inputs: random crops in training, whole and padded in prediction."""
    view, transform = pixels.view, pixels.transform
    if view is None:
        size = padded_size(pixels, rows)
        whole = stacked(lambda row: _padded(pixels.image(row), size), rows)
        return ImageBatch(normalised(whole, pixels), flip=transform.flip)

    def made(row: int) -> Pixels8:
        laid = lay(pixels.image(row), _crop(pixels, row), transform.interpolation)
        return view.colours(row, laid)

    return ImageBatch(normalised(stacked(made, rows), pixels))


def taught(
    pixels: Pixels, rows: npt.NDArray[np.int64], tables: npt.NDArray[np.uint8]
) -> MaskTargets:
    """The masks of the inputs that `frames` makes of the same rows.

    Args:
        pixels: With masks.
        rows: Which.
        tables: Class number, or `VOID`, of each value in the mask of each row of all, shape (all rows, 256).
    """
    size = padded_size(pixels, rows)

    def made(row: int) -> Pixels8:
        mask = pixels.mask(row)
        if pixels.view is None:
            mask = np.asarray(_padded(mask, size, VOID))
        else:
            mask = np.ascontiguousarray(lay(mask, _crop(pixels, row), "nearest"))
        return np.take(tables[row], mask)

    loss = pixels.loss if isinstance(pixels, TaughtFrames) else "cross_entropy"
    return MaskTargets(torch.from_numpy(stacked(made, rows)), loss)


def padded_size(pixels: Pixels, rows: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Height and width of the input that some whole images share."""
    height, width = (-(-int(side) // STRIDE) * STRIDE for side in pixels.shapes[rows].max(axis=0))
    return height, width


def class_tables(
    values: list[tuple[str, ...]], classes: Mapping[str, int]
) -> npt.NDArray[np.uint8]:
    """Class number of each value of each mask, `VOID` for others, shape (masks, 256).

    Args:
        values: Of each mask the classes of its values from 0 on, as `masks.load_mask` numbers them.
        classes: Their numbers.
    """
    tables = np.full((len(values), VOID + 1), VOID, np.uint8)
    for row, names in enumerate(values):
        tables[row, : len(names)] = [classes[name] for name in names]
    return tables


def class_pixels(
    pixels: Pixels, tables: npt.NDArray[np.uint8], classes: int
) -> npt.NDArray[np.int64]:
    """Pixels of each class in all masks as they are kept, shape (classes,); `tables` as `class_tables` made them."""
    total = np.zeros(VOID + 1, np.int64)
    for row in range(len(pixels)):
        np.add.at(total, tables[row], np.bincount(pixels.mask(row).ravel(), minlength=VOID + 1))
    return total[:classes]


def enlarged(logits: torch.Tensor, kept: tuple[int, int], original: tuple[int, int]) -> FoundMask:
    """The likeliest class of each pixel of the original image.

    The logits are laid over the original with bilinear interpolation, some of its rows at a time: a photograph of
    twenty megapixels has logits of gigabytes.

    Args:
        logits: Of one input, shape (classes, height, width); what lies beyond `kept` is padding.
        kept: Height and width of the image in the input.
        original: The same upright in its file.
    """
    given = logits[:, : kept[0], : kept[1]].float()
    height, width = original
    # columns first, rows piece by piece: bilinear interpolation is one after the other
    wide = torch.nn.functional.interpolate(
        given[None], (kept[0], width), mode="bilinear", align_corners=False
    )[0]
    at = ((torch.arange(height) + 0.5) * (kept[0] / height) - 0.5).clamp(0, kept[0] - 1)
    values, certainty, total = [], [], 0.0
    for piece in torch.split(at, max(1, _PIECE // (len(given) * width))):
        low = piece.floor().long()
        high = (low + 1).clamp(max=kept[0] - 1)
        share = (piece - low)[None, :, None].to(wide)
        best, number = torch.lerp(wide[:, low], wide[:, high], share).softmax(0).max(0)
        values.append(number.to(torch.uint8).cpu().numpy())
        total += float(best.double().sum())
        certainty.append((best.nan_to_num() * 255).round().to(torch.uint8).cpu().numpy())
    return FoundMask(np.concatenate(values), total / (height * width), np.concatenate(certainty))


def _crop(pixels: Pixels, row: int) -> Geometry:
    assert pixels.view is not None
    height, width = pixels.shapes[row].tolist()
    return pixels.view.crop(row, (height, width), pixels.transform.size)


def _padded(image: Pixels8, size: tuple[int, int], value: int | None = None) -> Pixels8:
    """An image at the upper left of a larger one, whose rest repeats the edge or has one value."""
    wide = [(0, size[0] - image.shape[0]), (0, size[1] - image.shape[1])]
    wide += [(0, 0)] * (image.ndim - 2)
    if value is None:
        return np.pad(image, wide, mode="edge")
    return np.pad(image, wide, constant_values=value)
