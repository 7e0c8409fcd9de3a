"""Writes images again without their metadata, a file or a whole folder; it prints nothing and looks at no pixels."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lextune.data.class_folders import files_below
from lextune.data.findings import Findings
from lextune.data.formats import ReadContext, ReadOptions, Source
from lextune.data.images.stripping import LeftoverError, Stripped, strip
from lextune.data.reading.image_folder import is_image_name
from lextune.data.redaction.files import Counts, RedactedFile, new_folder
from lextune.errors import DataError, Problem
from lextune.extras import require
from lextune.files import digest_file, digest_folder, write_atomic
from lextune.images import UnfitImageError
from lextune.records import FileDigest

_REPORT_EVERY = 1000


def redact_images(
    path: Path, output: Path, tell: Callable[[str], None] = lambda _: None
) -> RedactedFile:
    """Write every image below a folder, or one image, again without metadata and upright, under the same name.

    What is no image is not copied, which is told: nobody has looked for personal data in it. The output appears
    only when it is whole.

    Raises:
        DataError: Every image that cannot be read; or the output is there already, or the source.
        EnvironmentProblem: The output cannot be written.
    """
    require("vision")
    _check(path, output)
    findings = Findings()
    counts = Counts()
    if not path.is_dir():
        for _, made in _stripped([path], path.parent, str(path.parent), findings, counts):
            findings.raise_errors()
            write_atomic(output, made.data)
        findings.raise_errors()
        return _result((digest_file(path, str(path)),), (digest_file(output, str(output)),), counts, findings)  # fmt: skip
    context = ReadContext(ReadOptions(input_kind="image"), findings)
    files = files_below(
        path, path, Source(str(path), path=path), context, fits=is_image_name, what="image",
        remedy="they were not copied: redact tables and texts by themselves, and copy what is left",
    )  # fmt: skip
    if not files:
        raise DataError(Problem(f"{path} holds no images", "check the path"))
    with new_folder(output) as folder:
        for file, made in _stripped(files, path, str(path), findings, counts):
            target = folder / file.relative_to(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(made.data)
            if counts.rows % _REPORT_EVERY == 0:
                tell(f"redacted {counts.rows:,} images")
        findings.raise_errors()
    return _result(digest_folder(path), digest_folder(output), counts, findings)


def _stripped(
    files: list[Path], root: Path, name: str, findings: Findings, counts: Counts
) -> Iterator[tuple[Path, Stripped]]:
    """The images that can be read, in order, several at a time; the others go to the findings."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for file, made in zip(files, pool.map(_strip, files), strict=True):
            place = f"{name.rstrip('/')}/{file.relative_to(root).as_posix()}"
            if not isinstance(made, Stripped):
                findings.add(made.kind, "error", made.fact, made.remedy, place, unit="images")
                continue
            counts.rows += 1
            counts.changed_rows += made.changed
            counts.detections.update(made.before.metadata)
            _tell(made, place, findings)
            yield file, made


def _strip(file: Path) -> Stripped | UnfitImageError:
    try:
        return strip(file.read_bytes())
    except UnfitImageError as error:
        return error
    except LeftoverError as error:
        return UnfitImageError(
            "metadata_left", f"images of which metadata would stay: {error}",
            "save them as PNG, and report it with the kind of file",
        )  # fmt: skip
    except OSError as error:
        return UnfitImageError(
            "unreadable_image", f"images that cannot be read: {error.strerror}",
            "mend the link or the permissions, or remove them",
        )  # fmt: skip


def _tell(made: Stripped, place: str, findings: Findings) -> None:
    if made.lossy:
        findings.add(
            "encoded_again", "info",
            "images that had to be turned upright and so were encoded again, with the tables of their own file",
            "none is needed: the loss is about that of rounding", place, unit="images",
        )  # fmt: skip
    if made.first_only:
        findings.add(
            "first_only", "warning", "files of several images of which only the first was written",
            "save each as a file of its own, if they are wanted", place, unit="images",
        )  # fmt: skip


def _result(
    read: tuple[FileDigest, ...],
    written: tuple[FileDigest, ...],
    counts: Counts,
    findings: Findings,
) -> RedactedFile:
    return RedactedFile(counts, read, written, {}, findings.problems())


def _check(path: Path, output: Path) -> None:
    if path.is_dir() and output.exists():
        raise DataError(Problem(f"{output} is there already", "name a folder that is not"))
    if output.exists() and output.samefile(path):
        raise DataError(
            Problem(f"{output} is the source itself", "name another output", "the original would be lost")
        )  # fmt: skip
    if not path.is_dir() and output.suffix.lower() != path.suffix.lower():
        raise DataError(
            Problem(
                f"{output} does not end in {path.suffix}",
                "name it as the image",
                "the format is kept",
            )
        )
