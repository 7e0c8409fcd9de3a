"""What a rehearsal makes of the seconds that it measures."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lextune.config_training import TrainConfig
from lextune.tasks.base import Encoded
from lextune.training.loop import Rows
from lextune.training.rehearsal import rehearse


class Clockwork:
    """A trainer whose steps take a fixed time and a time for each token, and twice that at the first."""

    def __init__(self, features_once: bool = False, **train: Any) -> None:
        self.config = TrainConfig(**train)
        self.method = SimpleNamespace(features_once=features_once)
        self.seen: set[bytes] = set()
        self.validated = self.saved = 0

    def try_step(self, sample: Rows, rows: np.ndarray, classes: int) -> float:
        first = rows.tobytes() not in self.seen
        self.seen.add(rows.tobytes())
        return (1 + first) * (0.5 + 0.01 * float(sample.encoded.lengths[rows].sum()))

    def validate(self, sample: Rows) -> None:
        self.validated += 1

    def save(self) -> None:
        self.saved += 1


def sample(count: int) -> Rows:
    lengths = np.random.default_rng(0).integers(5, 200, count)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    encoded = Encoded(np.ones(offsets[-1], np.int32), offsets, 0, 0)
    return Rows(encoded, np.zeros(count, np.int64), [str(number) for number in range(count)])


@pytest.mark.parametrize(("count", "batch_size"), [(1024, 32), (1024, 64), (64, 64)])
def test_the_seconds_of_a_row_are_those_of_a_mean_step(count: int, batch_size: int) -> None:
    trainer, rows = Clockwork(batch_size=batch_size), sample(count)
    found = rehearse(trainer, rows, 2)  # type: ignore[arg-type]
    mean = float(rows.encoded.lengths.mean()) * batch_size
    assert found.train_seconds == pytest.approx((0.5 + 0.01 * mean) / batch_size, rel=0.01)
    assert trainer.saved == 1
    assert trainer.validated == 1
    assert found.validation_seconds == found.forward_seconds


def test_a_sample_below_one_batch_is_a_step_of_its_own_rows() -> None:
    rows = sample(10)
    found = rehearse(Clockwork(batch_size=512), rows, 2)  # type: ignore[arg-type]
    assert found.train_seconds == pytest.approx((0.5 + 0.01 * rows.encoded.lengths.sum()) / 10)


def test_features_that_are_made_once_are_no_part_of_validation() -> None:
    trainer = Clockwork(features_once=True)
    rehearse(trainer, sample(100), 2)  # type: ignore[arg-type]
    assert trainer.validated == 2
