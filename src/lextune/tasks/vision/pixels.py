"""Holds images decoded once, as bytes in one array that may lie in a mapped file; it knows no model and no label.

An image is kept no larger than its model needs, so that no epoch decodes or shrinks it again.
"""

from __future__ import annotations

import dataclasses
import io
import json
import mmap
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lextune.errors import DataError, Problem, VerificationError
from lextune.extras import need
from lextune.files import disk_problems, open_atomic, remove_unfinished, sha256
from lextune.images import ImageInput, Pixels8, UnfitImageError, decode
from lextune.tasks.vision.transform import Transform

if TYPE_CHECKING:
    from lextune.tasks.vision.augment import View

_SCHEMA = "lextune.pixels/v1"
#: Pixels that one pass through a model takes on a CPU; a larger batch is summed over several.
PIXELS_AT_ONCE = 2_500_000
_TAIL = 8


@dataclass(frozen=True)
class Pixels:
    """Upright RGB images one after the other.

    Attributes:
        data: Of all images, uint8, shape (bytes,).
        shapes: Height and width of each image as it is kept, int32, shape (images, 2).
        originals: The same of the upright image in its file.
        transform: How an image becomes the model's input.
        masks: A value for each pixel that is kept, uint8, shape (pixels,); None where images have no masks.
        view: How training sees the images in one epoch; None is as prediction sees them.
        alike: Whether all images become inputs of one size; otherwise batches are of images of similar shape.
    """

    data: npt.NDArray[np.uint8]
    shapes: npt.NDArray[np.int32]
    originals: npt.NDArray[np.int32]
    transform: Transform
    masks: npt.NDArray[np.uint8] | None = None
    view: View | None = None
    alike: bool = True

    def __post_init__(self) -> None:
        sizes = self.shapes.astype(np.int64).prod(axis=1)
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
        object.__setattr__(self, "_starts", starts)

    def __len__(self) -> int:
        return len(self.shapes)

    @property
    def truncated(self) -> int:
        """None: an image is scaled, not cut."""
        return 0

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """1 where all become inputs of one size, else the pixels that are kept; shape (images,)."""
        if self.alike:
            return np.ones(len(self), np.int64)
        return np.asarray(self.shapes.astype(np.int64).prod(axis=1))

    def image(self, row: int) -> Pixels8:
        """One image as it is kept, shape (height, width, 3)."""
        start, stop = self._span(row)
        height, width = self.shapes[row].tolist()
        return self.data[3 * start : 3 * stop].reshape(height, width, 3)

    def mask(self, row: int) -> Pixels8:
        """The mask of one image, at the size at which the image is kept."""
        assert self.masks is not None
        start, stop = self._span(row)
        height, width = self.shapes[row].tolist()
        return self.masks[start:stop].reshape(height, width)

    def in_order(self, batch_size: int) -> list[npt.NDArray[np.int64]]:
        """Batches for prediction, of images of similar shape where they differ."""
        order = np.arange(len(self))
        if not self.alike:
            order = np.lexsort((self.shapes[:, 1], self.shapes[:, 0]))
        batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        return [part for batch in batches for part in self.cut(batch)]

    def cut(
        self, rows: npt.NDArray[np.int64], tokens: int | None = None  # noqa: ARG002
    ) -> list[npt.NDArray[np.int64]]:  # fmt: skip
        """The rows in parts of about equally many pixels, at most `PIXELS_AT_ONCE` where that is possible."""
        if not len(rows):
            return []
        height, width = self.transform.size
        pixels = height * width if self.alike else int(self.lengths[rows].max())
        parts = -(-pixels * len(rows) // PIXELS_AT_ONCE)
        return [part for part in np.array_split(rows, min(parts, len(rows))) if len(part)]

    def seen(self, view: View) -> Pixels:
        """The same images as training sees them in an epoch."""
        return dataclasses.replace(self, view=view)

    def _span(self, row: int) -> tuple[int, int]:
        starts: npt.NDArray[np.int64] = self._starts  # type: ignore[attr-defined]
        return int(starts[row]), int(starts[row + 1])


#: Gives the size (height, width) at which an image of an upright size is kept.
Fit = Callable[[tuple[int, int]], tuple[int, int]]
#: Reads the mask of an input at the size that its image has upright.
ReadMask = Callable[[ImageInput], Pixels8]


def encode_images(
    inputs: Sequence[ImageInput], transform: Transform, fit: Fit, *, read_mask: ReadMask | None = None,
    alike: bool = True,
) -> Pixels:  # fmt: skip
    """Decode images and keep them at the size that `fit` says, none larger than it is.

    Raises:
        VerificationError: A file is not the one that was looked at.
        DataError: A file cannot be read any more.
    """
    images, masks = [], []
    originals = np.zeros((len(inputs), 2), np.int32)
    for row, given in enumerate(inputs):
        image, originals[row] = _decoded(given, transform, fit)
        images.append(image)
        if read_mask is not None:
            masks.append(_shrunk(read_mask(given), image.shape[:2]))
    shapes = np.array([image.shape[:2] for image in images], np.int32).reshape(-1, 2)
    data = np.concatenate([image.ravel() for image in images]) if images else np.zeros(0, np.uint8)
    values = None
    if read_mask is not None:
        values = np.concatenate([one.ravel() for one in masks]) if masks else np.zeros(0, np.uint8)
    return Pixels(data, shapes, originals, transform, values, alike=alike)


def _decoded(given: ImageInput, transform: Transform, fit: Fit) -> tuple[Pixels8, tuple[int, int]]:
    pil = need("vision", "PIL.Image")
    data = given.data
    if data is None:
        try:
            data = Path(given.file).read_bytes()
        except OSError as error:
            raise _gone(given, str(error.strerror)) from error
        if sha256(data) != given.sha256:
            raise VerificationError(
                Problem(
                    f"the image {given.file} is not the one that was checked",
                    "run again from the config",
                    "it was changed between the checks and its use",
                )
            )
    size = original_size(data)
    height, width = fit(size)
    try:
        image = decode(data, min(height, width))
    except UnfitImageError as error:
        raise _gone(given, error.fact) from error
    if image.shape[0] > height or image.shape[1] > width:
        how = getattr(pil.Resampling, transform.interpolation.upper())
        shrunk = pil.fromarray(image).resize((width, height), how)
        image = np.asarray(shrunk)
    return image, size


def original_size(data: bytes) -> tuple[int, int]:
    """Height and width of the upright image in a file, from its header.

    Raises:
        DataError: It is no image.
    """
    from lextune.images import open_image, orientation

    try:
        image = open_image(data)
    except UnfitImageError as error:
        raise DataError(Problem(f"found {error.fact}", error.remedy)) from error
    turned = image.format != "TIFF" and orientation(image) > 4  # Pillow turns TIFF by itself
    return (image.width, image.height) if turned else (image.height, image.width)


def _shrunk(mask: Pixels8, shape: tuple[int, ...]) -> Pixels8:
    """A mask at another size: the nearest value, for a value in between would be another class."""
    if mask.shape == shape:
        return mask
    pil = need("vision", "PIL.Image")
    small = pil.fromarray(mask).resize((shape[1], shape[0]), pil.Resampling.NEAREST)
    return np.asarray(small)


def short_side_fit(short_side: int) -> Fit:
    """Keep an image so that its shorter side has that many pixels, unless it is smaller."""

    def fit(size: tuple[int, int]) -> tuple[int, int]:
        scale = min(1.0, short_side / min(size))
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))

    return fit


