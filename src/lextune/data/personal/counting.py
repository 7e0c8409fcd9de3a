"""Counts rows with personal data, by type, for the data report; it names places and never a value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from lextune.config import DataConfig, PersonalDataConfig
from lextune.data.audio.personal import count_in_sounds, measure_in_sounds
from lextune.data.audio.transcripts import transcribed
from lextune.data.columns import Ints
from lextune.data.dataset import Rows
from lextune.data.findings import PLACES, Findings, Level
from lextune.data.images.personal import count_in_images, measure_in_images
from lextune.data.personal.counted import ImageDataCount, PersonalDataCount, SoundDataCount
from lextune.data.personal.detector import Detector
from lextune.data.personal.types import TYPES
from lextune.data.records import words_of
from lextune.records import Interval, Measurement
from lextune.statistics import wilson

#: Types that say nothing about a person unless something else does; listed by type, not counted as personal data.
IMPERSONAL = frozenset(
    {
        "CN_UNIFIED_SOCIAL_CREDIT_CODE", "DATE_TIME", "DOMAIN_NAME", "LOCATION", "NRP", "URL", "ZIP_CODE",
    }
)  # fmt: skip
#: Numbers and addresses of which one alone says who somebody is, or lets them be reached or paid for.
IDENTIFIERS = frozenset(
    {
        "BANK_ACCOUNT", "CN_BANK_CARD", "CN_PASSPORT", "CN_PERMANENT_RESIDENT_CARD", "CN_RESIDENCE_PERMIT",
        "CN_RESIDENT_ID", "CN_TRAVEL_PERMIT", "CREDIT_CARD", "EMAIL_ADDRESS", "HK_ID", "IBAN_CODE", "ID_NUMBER", "KR_RRN",
        "PASSPORT", "PHONE_NUMBER", "TW_ID", "US_DRIVER_LICENSE", "US_ITIN", "US_SSN",
    }
)  # fmt: skip
_SENSITIVE = frozenset(name for name, known in TYPES.items() if known.sensitive)
_SECRET = frozenset({"CREDENTIAL"})
_PERSONAL = frozenset(TYPES) - IMPERSONAL - _SECRET


def count_personal(
    parts: Mapping[str, Rows], config: DataConfig, findings: Findings
) -> PersonalDataCount | ImageDataCount | SoundDataCount | None:
    """Look for personal data in rows as they were read and tell the findings; None where the config says not to.

    Of more rows than `data.personal_data.rows` a sample is looked at: every row is as likely, and which they
    are depends on ids and the split's seed alone, not on the order of rows.
    """
    asked = config.personal_data
    total = sum(len(rows) for rows in parts.values())
    if not asked.report or not total:
        return None
    seed = config.split.seed
    if any(rows.images is not None for rows in parts.values()):
        return count_in_images(parts, asked, seed, findings)
    if any(rows.sounds is not None for rows in parts.values()):
        words = {
            name: transcribed(rows) for name, rows in parts.items() if rows.kind == "transcript"
        }
        said = _count_in_texts(words, asked, seed, findings) if words else None
        return count_in_sounds(parts, said, findings)
    return _count_in_texts(parts, asked, seed, findings)


def _count_in_texts(
    parts: Mapping[str, Rows], asked: PersonalDataConfig, seed: int, findings: Findings
) -> PersonalDataCount:
    total = sum(len(rows) for rows in parts.values())
    chosen = _sample(parts, asked.rows or total, seed)
    detector = Detector(minimum_score=asked.minimum_score)
    types = Counter[str]()
    places: dict[frozenset[str], list[str]] = {
        _PERSONAL: [], _SENSITIVE: [], _SECRET: [], IDENTIFIERS: [],
    }  # fmt: skip
    for name, rows in parts.items():
        for kinds, place in _found(rows.take(chosen[name]), detector):
            types.update(kinds)
            for group, known in places.items():
                if kinds & group:
                    known.append(place)
    made = PersonalDataCount(
        rows=total,
        looked_at=sum(map(len, chosen.values())),
        found=len(places[_PERSONAL]),
        sensitive=len(places[_SENSITIVE]),
        identifiers=len(places[IDENTIFIERS]),
        types=dict(sorted(types.items())),
        minimum_score=asked.minimum_score,
    )
    _tell(made, places, findings)
    return made


def measure_personal(
    counted: PersonalDataCount | ImageDataCount | SoundDataCount | None,
) -> tuple[Measurement, ...]:
    """Rows with personal and with sensitive personal data, and with numbers of people; nothing where nobody looked.

    Of a sample: the count scaled to all rows, with Wilson's interval scaled likewise.
    """
    if counted is None:
        return ()
    if isinstance(counted, ImageDataCount):
        return measure_in_images(counted)
    if isinstance(counted, SoundDataCount):
        said = counted.transcripts
        in_words = (
            ()
            if said is None
            else (
                _measurement("transcript_personal_data_rows", said.found, said),
                _measurement("transcript_sensitive_personal_data_rows", said.sensitive, said),
            )
        )
        return (*measure_in_sounds(counted), *in_words)
    return (
        _measurement("personal_data_rows", counted.found, counted),
        _measurement("sensitive_personal_data_rows", counted.sensitive, counted),
        _measurement("personal_identifier_rows", counted.identifiers, counted),
    )


def _measurement(name: str, found: int, counted: PersonalDataCount) -> Measurement:
    total, n = counted.rows, counted.looked_at
    interval = None if n == total else wilson(found, n)
    if interval is None:
        return Measurement.exact(name, found, n=n, unit="rows")
    scaled = Interval(
        low=max(interval.low * total, found),
        high=min(interval.high * total, total - (n - found)),
        level=interval.level,
        method=f"{interval.method}, from a seeded sample of {n} of {total} rows",
    )
    return Measurement(name=name, value=found / n * total, interval=scaled, n=n, unit="rows")


def _sample(parts: Mapping[str, Rows], limit: int, seed: int) -> dict[str, Ints]:
    """Places of the rows to look at, in order, by part."""
    ids = np.concatenate([rows.ids for rows in parts.values()])
    taken = np.arange(len(ids))
    if limit < len(ids):
        by_id = np.argsort(ids, kind="stable")
        taken = np.sort(by_id[np.random.default_rng(seed).permutation(len(ids))[:limit]])
    found, start = {}, 0
    for name, rows in parts.items():
        inside = taken[(taken >= start) & (taken < start + len(rows))]
        found[name] = inside - start
        start += len(rows)
    return found


def _found(rows: Rows, detector: Detector) -> Iterator[tuple[frozenset[str], str]]:
    """The types in each row that has any, and its place."""
    words = words_of if rows.records else str
    texts = (words(text) for block in rows.texts.blocks() for text in block)
    for number, found in enumerate(detector.detect_many(texts)):
        if found:
            yield frozenset(one.type for one in found), rows.places[number]


def _tell(
    made: PersonalDataCount, places: Mapping[frozenset[str], list[str]], findings: Findings
) -> None:
    of = f"{made.rows:,} rows"
    if made.looked_at < made.rows:
        of = f"a sample of {made.looked_at:,} of {of}"
    told: tuple[tuple[frozenset[str], str, Level, str, str], ...] = (
        (_PERSONAL, "personal_data", "info", "what may be personal data",
         "have a lawful basis for it, or take it out: data.redact, or lextune data redact"),
        (_SENSITIVE, "sensitive_personal_data", "warning",
         "what may be sensitive personal data (GDPR article 9, PIPL article 28)",
         "have the consent or exception that the law asks for, or take it out with data.redact"),
        (_SECRET, "secret_in_text", "warning", "what looks like a password, key or token",
         "revoke them where they are real, and take them out with data.redact"),
    )  # fmt: skip
    for group, kind, severity, what, remedy in told:
        found = places[group]
        if not found:
            continue
        kinds = ", ".join(
            f"{name} {count:,}" for name, count in made.types.items() if name in group
        )
        fact = f"of {of}, those with {what}: {kinds}"
        for place in found[:PLACES]:
            findings.add(kind, severity, fact, remedy, place)
        if len(found) > PLACES:
            findings.add(kind, severity, fact, remedy, count=len(found) - PLACES)
