"""Images and annotations of a few pixels, and reading them as a run does."""

from __future__ import annotations

import numpy as np
from PIL import Image

from lextune.config import DataConfig
from lextune.data.dataset import load_rows, read_options
from lextune.data.findings import Findings
from lextune.data.formats import ReadContext
from lextune.labels import read_boxes


def picture(path, width=40, height=30, seed=0, orientation=1):
    """A photograph of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    exif = Image.Exif()
    if orientation != 1:
        exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)
    return path


def values(path, rows):
    """A mask file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(rows, np.uint8)).save(path)
    return path


def load(path, kind="boxes", **config):
    """Rows and context of one source."""
    given = DataConfig(train=(str(path),), **config)
    context = ReadContext(read_options(given, kind, "image"), Findings())
    return load_rows((str(path),), given, context), context


def boxes_by_image(rows):
    """Name of the image's file to its boxes."""
    return {
        file.rsplit("/", 1)[-1]: [tuple(box) for box in read_boxes(label)]
        for file, label in zip(rows.images.files, rows.labels, strict=True)
    }


def problems(context):
    return {item.kind: item for item in context.findings.problems()}
