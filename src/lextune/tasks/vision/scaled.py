"""Images taken whole at another scale, in inputs of different sizes that a batch pads; it knows no model and no label."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lextune.errors import ModelError, Problem
from lextune.images import Pixels8
from lextune.tasks.base import Files
from lextune.tasks.pretrained import read_json
from lextune.tasks.vision.augment import Geometry, lay, whole
from lextune.tasks.vision.transform import Transform, read_transform

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    from lextune.tasks.vision.pixels import Pixels


@dataclass(frozen=True)
class Scaling(Transform):
    """A transform that cuts nothing off.

    Attributes:
        longest: Of the longer side in pixels, when the shorter one gets the smaller one of `size`; None where every
            image becomes `size`, whatever its shape.
        multiple: Sides of a padded batch are multiples of it.
    """

    longest: int | None = None
    multiple: int = 1

    def scaled(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the input that an image of that height and width becomes."""
        if self.longest is None:
            return self.size
        scale = min(min(self.size) / min(shape), self.longest / max(shape))
        return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))

    def kept(self, shape: tuple[int, int]) -> tuple[int, int]:
        """The size at which the image is kept: no larger than it is."""
        height, width = self.scaled(shape)
        return min(height, shape[0]), min(width, shape[1])

    def padded(self, sizes: list[tuple[int, int]]) -> tuple[int, int]:
        """Height and width of a batch of inputs of these sizes."""
        if self.longest is None:
            return self.size
        return (
            -(-max(one[0] for one in sizes) // self.multiple) * self.multiple,
            -(-max(one[1] for one in sizes) // self.multiple) * self.multiple,
        )


@dataclass(frozen=True)
class PaddedBatch:
    """Inputs side by side, each in the upper left corner; the rest of it is 0, the mean colour.

    Attributes:
        pixels: Normalised, float32, shape (images, 3, height, width), channels last in memory.
        sizes: Height and width of each image in its input.
        alike: Whether all inputs have one size, whatever the images' shapes.
    """

    pixels: torch.Tensor
    sizes: list[tuple[int, int]]
    alike: bool = False

    def to(self, device: torch.device) -> PaddedBatch:
        """The same on a device."""
        return dataclasses.replace(self, pixels=self.pixels.to(device, non_blocking=True))


def geometry_of(pixels: Pixels, row: int) -> Geometry:
    """How an image, as it is kept, is laid into its input."""
    transform = _scaling(pixels)
    height, width = pixels.shapes[row].tolist()
    size = transform.scaled((int(pixels.originals[row, 0]), int(pixels.originals[row, 1])))
    if pixels.view is None:
        return whole((height, width), size)
    return pixels.view.zoom(row, (height, width), size)


def of_original(pixels: Pixels, row: int, geometry: Geometry) -> Geometry:
    """The same geometry in pixels of the upright original."""
    down, across = (pixels.originals[row] / pixels.shapes[row]).tolist()
    left, top, right, bottom = geometry.box
    return geometry._replace(box=(left * across, top * down, right * across, bottom * down))


def padded(pixels: Pixels, rows: npt.NDArray[np.int64]) -> PaddedBatch:
    """The images as inputs: at a random scale in training, at their own in prediction."""
    import numpy as np

    from lextune.tasks.vision.batches import normalised, stacked

    transform, view = _scaling(pixels), pixels.view
    geometries = {row: geometry_of(pixels, row) for row in rows.tolist()}
    sizes = [geometries[row].size for row in rows.tolist()]
    height, width = transform.padded(sizes)

    def made(row: int) -> Pixels8:
        laid = lay(pixels.image(row), geometries[row], transform.interpolation)
        laid = laid if view is None else view.colours(row, laid)
        canvas = np.zeros((height, width, 3), np.uint8)
        canvas[: laid.shape[0], : laid.shape[1]] = laid
        return canvas

    found = normalised(stacked(made, rows), pixels)
    for one, (down, across) in zip(found, sizes, strict=True):
        one[:, down:] = 0
        one[:, :, across:] = 0
    return PaddedBatch(found, sizes, transform.longest is None)


def _scaling(pixels: Pixels) -> Scaling:
    assert isinstance(pixels.transform, Scaling)
    return pixels.transform


def read_scaling(
    files: Files, settings: Mapping[str, str], *, short_side: int, longest: float, multiple: int
) -> Scaling:
    """The transform of a detector: as its preprocessor_config.json says, else by the arguments.

    Args:
        files: Of the model's folder.
        settings: As `image_settings` gives them; `image_size` is the shorter side, or both of a square input.
        short_side: Of a model that says nothing.
        longest: How much longer than the shorter side the other may be.
        multiple: Sides of a padded batch are multiples of it.

    Raises:
        ModelError: The model's file says what is not known here.
    """
    own = read_json(files, "preprocessor_config.json")
    asked = int(settings["image_size"]) if "image_size" in settings else None
    if not own:
        plain = read_transform(files, {})
        short = asked or short_side
        return _made(plain, (short, short), round(short * longest), multiple)
    size = own.get("size", {})
    try:
        plain = read_transform(
            {**files, "preprocessor_config.json": _without_size(own)}, {"image_size": "1"}
        )
        if not own.get("do_resize", True):
            raise ValueError("images are not resized")
        if isinstance(size, int):
            size = {"shortest_edge": size, "longest_edge": int(own.get("max_size", 1333))}
        if {"height", "width"} <= set(size):
            exact = (asked, asked) if asked else (int(size["height"]), int(size["width"]))
            return _made(plain, exact, None, 1)
        short, most = int(size["shortest_edge"]), int(size["longest_edge"])
    except (TypeError, ValueError, KeyError) as error:
        raise ModelError(
            Problem(
                "preprocessor_config.json does not say to which size images are brought",
                "give it a size of height and width, or of shortest_edge and longest_edge",
                str(error),
            )
        ) from error
    if asked:
        short, most = asked, max(asked, round(most * asked / short))
    return _made(plain, (short, short), most, 1)


def written_preprocessor(files: Files, scaling: Scaling) -> bytes:
    """preprocessor_config.json of a detector that was trained on images so scaled; all else as the model's own has it."""
    short, other = scaling.size
    size = (
        {"height": short, "width": other}
        if scaling.longest is None
        else {"shortest_edge": min(short, other), "longest_edge": scaling.longest}
    )
    own = {**read_json(files, "preprocessor_config.json"), "size": size}
    return json.dumps(own, indent=2, sort_keys=True).encode() + b"\n"


def _without_size(own: Mapping[str, Any]) -> bytes:
    kept = {key: one for key, one in own.items() if key not in ("size", "do_center_crop")}
    return json.dumps(kept).encode()


def _made(plain: Transform, size: tuple[int, int], longest: int | None, multiple: int) -> Scaling:
    return Scaling(
        size, 1.0, plain.interpolation, plain.mean, plain.std, longest=longest, multiple=multiple
    )
