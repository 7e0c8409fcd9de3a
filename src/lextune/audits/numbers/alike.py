"""What texts that differ in a group alone are given: which sets of them differ, and how far each group is from the rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def differing(sets: Sequence[str], decided: Sequence[object]) -> tuple[int, int]:
    """How many sets of at least two texts are not decided alike, and how many such sets there are.

    Args:
        sets: Of each text.
        decided: What the model says of each text, comparable.
    """
    found: dict[str, list[object]] = {}
    for name, one in zip(sets, decided, strict=True):
        found.setdefault(name, []).append(one)
    several = [ones for ones in found.values() if len(ones) > 1]
    return sum(any(one != ones[0] for one in ones) for ones in several), len(several)


def from_the_rest(
    sets: Sequence[str], groups: Sequence[str | None], scores: Floats
) -> dict[str, Floats]:
    """Of each group: in each set its mean score minus the mean of the other groups' means; sets that have both.

    The set is the unit: its texts share their words. Of two groups the first by name stands for both.

    Args:
        sets: Of each text.
        groups: Of each text; null where it belongs to none.
        scores: Of each text, shape (texts,).
    """
    sums: dict[str, dict[str, list[float]]] = {}
    for name, group, score in zip(sets, groups, scores.tolist(), strict=True):
        if group is not None:
            sums.setdefault(name, {}).setdefault(group, []).append(score)
    found: dict[str, list[float]] = {}
    for members in sums.values():
        means = {group: float(np.mean(ones)) for group, ones in members.items()}
        total = sum(means.values())
        for group, mean in means.items():
            if len(means) > 1:
                found.setdefault(group, []).append(mean - (total - mean) / (len(means) - 1))
    names = sorted(found)[: 1 if len(found) == 2 else None]
    return {name: np.array(found[name]) for name in names}
