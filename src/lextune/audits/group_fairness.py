"""The audit `group_fairness`: rates of each declared group and their differences pair by pair; it judges nothing."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from lextune import statistics
from lextune.audits.base import AuditInput, audit
from lextune.records import AuditResult, Measurement

#: Pairs grow with the square of the groups: beyond this many, each group is compared with the rest.
_MOST_PAIRED = 20


@audit("group_fairness", kinds=["class"], provides=["rows_without_group."])
def group_fairness(given: AuditInput) -> AuditResult:
    """Accuracy, selection rate and true positive rate of each group of each column, and their differences.

    Differences are pairwise up to 20 groups of a column; of more, each group is compared with the rest.

    The selection rate and the true positive rate are taken of the last class, which for two classes is
    the usual positive one. A group without a row of that class has no true positive rate: undefined, not 0.
    """
    if not given.groups:
        return group_fairness.not_applicable(
            given, "No group column is declared (data.columns.group), so no group was measured."
        )
    given.require_finite()
    measurements: list[Measurement] = []
    findings: list[str] = []
    for column, values in sorted(given.groups.items()):
        array = np.array(["" if value is None else value for value in values], dtype=object)
        known = np.array([value is not None for value in values], dtype=bool)
        names = sorted({value for value in values if value is not None})
        rates = {name: _counts(given, known & (array == name)) for name in names}
        for name, counts in rates.items():
            measurements += [
                Measurement(
                    name=metric,
                    value=successes / n if n else None,
                    interval=statistics.wilson(successes, n),
                    n=n,
                    unit="proportion",
                    group=f"{column}={name}",
                    problem=None if n else "no such rows in this group",
                )
                for metric, (successes, n) in counts.items()
            ]
        if len(names) <= _MOST_PAIRED:
            for first, second in combinations(names, 2):
                measurements += _differences(
                    f"{column}={first}", f"{column}={second}", rates[first], rates[second]
                )
        else:
            findings.append(
                f"{column} has {len(names)} groups: each is compared with all other rows, not pair by pair."
            )
            total = _counts(given, known)
            for name in names:
                rest = {m: (total[m][0] - s, total[m][1] - n) for m, (s, n) in rates[name].items()}
                measurements += _differences(f"{column}={name}", "the rest", rates[name], rest)
        missing = int((~known).sum())
        measurements.append(
            Measurement.exact(f"rows_without_group.{column}", missing, n=len(known), unit="rows")
        )
        if missing:
            findings.append(f"{missing} of {len(known)} rows have no value in {column}.")
    return group_fairness.complete(
        given, measurements, findings,
        positive_class=given.classes[-1], columns=sorted(given.groups), most_groups_paired=_MOST_PAIRED,
    )  # fmt: skip


def _counts(given: AuditInput, mask: npt.NDArray[np.bool_]) -> dict[str, tuple[int, int]]:
    """Metric to (successes, n) inside one group."""
    positive = len(given.classes) - 1
    labels, predicted = given.labels[mask], given.scores[mask].argmax(axis=1)
    of_positive = labels == positive
    return {
        "group_accuracy": (int((labels == predicted).sum()), len(labels)),
        "selection_rate": (int((predicted == positive).sum()), len(labels)),
        "true_positive_rate": (
            int((predicted[of_positive] == positive).sum()),
            int(of_positive.sum()),
        ),
    }


def _differences(
    first: str, second: str, one: dict[str, tuple[int, int]], other: dict[str, tuple[int, int]]
) -> list[Measurement]:
    found = []
    for metric, counts in one.items():
        pair = statistics.independent_difference(*counts, *other[metric])
        value, interval = pair if pair is not None else (None, None)
        found.append(
            Measurement(
                name=f"{metric}_difference",
                value=value,
                interval=interval,
                n=counts[1] + other[metric][1],
                unit="proportion",
                group=f"{first} minus {second}",
                problem=None if pair is not None else "one of the groups has no such rows",
            )
        )
    return found
