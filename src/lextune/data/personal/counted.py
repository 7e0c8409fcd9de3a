"""What was counted of personal data in texts, images and sounds, for the data report; it holds numbers alone."""

from __future__ import annotations

from collections.abc import Collection

from lextune.records import Measurement, Record


class PersonalDataCount(Record):
    """Rows with personal data.

    Attributes:
        rows: Of which there are so many,
        looked_at: and so many were looked at: all, or a seeded sample.
        found: Rows with data about a person (`counting.IMPERSONAL` are left out).
        sensitive: Rows with data that GDPR article 9 or PIPL article 28 names.
        types: Rows by type, all types that were found.
        minimum_score: Detections below it do not count.
        identifiers: Rows with a number or address of a person (`counting.IDENTIFIERS`).
    """

    rows: int
    looked_at: int
    found: int
    sensitive: int
    identifiers: int = 0
    types: dict[str, int]
    minimum_score: float


class ImageDataCount(Record):
    """Images with data about a person in or beside their pixels; nobody can say how sensitive what they show is.

    Attributes:
        rows: Of which there are so many; the metadata of all was looked at.
        found: Rows with metadata that may say something of a person (`images.metadata.PERSONAL`).
        types: Rows by kind of metadata, all kinds that were found.
        faces: Rows that seem to show a face; null where nobody looked.
        faces_looked_at: Of so many rows: all, or a seeded sample.
    """

    rows: int
    found: int
    types: dict[str, int]
    faces: int | None
    faces_looked_at: int


class SoundDataCount(Record):
    """Sounds with data about a person beside their samples, and in their transcripts; of voices nothing is counted.

    Attributes:
        rows: Of which there are so many; the metadata of all was looked at.
        found: Rows with metadata that may say something of a person (`audio.metadata.PERSONAL`).
        types: Rows by kind of metadata, all kinds that were found.
        transcripts: What was found in the words; null where labels are none.
    """

    rows: int
    found: int
    types: dict[str, int]
    transcripts: PersonalDataCount | None


def metadata_rows(
    name: str, counted: ImageDataCount | SoundDataCount, personal: Collection[str]
) -> list[Measurement]:
    """Rows whose files have metadata of a person: in all, and by each of the personal kinds."""
    total = Measurement.exact(name, counted.found, n=counted.rows, unit="rows")
    by_kind = [
        Measurement.exact(name, count, n=counted.rows, unit="rows").model_copy(
            update={"group": f"kind={kind}"}
        )
        for kind, count in counted.types.items()
        if kind in personal
    ]
    return [total, *by_kind]
