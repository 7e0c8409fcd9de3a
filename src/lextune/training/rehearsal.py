"""Measures a few steps of a training, so that its time is known before it is spent; it knows no file of data."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lextune.training.batching import plan_epoch
from lextune.training.loop import Rows, Trainer

#: Shares of the batches, ordered by their tokens, at which steps are measured.
_AT = (1.0, 0.0, 0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Rehearsal:
    """What was measured on a sample of the rows.

    Attributes:
        train_seconds: Of one row in a step, over the sample's batches.
        forward_seconds: Of one row, through the whole model.
        validation_seconds: Of one row, as the method validates.
        save_seconds: Of one checkpoint.
    """

    train_seconds: float
    forward_seconds: float
    validation_seconds: float
    save_seconds: float


def rehearse(trainer: Trainer, sample: Rows, classes: int) -> Rehearsal:
    """Take steps of several sizes with a learning rate of 0; the trainer is of no use afterwards.

    Each size is taken twice and the faster time counts, since kernels are made at the first.
    """
    config, lengths = trainer.config, sample.encoded.lengths
    forward = _validation(trainer, sample)  # a method that keeps features makes them here
    validation = _validation(trainer, sample) if trainer.method.features_once else forward
    batches = plan_epoch(lengths, config.batch_size, config.seed, 0)
    full = [rows for rows in batches if len(rows) == config.batch_size] or batches
    full.sort(key=lambda rows: int(lengths[rows].sum()))
    chosen = [full[round(share * (len(full) - 1))] for share in _AT]
    tokens = np.array([lengths[rows].sum() for rows in chosen])
    seconds = np.array(
        [min(trainer.try_step(sample, rows, classes) for _ in range(2)) for rows in chosen]
    )
    start = time.perf_counter()
    trainer.save()
    saved = time.perf_counter() - start
    mean = _mean_seconds(tokens, seconds, lengths, full) / len(full[0])
    return Rehearsal(mean, forward, validation, saved)


def _mean_seconds(
    tokens: npt.NDArray[np.int64],
    seconds: npt.NDArray[np.float64],
    lengths: npt.NDArray[np.int64],
    batches: list[npt.NDArray[np.int64]],
) -> float:
    """Mean over all batches, between the measured ones by their tokens."""
    order = np.argsort(tokens, kind="stable")
    wanted = np.array([lengths[rows].sum() for rows in batches])
    return float(np.interp(wanted, tokens[order], seconds[order]).mean())


def _validation(trainer: Trainer, sample: Rows) -> float:
    start = time.perf_counter()
    trainer.validate(sample)
    return (time.perf_counter() - start) / len(sample.ids)
