"""Finds images that nearly look alike: candidates by a perceptual hash, confirmed by their pixels; it knows no label.

Two images are near duplicates where at most `MOST_BITS` of the 64 bits of their difference hashes differ and their
grey thumbnails of 16 by 16 correlate with at least `LEAST_CORRELATION`. Both are house figures, no standard has
them, taken from measurements on this house's own sets. The hash alone would do for photographs (of 79,000 pairs of
397 different ones none is that near) and not for small drawings: of the pairs of 5,000 digits of MNIST 6 % are, which
the thumbnails bring down to 0.005 %. Of copies that were saved again at JPEG quality 60, made grey, or made darker
in contrast at least 99 % are found; halved photographs too; crops of 2 % on each side mostly are not.

Every pair is compared, so time grows with the square of the number of images: half a second of a core for 12,000 of them,
six seconds for 50,000.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lextune import images
from lextune.data.columns import Ints
from lextune.data.quality.neighbours import Pairs
from lextune.extras import need

MOST_BITS, LEAST_CORRELATION = 8, 0.97
#: The side of a thumbnail, in pixels, and what its pixels must spread (levels of 255) to have a pattern at all.
SIDE, LEAST_SPREAD = 16, 1.0
#: Candidates of a kind that are compared for one image, the nearest first.
_TRIES = 8
_AT_ONCE = 1 << 22

Thumbnails = npt.NDArray[np.uint8]


def find_lookalikes(
    hashes: npt.NDArray[np.uint64], part: Ints, same: Ints, thumbnails: Callable[[Ints], Thumbnails]
) -> Pairs:
    """For each image the pairs with earlier images, one in its own part and one in an earlier part, if there are any.

    Args:
        hashes: In the order of parts, shape (images,).
        part: The part of each image, ascending, shape (images,).
        same: Equal numbers for files of the same bytes; such pairs are not looked for.
        thumbnails: Gives those of some images, by number, shape (some, `SIDE` * `SIDE`).
    """
    later, earlier = _candidates(hashes, part, same)
    wanted = np.unique(np.concatenate([later, earlier]))
    pixels = thumbnails(wanted)
    values = _similarities(pixels, np.searchsorted(wanted, later), np.searchsorted(wanted, earlier))
    near = np.flatnonzero(values >= LEAST_CORRELATION)
    kind = later[near] * 2 + (part[later[near]] == part[earlier[near]])
    best = near[np.lexsort((-values[near], kind))]
    kind = later[best] * 2 + (part[later[best]] == part[earlier[best]])
    chosen = best[np.unique(kind, return_index=True)[1]]
    return Pairs(later[chosen], earlier[chosen], values[chosen], len(later))


def read_thumbnails(files: Sequence[str], wanted: Ints) -> Thumbnails:
    """Grey thumbnails of files, read again, several at a time, shape (wanted, `SIDE` * `SIDE`).

    Raises:
        UnfitImageError, OSError: A file is not what it was.
    """
    paths = [files[number] for number in wanted.tolist()]
    found = np.empty((len(paths), SIDE * SIDE), np.uint8)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for row, one in enumerate(pool.map(_thumbnail, paths)):
            found[row] = one
    return found


def _thumbnail(path: str) -> Thumbnails:
    opened = images.open_image(Path(path).read_bytes())
    grey = images.in_rgb(images.load_upright(opened, 4 * SIDE, luminance=True)).convert("L")
    box = need("vision", "PIL.Image").Resampling.BOX
    return np.asarray(grey.resize((SIDE, SIDE), box)).ravel()


def _candidates(hashes: npt.NDArray[np.uint64], part: Ints, same: Ints) -> tuple[Ints, Ints]:
    """Pairs (later, earlier) whose hashes are near: of each later image the nearest of both kinds."""
    none = np.zeros(0, np.int64)
    found: list[tuple[Ints, Ints]] = [(none, none)]
    step = max(_AT_ONCE // max(len(hashes), 1), 1)
    for start in range(0, len(hashes), step):
        stop = min(start + step, len(hashes))
        bits = np.bitwise_count(hashes[start:stop, None] ^ hashes[None, :stop])
        row, earlier = np.nonzero(bits <= MOST_BITS)
        later = row + start
        before = (earlier < later) & (same[earlier] != same[later])
        row, later, earlier = row[before], later[before], earlier[before]
        kind = later * 2 + (part[later] == part[earlier])
        order = np.lexsort((earlier, bits[row, earlier], kind))
        kind = kind[order]
        new = np.concatenate([[True], kind[1:] != kind[:-1]]) if len(kind) else np.zeros(0, bool)
        index = np.arange(len(kind))
        first = order[index - np.maximum.accumulate(np.where(new, index, 0)) < _TRIES]
        found.append((later[first], earlier[first]))
    later, earlier = (np.concatenate(column) for column in zip(*found, strict=True))
    return later, earlier


def _similarities(pixels: Thumbnails, later: Ints, earlier: Ints) -> npt.NDArray[np.float64]:
    """Correlation of pairs of thumbnails, shape (pairs,); those without a pattern are alike if equally bright."""
    values = np.empty(len(later))
    for start in range(0, len(later), 4096):
        rows = slice(start, start + 4096)
        one, other = (pixels[at[rows]].astype(np.float64) for at in (later, earlier))
        means = one.mean(axis=1), other.mean(axis=1)
        one, other = one - means[0][:, None], other - means[1][:, None]
        spread = one.std(axis=1), other.std(axis=1)
        plain = [each < LEAST_SPREAD for each in spread]
        covariance = (one * other).mean(axis=1)
        values[rows] = covariance / np.maximum(spread[0] * spread[1], LEAST_SPREAD**2)
        alike = np.abs(means[0] - means[1]) < LEAST_SPREAD
        values[rows][plain[0] | plain[1]] = 0.0
        values[rows][plain[0] & plain[1] & alike] = 1.0
    return values
