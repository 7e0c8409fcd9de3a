"""Temperature scaling: one number that makes scores as sure as they are right; it knows no model and no part of the data.

Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks" (arXiv:1706.04599), section 4.2. The
number divides log probabilities, which is the same as dividing logits: it changes no answer, only how sure it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lextune.records import Interval

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

#: Keys of a release's settings in `lextune.json`.
TEMPERATURE, SCALING = "temperature", "temperature_scaling"
#: Fewer rows say too little of one number.
LEAST_ROWS = 50
#: Where it is looked for. One at an end is not determined by the rows: of rows that are all right, ever lower ones are better.
RANGE = (0.05, 20.0)


@dataclass(frozen=True)
class Fit:
    """What labelled rows say of the temperature.

    Attributes:
        value: The temperature; None where the rows do not determine one.
        interval: Of 95 %; None as above.
        problem: Why there is none, else empty.
    """

    value: float | None
    interval: Interval | None = None
    problem: str = ""


def tempered(scores: npt.NDArray[np.floating], temperature: float) -> Floats:
    """Probabilities at a temperature: `p ** (1 / T)`, summing to 1 again. 1 / T undoes T.

    Args:
        scores: Probabilities, shape (rows, classes); rows that are not finite stay so.
        temperature: Above 0; above 1 makes them less sure.
    """
    import numpy as np

    logs = _logs(scores) / temperature
    logs -= logs.max(axis=1, keepdims=True)
    found: Floats = np.exp(logs)
    found /= found.sum(axis=1, keepdims=True)
    return found


def fit_temperature(labels: npt.NDArray[np.int64], scores: npt.NDArray[np.floating]) -> Fit:
    """The temperature at which the log loss is least, with its 95 % interval.

    The loss is convex in 1 / T. The interval holds the temperatures at which the mean slope of the loss is not further
    from 0 than Student's t allows by the slopes' spread: their own, or the larger one that calibrated scores would have,
    since few slopes seldom show the rare sure mistake.

    Args:
        labels: Class numbers, shape (rows,).
        scores: Probabilities, shape (rows, classes).
    """
    import numpy as np

    n = len(labels)
    if n < LEAST_ROWS:
        return Fit(
            None, problem=f"{n} rows do not determine a temperature; {LEAST_ROWS} are needed"
        )
    if not np.isfinite(scores).all():
        return Fit(None, problem="a row has no finite score")
    logs = _logs(scores)

    def slopes(log_temperature: float) -> Floats:
        means: Floats = (tempered(scores, math.exp(log_temperature)) * logs).sum(axis=1)
        means -= logs[np.arange(n), labels]
        return means

    low, high = math.log(RANGE[0]), math.log(RANGE[1])
    # from cold to hot the slope in 1 / T falls
    if slopes(low).mean() <= 0:
        why = "the rows are answered so well that ever surer scores fit them better"
        return Fit(None, problem=f"no temperature above {RANGE[0]} fits: {why}")
    if slopes(high).mean() >= 0:
        why = "the scores say nothing, or the contrary, of the classes"
        return Fit(None, problem=f"no temperature below {RANGE[1]:g} fits: {why}")
    from scipy.optimize import brentq
    from scipy.stats import t

    middle = float(brentq(lambda one: slopes(one).mean(), low, high, xtol=1e-9))
    far = float(t.ppf(0.975, n - 1))

    def excess(one: float, sign: int) -> float:
        each, weights = slopes(one), tempered(scores, math.exp(one))
        means = (weights * logs).sum(axis=1, keepdims=True)
        spread = max(float(each.var(ddof=1)), float((weights * (logs - means) ** 2).sum() / n))
        return float(sign * each.mean() * math.sqrt(n) - far * math.sqrt(spread))

    limits = Interval(
        low=math.exp(_crossing(lambda one: excess(one, 1), middle, low)),
        high=math.exp(_crossing(lambda one: excess(one, -1), middle, high)),
        level=0.95, method="t test of the loss's slope, inverted",
    )  # fmt: skip
    return Fit(math.exp(middle), limits)


def _crossing(excess: Callable[[float], float], near: float, far: float) -> float:
    """Where it rises above 0 on the way from `near` to `far`; `far` where it does not."""
    from scipy.optimize import brentq

    steps = 40
    before = near
    for step in range(1, steps + 1):
        at = near + (far - near) * step / steps
        if excess(at) > 0:
            return float(brentq(excess, before, at, xtol=1e-9))
        before = at
    return far


def _logs(scores: npt.NDArray[np.floating]) -> Floats:
    """Log probabilities; one that is 0 in single precision is as small as that can say."""
    import numpy as np

    found: Floats = np.log(np.maximum(scores.astype(np.float64), float(np.finfo(np.float32).tiny)))
    return found
