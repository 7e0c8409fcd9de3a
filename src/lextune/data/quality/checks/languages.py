"""Says in which languages texts are written, by py3langid on a sample; a guess, and told as one."""

from __future__ import annotations

from collections import Counter
from typing import Any

from lextune import statistics
from lextune.data.dataset import Rows
from lextune.data.findings import Findings
from lextune.data.quality.base import QualityInput, in_words, quality_checks
from lextune.data.quality.results import QualityResult
from lextune.data.quality.sampling import sample
from lextune.extras import need
from lextune.records import Measurement

#: Bytes of UTF-8 below which no guess is made (twenty Latin letters, seven Chinese characters), and characters that
#: are looked at: house figures.
LEAST_BYTES, MOST_CHARACTERS = 20, 400
#: Of the normalised score; below it the text is of unknown language.
LEAST_SCORE = 0.5
UNKNOWN = "und"


@quality_checks.register("languages")
def languages(given: QualityInput, findings: Findings) -> QualityResult:
    """The share of each language in a sample of each part; short texts are counted apart."""
    words = in_words(given, "languages")
    if isinstance(words, QualityResult):
        return words
    given = words
    parts: dict[str, Any] = {}
    measurements: list[Measurement] = []
    identifier = _identifier()  # 90 MB, so it goes with this call
    for name, rows in given.parts.items():
        taken = rows.take(sample(rows.ids, given.config.max_rows, given.config.seed))
        counts, short = _count(taken, identifier)
        long = sum(counts.values())
        parts[name] = {"n": long, "too_short": short, "languages": dict(counts.most_common())}
        if long:
            language, most = counts.most_common(1)[0]
            share = Measurement(
                name="main_language_share",
                value=most / long,
                n=long,
                unit="proportion",
                interval=statistics.wilson(most, long),
                group=f"part={name},language={language}",
            )
            measurements.append(share)
    _tell_differences(parts, findings)
    return QualityResult(
        check="languages",
        parameters={
            "max_rows": given.config.max_rows, "seed": given.config.seed, "least_bytes": LEAST_BYTES,
            "most_characters": MOST_CHARACTERS, "least_score": LEAST_SCORE,
        },
        measurements=tuple(measurements),
        details=parts,
    )  # fmt: skip


def _count(rows: Rows, identifier: Any) -> tuple[Counter[str], int]:
    """Rows by language (ISO 639-1; `und` where the guess is unsure), and rows too short to guess."""
    counts: Counter[str] = Counter()
    short = 0
    for text in rows.texts:
        head = " ".join(text[: 2 * MOST_CHARACTERS].split())[:MOST_CHARACTERS]
        if len(head.encode("utf-8", "surrogatepass")) < LEAST_BYTES:
            short += 1
            continue
        language, score = identifier.classify(head)
        counts[language if score >= LEAST_SCORE else UNKNOWN] += 1
    return counts, short


def _identifier() -> Any:
    langid = need("data", "py3langid.langid")
    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)


def _tell_differences(parts: dict[str, Any], findings: Findings) -> None:
    mains = {
        name: next(iter(found["languages"])) for name, found in parts.items() if found["n"] >= 100
    }
    if len(set(mains.values())) > 1:
        told = ", ".join(f"{name} is mostly {language}" for name, language in mains.items())
        findings.add(
            "languages_differ", "warning", f"parts are in different languages: {told}",
            "compare the files: what is learnt in one language is measured in another", unit="parts",
            count=len(set(mains.values())),
        )  # fmt: skip
