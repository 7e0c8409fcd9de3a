"""Says how long texts are, in characters and in words; it knows no tokenizer, so not what a model will cut."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from lextune.data.findings import Findings
from lextune.data.quality.base import QualityInput, in_words, quality_checks
from lextune.data.quality.results import QualityResult
from lextune.data.quality.sampling import sample
from lextune.records import Measurement
from lextune.tasks.text.scripts import UNSPACED

#: A word: a run of letters and digits, or one sign of a script that sets no space between words.
WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
_BINS = 40


@quality_checks.register("lengths")
def lengths(given: QualityInput, findings: Findings) -> QualityResult:  # noqa: ARG001
    """Quantiles and a histogram of characters (all rows) and of words (a sample) for each part."""
    texts = in_words(given, "lengths")
    if isinstance(texts, QualityResult):
        return texts
    given = texts
    parts: dict[str, Any] = {}
    measurements: list[Measurement] = []
    for name, rows in given.parts.items():
        if not len(rows):
            continue
        characters = rows.lengths[0].astype(np.int64)
        taken = rows.take(sample(rows.ids, given.config.max_rows, given.config.seed))
        words = np.array([len(WORD.findall(text)) for text in taken.texts], np.int64)
        parts[name] = {"characters": _figures(characters), "words": _figures(words)}
        measurements.append(_median("median_characters", characters, name))
        measurements.append(_median("median_words", words, name))
    return QualityResult(
        check="lengths",
        parameters={"max_rows": given.config.max_rows, "seed": given.config.seed},
        measurements=tuple(measurements),
        details=parts,
    )


def _figures(values: Any) -> dict[str, Any]:
    """Quantiles, and counts in bins of equal width on the logarithm of the length."""
    quantiles = np.quantile(values, QUANTILES, method="inverted_cdf").astype(int).tolist()
    top = max(int(values.max()), 2)
    least = max(int(values.min()), 1)
    edges = np.unique(np.round(np.geomspace(least, top + 1, _BINS + 1)).astype(np.int64))
    counts = np.histogram(np.maximum(values, least), edges)[0].tolist()
    return {
        "n": len(values),
        "quantiles": {f"{q:g}": value for q, value in zip(QUANTILES, quantiles, strict=True)},
        "edges": edges.tolist(),
        "counts": counts,
    }


def _median(name: str, values: Any, part: str) -> Measurement:
    unit = name.partition("_")[2]
    found = Measurement.exact(name, float(np.median(values)), n=len(values), unit=unit)
    return found.model_copy(update={"group": f"part={part}"})