def _gone(given: ImageInput, why: str) -> DataError:
    return DataError(
        Problem(
            "an image cannot be read", "restore it, or run again from the config", why, given.file
        )
    )


Encode = Callable[[Sequence[ImageInput]], Pixels]
Advance = Callable[[int], None]


def kept_pixels(
    path: Path, encode: Encode, blocks: Iterable[Sequence[ImageInput]], advance: Advance
) -> Pixels:
    """The images of all blocks, mapped from a file; one that a run left behind whole is not made again.

    Args:
        path: Its name must say all that decides the pixels, for nothing else is compared.
        encode: As `Task.encoder` makes it.
        blocks: The inputs, in order.
        advance: Told of the inputs of each block.
    """
    with disk_problems(path):
        path.parent.mkdir(mode=0o700, exist_ok=True)
    remove_unfinished(path.parent)
    if not path.is_file():  # it appears whole or not at all
        with open_atomic(path, mode=0o600) as stream, disk_problems(path):
            _write(stream, encode, blocks, advance)
    with disk_problems(path), open(path, "rb") as stream:
        return _map(stream, encode([]))


def unnamed_pixels(
    encode: Encode, blocks: Iterable[Sequence[ImageInput]], advance: Advance, folder: Path | None
) -> Pixels:
    """The images of all blocks, mapped from a file without a name on the disk of `folder`."""
    place = folder or Path(tempfile.gettempdir())
    with disk_problems(place), tempfile.TemporaryFile(dir=place) as stream:
        _write(stream, encode, blocks, advance)
        stream.flush()
        return _map(stream, encode([]))


def _write(
    stream: IO[bytes], encode: Encode, blocks: Iterable[Sequence[ImageInput]], advance: Advance
) -> None:
    """All pixels, then all masks, shapes and original shapes, and how many there are."""
    shapes, originals, masks = [], [], io.BytesIO()
    for found in _ahead(encode, blocks):
        stream.write(found.data.data)
        shapes.append(found.shapes)
        originals.append(found.originals)
        if found.masks is not None:
            masks.write(found.masks.data)
        advance(len(found))
    both = [np.concatenate([np.zeros((0, 2), np.int32), *some]).astype("<i4") for some in (shapes, originals)]  # fmt: skip
    stream.write(masks.getbuffer())
    for table in both:
        stream.write(table.tobytes())
    about = json.dumps({"schema": _SCHEMA, "images": len(both[0]), "masks": masks.tell()}).encode()
    stream.write(about + len(about).to_bytes(_TAIL, "little"))


def _map(stream: IO[bytes], like: Pixels) -> Pixels:
    data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    size = int.from_bytes(data[-_TAIL:], "little")
    end = len(data) - _TAIL - size
    about: dict[str, Any] = json.loads(data[end : end + size])
    count, masked = about["images"], about["masks"]
    table = np.frombuffer(data, "<i4", 4 * count, end - 16 * count).reshape(2, count, 2)
    pixels = end - 16 * count - masked
    masks = np.frombuffer(data, np.uint8, masked, pixels) if like.masks is not None else None
    return Pixels(
        np.frombuffer(data, np.uint8, pixels), table[0], table[1], like.transform, masks, alike=like.alike
    )  # fmt: skip


def _ahead(encode: Encode, blocks: Iterable[Sequence[ImageInput]]) -> Iterator[Pixels]:
    """Each block encoded, in order; as many are under way as there are cores."""
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        under_way: deque[Future[Pixels]] = deque()
        for block in blocks:
            under_way.append(pool.submit(encode, block))
            if len(under_way) > workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
