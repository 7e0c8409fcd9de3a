"""The audit `calibration`: whether a score of 0.8 is right 8 times in 10; it judges nothing."""

from __future__ import annotations

import numpy as np

from lextune import statistics
from lextune.audits.base import AuditInput, audit
from lextune.records import AuditResult, Measurement

_BINS = 15


@audit(
    "calibration", kinds=["class"],
    provides=["audit_expected_calibration_error", "brier_score", "overconfidence"],
)  # fmt: skip
def calibration(given: AuditInput) -> AuditResult:
    """Expected calibration error, Brier score, overconfidence, and the accuracy of each bin of confidence.

    Guo et al. 2017 (arXiv:1706.04599); Brier 1950 (Monthly Weather Review 78), summed over the classes.
    """
    given.require_finite()
    confidence = given.scores.max(axis=1)
    right = given.scores.argmax(axis=1) == given.labels
    onehot = np.eye(len(given.classes))[given.labels]
    brier = np.square(given.scores - onehot).sum(axis=1)
    n = len(right)
    measurements = [
        Measurement(
            name="audit_expected_calibration_error",
            value=statistics.expected_calibration_error(confidence, right, _BINS),
            interval=statistics.calibration_error_interval(
                confidence, right, _BINS, samples=given.samples, seed=given.seed
            ),
            n=n,
            unit="proportion",
        ),
        _measured("brier_score", given, lambda rows: float(brier[rows].mean())),
        _measured(
            "overconfidence", given, lambda rows: float((confidence[rows] - right[rows]).mean())
        ),
    ]
    findings = []
    index = statistics.confidence_bins(confidence, _BINS)
    for one in range(_BINS):
        inside = index == one
        count = int(inside.sum())
        if count:
            measurements.append(
                Measurement(
                    name="accuracy_at_confidence",
                    value=float(right[inside].mean()),
                    interval=statistics.wilson(int(right[inside].sum()), count),
                    n=count,
                    unit="proportion",
                    group=f"confidence={one / _BINS:.3f}-{(one + 1) / _BINS:.3f}",
                )
            )
    over = measurements[2]
    if over.value is not None and over.interval is not None and over.interval.low > 0:
        findings.append(
            f"The scores are too sure: on average {over.value:.3f} above the accuracy (n = {n})."
        )
    return calibration.complete(given, measurements, findings, bins=_BINS)


def _measured(name: str, given: AuditInput, statistic: statistics.Statistic) -> Measurement:
    n = len(given.labels)
    value = statistic(np.arange(n)) if n else float("nan")
    interval = statistics.bootstrap(statistic, n, samples=given.samples, seed=given.seed)
    return Measurement(name=name, value=value, interval=interval, n=n, unit="proportion")
