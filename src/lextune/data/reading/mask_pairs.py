"""Reads pairs of an image and its mask, from a list of both or from two folders; it knows no model and no class."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lextune.data.formats import RawRow, ReadContext, ReadOptions, Source, data_format
from lextune.data.images.layouts import (
    IMAGE_FOLDERS,
    ImageFinder,
    Listing,
    images_below,
    is_image,
    lacks_columns,
    no_layout,
)
from lextune.data.opening import record_digest
from lextune.files import sha256

#: What folders of masks are called beside a folder of images.
MASK_FOLDERS = ("masks", "SegmentationClass", "annotations", "labels", "Annotations", "Masks", "mask", "gt")  # fmt: skip
#: What names of masks have behind those of their images.
_ENDS = ("", "_mask", "_masks", "_label", "_labels", "_seg", "_segmentation", "_L")
Pair = tuple[str, str | None, str]


def recognise(path: Path, options: ReadOptions) -> bool:
    """A list of two paths a line, a list of ImageSets/Segmentation, or a folder of images beside one of masks."""
    if options.label_kind != "mask":
        return False
    if path.is_dir():
        return _folders(path) is not None
    if path.suffix.lower() != ".txt" or not path.is_file():
        return False
    with open(path, encoding="utf-8", errors="replace") as file:
        parts = _split(file.readline())
    return _are_images(parts) or (len(parts) == 1 and _devkit(path) is not None)


@data_format("mask_pairs", recognise=recognise)
def read_mask_pairs(source: Source, context: ReadContext) -> Iterator[RawRow]:
    """One row per image, in the order of the list or of the paths.

    In folders a mask has its image's name up to the suffix, or that and `_mask` or the like. Images without a mask
    are errors; masks without an image are told.
    """
    path = source.path
    if path is not None and path.is_dir() and (folders := _folders(path)):
        pairs = _matched(*folders, path, source, context)
    elif path is not None and path.is_file():
        pairs = _listed(path, source, context)
    else:
        no_layout(source, context, "a list of `image mask`, or a folder with images and masks")
        return
    if lacks_columns(source, context):
        return
    listing = Listing()
    for image, mask, where in pairs:
        if mask is None and context.options.label is not None:
            context.skip(
                "missing_mask", "images without a mask", "add the mask, or move the image away", where
            )  # fmt: skip
            continue
        values: dict[str, str | None] = {context.options.text: image}
        if context.options.label is not None:
            values[context.options.label] = mask
        listing.add(f"{Path(image).name} {Path(mask).name if mask else ''}", b"")
        yield RawRow(values, where)
    if path is not None and path.is_file():
        data = path.read_bytes()
        record_digest(source, sha256(data), len(data), context)
    else:
        listing.record(source, context)


def _listed(path: Path, source: Source, context: ReadContext) -> Iterator[Pair]:
    """Of each line image and mask; of a list of the development kit of VOC, the pair of the name."""
    devkit = _devkit(path)
    lines = path.read_text("utf-8-sig", errors="surrogateescape").splitlines()
    if not any(line.strip() for line in lines):
        context.findings.add(
            "empty_file", "error", "the list is empty", "give a list of `image mask`", source.name, unit="files"
        )  # fmt: skip
    for at, line in enumerate(lines, 1):
        where, parts = f"{source.name}:{at}", _split(line)
        if not parts:
            continue
        if _are_images(parts):
            image, mask = (str(path.parent / part) for part in parts)
            yield image, mask, where
        elif devkit is not None and len(parts) == 1:
            found = devkit[1].find("", parts[0])
            yield devkit[0].find("", parts[0]), found if Path(found).is_file() else None, where
        else:
            context.skip(
                "bad_line", "lines that are no pair of an image and a mask",
                "write both paths, from the folder of the list; a tab between them if they have spaces", where,
            )  # fmt: skip


def _split(line: str) -> list[str]:
    """The cells of a line: between tabs, else commas, else white space."""
    bare = line.strip().removeprefix("\ufeff")
    if "\t" in bare:
        return [cell.strip() for cell in bare.split("\t")]
    cells = bare.split()
    commas = [cell.strip() for cell in bare.split(",")]
    return commas if len(commas) == 2 and not _are_images(cells) else cells


def _are_images(parts: list[str]) -> bool:
    return len(parts) == 2 and all(is_image(Path(part)) for part in parts)


def _devkit(path: Path) -> tuple[ImageFinder, ImageFinder] | None:
    """Images and masks of the folder in which ImageSets/Segmentation lies."""
    if path.parent.parent.name != "ImageSets":
        return None
    root = path.parents[2]
    folder = root / "SegmentationClass"
    images = ImageFinder(root / name for name in IMAGE_FOLDERS)
    return (images, ImageFinder([folder])) if folder.is_dir() else None


def _folders(path: Path) -> tuple[Path, Path] | None:
    """The folders of images and masks that a folder means: both inside it, or itself below `images`."""
    pairs = [(path / image, path / mask) for image in IMAGE_FOLDERS for mask in MASK_FOLDERS]
    for at in range(len(path.parts) - 1, -1, -1):
        if path.parts[at] in IMAGE_FOLDERS:
            rest, above = path.parts[at + 1 :], Path(*path.parts[:at])
            pairs += [(path, above.joinpath(mask, *rest)) for mask in MASK_FOLDERS]
            break
    both = ((image, mask) for image, mask in pairs if image.is_dir() and mask.is_dir())
    return next(((image, mask) for image, mask in both if images_below(mask)), None)


def _matched(
    images: Path, masks: Path, root: Path, source: Source, context: ReadContext
) -> Iterator[Pair]:
    """Each image with the mask of its name; images that share one are told apart by nothing, so they are errors."""
    found: dict[str, Path] = {}
    for mask in images_below(masks):
        found.setdefault(mask.relative_to(masks).with_suffix("").as_posix(), mask)
    used: set[str] = set()
    base = source.name.rstrip("/")
    for image in images_below(images):
        key = image.relative_to(images).with_suffix("").as_posix()
        name = next((key + end for end in _ENDS if key + end in found), None)
        where = f"{base}/{image.relative_to(root).as_posix()}"
        if name in used:
            context.skip(
                "shared_mask", "images that have the mask of another image: their names differ in the suffix alone",
                "keep one of them", where,
            )  # fmt: skip
            continue
        used |= {name} if name else set()
        yield str(image), str(found[name]) if name else None, where
    for key in sorted(set(found) - used):
        context.findings.add(
            "mask_without_image", "warning", "masks without an image were not read", "add the image, or move it away",
            f"{masks.name}/{key}", unit="files",
        )  # fmt: skip
