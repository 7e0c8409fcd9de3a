"""Looks at the image of a row, and keeps what was seen as columns; it knows no format."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lextune.config import DataConfig
from lextune.data.columns import Ints, NameList, Names, Spool, Texts
from lextune.data.formats import RawRow, ReadContext
from lextune.extras import need
from lextune.images import UnfitImageError
from lextune.labels import LabelKind

if TYPE_CHECKING:
    from lextune.data.images.probe import Probe


@dataclass(frozen=True)
class ImageColumns:
    """What is known of the images of rows, row by row.

    Attributes:
        files: Paths of the images.
        masks: Paths of their masks; empty texts where there are none.
        sizes: Upright width and height in pixels, shape (2, rows).
        perceptual: A hash that images share which look alike, uint64.
        metadata: Kinds of metadata in each file, joined by commas; the empty name where there is none.
    """

    files: Texts
    masks: Texts
    sizes: npt.NDArray[np.int32]
    perceptual: npt.NDArray[np.uint64]
    metadata: Names

    def take(self, rows: Ints) -> ImageColumns:
        """Those rows, in that order."""
        return ImageColumns(
            self.files.take(rows), self.masks.take(rows), self.sizes[:, rows], self.perceptual[rows],
            self.metadata.take(rows),
        )  # fmt: skip

    def table_columns(self) -> dict[str, Any]:
        """What a table of rows holds of their images."""
        pa = need("data", "pyarrow")
        width, height = self.sizes
        return {
            "image": pa.array(list(self.files), pa.large_string()),
            "mask": pa.array(list(self.masks), pa.large_string()),
            "width": pa.array(width),
            "height": pa.array(height),
        }


class ImageReading:
    """The images of one part as its rows are read."""

    def __init__(self, config: DataConfig, context: ReadContext) -> None:
        self.config, self.context = config, context
        self.files, self.masks = Spool(context.scratch), Spool(context.scratch)
        self.sizes = array("i"), array("i")
        self.perceptual = array("Q")
        self.metadata = NameList()
        self._probe: Probe | None = None
        self._where = ""

    def close(self) -> None:
        """Let the files without a name go; columns that were made of them stay."""
        self.files.__exit__()
        self.masks.__exit__()

    def accept(self, looked: Probe | UnfitImageError, raw: RawRow) -> Probe | None:
        """What was seen; None after telling the context's findings why there is nothing to see."""
        if isinstance(looked, UnfitImageError):
            self.context.skip(looked.kind, looked.fact, looked.remedy, raw.where)
            self._probe = None
        else:
            self._probe, self._where = looked, raw.where
            if not looked.fits(raw.values[self.context.options.text] or ""):
                self.context.findings.add(
                    "image_suffix", "info", f"images in {looked.format} whose names end as those of another format",
                    "none is needed: they are read by what they hold", raw.where,
                )  # fmt: skip
        return self._probe

    def read_label(
        self, cell: str, kind: LabelKind, probe: Probe, rename: Callable[[str], str]
    ) -> tuple[str, tuple[str, ...], str]:
        """A cell of boxes or of a mask in its one form, the names in it, and the path of the mask.

        Raises:
            UnfitLabelError: It cannot be read, or does not fit the image.
        """
        from lextune.data.images import annotations

        def told(note: annotations.Note) -> None:
            self.context.findings.add(
                note.kind, note.severity, note.fact, note.remedy, self._where, count=note.count, unit=note.unit
            )  # fmt: skip

        if kind == "boxes":
            label, names = annotations.read_boxes_cell(
                cell, probe, rename=rename, flat=self.config.flat_boxes, told=told
            )
            return label, names, ""
        return annotations.read_mask_cell(
            cell, probe, rename=rename, ignore=self.config.ignore_labels, told=told
        )

    def add(self, file: str, mask: str) -> None:
        """The image that was accepted last belongs to one more row."""
        assert self._probe is not None
        self.files.add(file)
        self.masks.add(mask)
        for column, side in zip(self.sizes, self._probe.size, strict=True):
            column.append(side)
        self.perceptual.append(self._probe.perceptual)
        self.metadata.add(",".join(self._probe.metadata))

    def columns(self) -> ImageColumns:
        """All of them."""
        return ImageColumns(
            self.files.column(), self.masks.column(), np.array(self.sizes, np.int32),
            np.array(self.perceptual, np.uint64), self.metadata.column(),
        )  # fmt: skip


def look_at_image(values: Mapping[str, str | None], column: str) -> Probe | UnfitImageError:
    """What the image of a row with these cells is, or why it cannot be read; its path is in that column."""
    from lextune.data.images.probe import probe

    path = values.get(column)
    if not path:
        return UnfitImageError(
            "missing_image", "rows without the path of an image", "write it there, or remove the row"
        )  # fmt: skip
    try:
        return probe(Path(path).read_bytes())
    except UnfitImageError as error:
        return error
    except OSError as error:
        return UnfitImageError(
            "unreadable_image", f"images that cannot be read: {error.strerror}",
            "check the paths, which are taken from the folder of the file that names them",
        )  # fmt: skip
