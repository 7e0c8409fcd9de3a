"""Counts images whose files say something of a person, and those that show a face where that can be looked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from lextune import images
from lextune.config import PersonalDataConfig
from lextune.data.columns import Ints
from lextune.data.dataset import Rows
from lextune.data.findings import PLACES, Findings
from lextune.data.images.faces import SHORT_SIDE, FaceFinder, face_finder
from lextune.data.images.metadata import PERSONAL
from lextune.data.personal.counted import ImageDataCount, metadata_rows
from lextune.data.quality.sampling import sample
from lextune.records import Measurement

#: What a face is called among the kinds.
FACE = "face"
_NO_FACES = "no detector of faces is installed: nobody looked at what the images show"


def count_in_images(
    parts: Mapping[str, Rows], asked: PersonalDataConfig, seed: int, findings: Findings
) -> ImageDataCount:
    """Rows by kind of metadata, all of them, and with faces, of a sample of `asked.rows` where there are more.

    Places, dates and names are in no result, nor is what else the metadata says.
    """
    kinds = Counter[str]()
    found: list[str] = []
    for rows in parts.values():
        assert rows.images is not None
        for row, name in enumerate(rows.images.metadata.numbers.tolist()):
            of_row = set((rows.images.metadata.names[name] if name >= 0 else "").split(",")) - {""}
            kinds.update(of_row)
            if of_row & PERSONAL:
                found.append(rows.places[row])
    finder = face_finder()
    faces, looked_at = _faces(parts, asked, seed, finder) if finder is not None else (None, 0)
    made = ImageDataCount(
        rows=sum(len(rows) for rows in parts.values()),
        found=len(found),
        types=dict(sorted(kinds.items())),
        faces=None if faces is None else len(faces),
        faces_looked_at=looked_at,
    )
    _tell(made, found, faces, findings)
    return made


def measure_in_images(counted: ImageDataCount) -> tuple[Measurement, ...]:
    """Rows with personal metadata, in all and by kind, and rows with faces; what nobody looked at is null."""
    told = metadata_rows("image_metadata_rows", counted, PERSONAL)
    faces = Measurement(
        name="face_rows", value=counted.faces, n=counted.faces_looked_at, unit="rows",
        problem=None if counted.faces is not None else _NO_FACES,
    )  # fmt: skip
    shown = "nobody looked at who and what the images show, beside their metadata"
    unknown = [
        Measurement(name=name, value=None, n=0, unit="rows", problem=shown)
        for name in ("personal_data_rows", "sensitive_personal_data_rows")
    ]
    return (*told, faces, *unknown)


def _faces(
    parts: Mapping[str, Rows], asked: PersonalDataConfig, seed: int, finder: FaceFinder
) -> tuple[list[str], int]:
    """Places of the images with a face, and how many images were looked at."""
    total = sum(len(rows) for rows in parts.values())
    share = min((asked.rows or total) / max(total, 1), 1.0)
    found, looked_at = [], 0
    for rows in parts.values():
        taken = sample(rows.ids, max(round(share * len(rows)), 1), seed)
        looked_at += len(taken)
        found += [rows.places[row] for row in _showing(rows, taken, finder)]
    return found, looked_at


def _showing(rows: Rows, taken: Ints, finder: FaceFinder) -> Iterator[int]:
    assert rows.images is not None
    for row in taken.tolist():
        pixels = images.decode(Path(rows.images.files[row]).read_bytes(), SHORT_SIDE)
        if finder(np.ascontiguousarray(pixels)):
            yield row


def _tell(
    made: ImageDataCount, found: list[str], faces: list[str] | None, findings: Findings
) -> None:
    kinds = ", ".join(f"{name} {count:,}" for name, count in made.types.items() if name in PERSONAL)
    told = [
        (
            "personal_data", f"of {made.rows:,} images, those whose metadata may say something of a person: {kinds}",
            "have a lawful basis for it, or write them again without: lextune data redact", found,
        ),
        (
            "faces", f"of {made.faces_looked_at:,} images that were looked at, those that seem to show a face",
            "have a lawful basis for them; a face that a person is recognised by is biometric data (GDPR article "
            "9, PIPL article 28)", faces or [],
        ),
    ]  # fmt: skip
    for kind, fact, remedy, places in told:
        for place in places[:PLACES]:
            findings.add(kind, "info", fact, remedy, place)
        if len(places) > PLACES:
            findings.add(kind, "info", fact, remedy, count=len(places) - PLACES)
    if faces is None:
        findings.add(
            "faces_not_looked_for", "info", "faces were not looked for: no detector of them is installed",
            "pip install 'opencv-python-headless<5', if you want to know", unit="detectors",
        )  # fmt: skip
