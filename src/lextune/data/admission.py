"""Which rows may be used: live consent where that is the basis, nobody who asked for erasure; it knows no store."""

from __future__ import annotations

import datetime
import unicodedata
from collections import Counter
from collections.abc import Callable

from lextune.config import DataConfig
from lextune.data.findings import Findings, shown
from lextune.data.formats import RawRow
from lextune.errors import DataError
from lextune.records import DataOrigin, Measurement
from lextune.rights import ConsentConfig, retention_problem

#: Whether a person, by the id in `columns.subject`, asked for erasure.
Erased = Callable[[str], bool]
#: More words than these in a consent column mean another column: they may be names, and are not told.
MANY_WORDS, LONG_WORD = 10, 24

_REMEDY = "none is needed if that is so; else mend the consent column"


class Gate:
    """Decides on rows one by one, before anything else is done with them, and counts those that it refuses.

    Args:
        config: The `data` section.
        on: The day on which consent must be live and the data must not be past its retention.
        erased: Who asked for erasure; None where nobody did.
    """

    def __init__(
        self, config: DataConfig, on: datetime.date | None = None, erased: Erased | None = None
    ) -> None:
        self.on = on if on is not None else datetime.datetime.now(datetime.UTC).date()
        self.read = 0
        self.refused: Counter[str] = Counter()
        self._config, self._erased = config, erased
        self._subject = config.columns.subject
        self._consent = config.columns.consent if config.lawful_basis == "consent" else None
        self._rule = config.consent or ConsentConfig()
        self._given = frozenset(map(_word, self._rule.given))
        self._not_given = frozenset(map(_word, self._rule.refused))
        self._odd: Counter[str] = Counter()

    def about(self, column: str) -> None:
        """Take the column for the subject of a row, where the config names none."""
        if self._subject is None:
            self._subject = column

    def require_in_time(self) -> None:
        """Refuse data that is past its retention, before a row of it is read.

        Raises:
            DataError: It is.
        """
        problem = retention_problem(self._config.retention_until, self.on)
        if problem is not None:
            raise DataError(problem)

    def admits(self, raw: RawRow, findings: Findings) -> bool:
        """Whether the row may be used; if not, why not goes to the findings."""
        self.read += 1
        if self._erased is not None and self._subject is not None:
            subject = raw.values.get(self._subject)
            if subject and self._erased(subject):
                self.refused["erased"] += 1
                self._tell_erased(raw, findings)
                return False
        if self._consent is None:
            return True
        kind, fact, remedy = self._consent_of(raw)
        if not kind:
            return True
        self.refused[kind] += 1
        findings.add(kind, "warning", fact, remedy, raw.where)
        return False

    def finish(self, findings: Findings) -> None:
        """Report what was met in the whole data."""
        if self._erased is not None and self._subject is None:
            findings.add(
                "erasure_unchecked", "warning",
                "people asked for erasure, and no column says whom a row is about",
                "name the column in data.columns.subject, unless the data is about nobody", unit="sources",
            )  # fmt: skip
        if not self._odd:
            return
        words = ", ".join(f"{shown(word)} {count:,}" for word, count in sorted(self._odd.items()))
        if len(self._odd) > MANY_WORDS or max(map(len, self._odd)) > LONG_WORD:
            words = "they are many or long, so they are not shown"
        findings.add(
            "unknown_consent_word", "warning",
            f"words of {shown(str(self._consent))} that mean neither given nor refused: {words}",
            "add each to data.consent.given or data.consent.refused, and check data.columns.consent",
            count=self.refused["unknown_consent"],
        )  # fmt: skip

    def origin(self) -> DataOrigin:
        """What the owner stated, and what was refused, for the evidence."""
        config = self._config
        rule = None if self._consent is None else self._rule.model_dump(mode="json")
        return DataOrigin(
            source=config.source,
            purpose=config.purpose,
            retention_until=config.retention_until,
            language=config.language,
            consent=rule,
            sensitive=config.columns.sensitive,
            manifest=config.manifest,
            excluded=dict(sorted(self.refused.items())),
        )

    def measurements(self) -> tuple[Measurement, ...]:
        """Counted only where it was looked for: without a basis of consent nobody can say who consents."""
        found = []
        if self._consent is not None:
            without = self.refused.total() - self.refused["erased"]
            asked = self.read - self.refused["erased"]
            share = (asked - without) / asked if asked else float("nan")
            found = [
                Measurement.exact("rows_without_consent", without, n=asked, unit="rows"),
                Measurement.exact("consent_share", share, n=asked, unit="proportion"),
            ]
        if self._erased is not None and self._subject is not None:
            erased = self.refused["erased"]
            found.append(Measurement.exact("erased_rows", erased, n=self.read, unit="rows"))
        return tuple(found)

    def _tell_erased(self, raw: RawRow, findings: Findings) -> None:
        stop = self._config.erased == "error"
        findings.add(
            "erased_subject", "error" if stop else "warning", "rows of people who asked for erasure",
            "delete them from the source" + (", or set data.erased: exclude until that is done" if stop else ""),
            raw.where,
        )  # fmt: skip

    def _consent_of(self, raw: RawRow) -> tuple[str, str, str]:
        """Kind, fact and remedy of why there is no live consent; an empty kind where there is."""
        word = _word(raw.values.get(self._consent or "") or "")
        if word not in self._given:
            if not word:
                return "no_consent", "rows left out: the consent is not stated", _REMEDY
            if word in self._not_given:
                return "refused_consent", "rows left out: consent is refused", _REMEDY
            if len(self._odd) <= MANY_WORDS or word in self._odd:
                self._odd[word] += 1
            fact = "rows left out: the word for the consent is unknown"
            return "unknown_consent", fact, "see unknown_consent_word"
        for column, kind, fact in (
            (self._rule.withdrawn_at, "withdrawn_consent", "rows left out: consent was withdrawn"),
            (self._rule.valid_until, "expired_consent", "rows left out: consent has expired"),
        ):
            cell = (raw.values.get(column) if column else None) or ""
            if not cell.strip():
                continue
            day = _day(cell.strip())
            if day is None:
                remedy = f"write the days of {shown(str(column))} as YYYY-MM-DD"
                return "unreadable_consent_day", "rows left out: a day cannot be read", remedy
            live = day > self.on if kind == "withdrawn_consent" else day >= self.on
            if not live:
                return kind, fact, _REMEDY
        return "", "", ""


def consent_columns(config: DataConfig) -> dict[str, str]:
    """The columns that a consent is read from, each with the option that names it."""
    if config.lawful_basis != "consent":
        return {}
    rule = config.consent or ConsentConfig()
    named = {
        "data.columns.consent": config.columns.consent,
        "data.consent.withdrawn_at": rule.withdrawn_at,
        "data.consent.valid_until": rule.valid_until,
    }
    return {column: option for option, column in named.items() if column is not None}


def _word(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _day(text: str) -> datetime.date | None:
    """The day (UTC where a zone is given) of a date or a time in ISO 8601; None where it is none."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return (moment.astimezone(datetime.UTC) if moment.tzinfo else moment).date()
    except OverflowError:
        return None
