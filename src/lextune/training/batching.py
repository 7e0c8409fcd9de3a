"""Plans which rows form which batch of an epoch, as a pure function of lengths and seed; it holds no data."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: Rows are shuffled, cut into windows of so many batches, and sorted by length inside a window.
_WINDOW = 50


def plan_epoch(
    lengths: npt.NDArray[np.int64], batch_size: int, seed: int, epoch: int
) -> list[npt.NDArray[np.int64]]:
    """Batches of similar length in random order; every row once; the same for the same arguments.

    Args:
        lengths: Tokens per row, shape (rows,).
        batch_size: Rows per batch; the last one may hold fewer.
        seed: Of the run.
        epoch: From 0; each epoch has its own order.
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), batch_size * _WINDOW):
        window = order[start : start + batch_size * _WINDOW]
        window = window[np.argsort(-lengths[window], kind="stable")]
        batches += [window[i : i + batch_size] for i in range(0, len(window), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]
