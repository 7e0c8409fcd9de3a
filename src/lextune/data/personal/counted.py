"""What was counted of personal data, for the data report; it holds numbers alone."""

from __future__ import annotations

from lextune.records import Record


class PersonalDataCount(Record):
    """Rows with personal data.

    Attributes:
        rows: Of which there are so many,
        looked_at: and so many were looked at: all, or a seeded sample.
        found: Rows with data about a person (`counting.IMPERSONAL` are left out).
        sensitive: Rows with data that GDPR article 9 or PIPL article 28 names; null of images: nobody can say.
        types: Rows by type, all types that were found; of images by kind of metadata.
        minimum_score: Detections below it do not count; null of images.
        faces: Images that seem to show a face; null where nobody looked.
        faces_looked_at: Of so many images.
    """

    rows: int
    looked_at: int
    found: int
    sensitive: int | None
    types: dict[str, int]
    minimum_score: float | None
    faces: int | None = None
    faces_looked_at: int = 0
