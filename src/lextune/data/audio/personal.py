"""Counts sounds whose files say something of a person; who speaks in them it does not ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from lextune.data.audio.metadata import PERSONAL
from lextune.data.dataset import Rows
from lextune.data.findings import PLACES, Findings
from lextune.data.personal.counted import PersonalDataCount, SoundDataCount, metadata_rows
from lextune.records import Measurement


def count_in_sounds(
    parts: Mapping[str, Rows], said: PersonalDataCount | None, findings: Findings
) -> SoundDataCount:
    """Rows by kind of metadata, all of them; names, places and dates are in no result.

    Args:
        parts: As they were read.
        said: What was counted in the transcripts.
        findings: What is found is told there.
    """
    kinds = Counter[str]()
    found: list[str] = []
    for rows in parts.values():
        assert rows.sounds is not None
        column = rows.sounds.metadata
        for row, number in enumerate(column.numbers.tolist()):
            of_row = set(column.names[number].split(",")) - {""}
            kinds.update(of_row)
            if of_row & PERSONAL:
                found.append(rows.places[row])
    made = SoundDataCount(
        rows=sum(len(rows) for rows in parts.values()),
        found=len(found),
        types=dict(sorted(kinds.items())),
        transcripts=said,
    )
    _tell(made, found, findings)
    return made


def measure_in_sounds(counted: SoundDataCount) -> tuple[Measurement, ...]:
    """Rows with personal metadata, in all and by kind; how many people are heard is null: nobody counted them."""
    told = metadata_rows("sound_metadata_rows", counted, PERSONAL)
    heard = "a voice is personal data, and nobody counted the voices that are heard"
    unknown = [
        Measurement(name=name, value=None, n=0, unit="rows", problem=heard)
        for name in ("personal_data_rows", "sensitive_personal_data_rows")
    ]
    return (*told, *unknown)


def _tell(made: SoundDataCount, found: list[str], findings: Findings) -> None:
    kinds = ", ".join(f"{name} {count:,}" for name, count in made.types.items() if name in PERSONAL)
    fact = f"of {made.rows:,} sounds, those whose metadata may say something of a person: {kinds}"
    remedy = "have a lawful basis for it, or save them again as plain WAV or FLAC without tags"
    for place in found[:PLACES]:
        findings.add("personal_data", "info", fact, remedy, place)
    if len(found) > PLACES:
        findings.add("personal_data", "info", fact, remedy, count=len(found) - PLACES)
    findings.add(
        "voices", "info", "rows are sounds in which people may be heard: a voice is personal data",
        "have a lawful basis for it; where it is to tell who speaks it is biometric data (GDPR article 9, PIPL "
        "article 28), and emotion read from it at work or in education is prohibited (AI Act article 5(1)(f))",
        count=made.rows, unit="rows",
    )  # fmt: skip
