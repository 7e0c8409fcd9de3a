"""What a quality check gets and gives, and the function that runs those of a config; it knows no particular check."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lextune.config import QualityConfig
from lextune.data.audio.transcripts import transcribed
from lextune.data.dataset import Progress, Rows
from lextune.data.findings import Findings
from lextune.data.quality.results import QualityResult
from lextune.errors import LextuneError
from lextune.registry import Registry


@dataclass(frozen=True)
class QualityInput:
    """What every check looks at.

    Attributes:
        parts: Rows by part, train first: as they are used in a run, as they were read in `data check`.
        corpus: Train as it was read, before sampling and cutting; samples for review are drawn from it.
        config: Thresholds, seeds and lists.
        scratch: On whose disk texts lie meanwhile; None is the system's folder of temporary files.
    """

    parts: Mapping[str, Rows]
    corpus: Rows
    config: QualityConfig
    scratch: Path | None = None


class QualityCheck(Protocol):
    """Measures, and tells what wants a look to the findings."""

    def __call__(self, given: QualityInput, findings: Findings) -> QualityResult: ...  # noqa: D102


def not_for(check: str, noun: str) -> QualityResult:
    """What a check says where rows are what it does not look at: that it measured nothing."""
    return QualityResult(
        check=check, status="not_applicable", reason=f"rows are {noun}s, and this looks at texts"
    )


def in_words(given: QualityInput, check: str) -> QualityInput | QualityResult:
    """What a check of texts looks at: the texts, or the transcripts of sounds; else that it measured nothing."""
    corpus = given.corpus
    if corpus.sounds is not None and corpus.kind == "transcript":
        parts = {name: transcribed(rows) for name, rows in given.parts.items()}
        return dataclasses.replace(given, parts=parts, corpus=transcribed(corpus))
    return given if corpus.noun == "text" else not_for(check, corpus.noun)


quality_checks: Registry[QualityCheck] = Registry("quality_check", "lextune.data.quality.checks")


def run_checks(
    given: QualityInput, findings: Findings, progress: Progress | None = None
) -> tuple[QualityResult, ...]:
    """The checks of the config in its order, each once; one that breaks is recorded as crashed.

    Raises:
        ConfigError: There is no check of a name.
        DataError: A list or a review of the config cannot be read.
    """
    found = []
    named = {name: quality_checks.get(name) for name in given.config.checks}
    for name, check in named.items():
        if progress is not None:
            progress(f"quality: {name}")
        try:
            found.append(check(given, findings))
        except (LextuneError, MemoryError):
            raise
        except Exception as error:
            findings.add(
                "crashed_check", "warning", f"the quality check {name} crashed: {type(error).__name__}",
                "report it with the kind of data; nothing is measured by it", unit="checks",
            )  # fmt: skip
            found.append(QualityResult(check=name, status="crashed", reason=type(error).__name__))
    return tuple(found)
