"""Says what sounds are like: how long, at which rates, in which formats, by how many speakers; it gives no verdict."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from lextune.data.audio.speakers import speakers_of
from lextune.data.dataset import Rows
from lextune.data.findings import Findings
from lextune.data.quality.base import QualityInput, quality_checks
from lextune.data.quality.results import QualityResult
from lextune.records import Measurement

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
_BINS = 30


@quality_checks.register("sounds")
def sounds(given: QualityInput, findings: Findings) -> QualityResult:  # noqa: ARG001
    """Seconds in all and of the median, a histogram of lengths, rates, channels, formats and speakers of each part."""
    if given.corpus.sounds is None:
        return QualityResult(check="sounds", status="not_applicable", reason="rows are no sounds")
    parts: dict[str, Any] = {}
    measurements: list[Measurement] = []
    for name, rows in given.parts.items():
        if not len(rows):
            continue
        found, parts[name] = _of_part(rows)
        measurements += [one.model_copy(update={"group": f"part={name}"}) for one in found]
    return QualityResult(check="sounds", measurements=tuple(measurements), details=parts)


def _of_part(rows: Rows) -> tuple[list[Measurement], dict[str, Any]]:
    assert rows.sounds is not None
    seconds, n = rows.sounds.seconds, len(rows)
    found = [
        Measurement.exact("total_seconds", float(seconds.sum()), n=n, unit="seconds"),
        Measurement.exact("median_seconds", float(np.median(seconds)), n=n, unit="seconds"),
        Measurement.exact("longest_seconds", float(seconds.max()), n=n, unit="seconds"),
    ]
    details: dict[str, Any] = {
        "seconds": _figures(seconds),
        "rates": _counts(rows.sounds.rates),
        "channels": _counts(rows.sounds.channels),
        "formats": rows.sounds.formats.counts(),
    }
    speakers = speakers_of(rows)
    if speakers is not None:
        found.append(Measurement.exact("speakers", len(speakers.counts()), n=n, unit="speakers"))
        details["rows_by_speaker"] = sorted(speakers.counts().values(), reverse=True)
    return found, details


def _figures(seconds: Any) -> dict[str, Any]:
    """Quantiles, and counts in bins of equal width on the logarithm of the length."""
    quantiles = np.quantile(seconds, QUANTILES, method="inverted_cdf").tolist()
    edges = np.geomspace(float(seconds.min()) * 0.999, float(seconds.max()) * 1.001, _BINS + 1)
    return {
        "n": len(seconds),
        "quantiles": {
            f"{q:g}": round(value, 3) for q, value in zip(QUANTILES, quantiles, strict=True)
        },
        "edges": [round(edge, 4) for edge in edges.tolist()],
        "counts": np.histogram(seconds, edges)[0].tolist(),
    }


def _counts(values: Any) -> dict[str, int]:
    return {str(value): count for value, count in sorted(Counter(values.tolist()).items())}
