from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bench import Bench
from lextune.errors import TrainingError
from lextune.training.privacy.noise_check import noise_of
from lextune.training.privacy.secret import Secret

SECRET = Secret(bytes(range(32)))


def tensors() -> list[torch.Tensor]:
    """Sums of gradients as large as of a hundred clipped rows, one of them with two values."""
    draw = torch.Generator().manual_seed(0)
    return [10 * torch.randn(shape, generator=draw) for shape in ((50, 70), (300,), (2,))]


def add(some: list[torch.Tensor], scale: float, number: int) -> None:
    with noise_of(some, 0.5):
        SECRET.add_noise(some, scale, number)


def test_the_claimed_noise_raises_no_alarm() -> None:
    for number in range(300):
        add(tensors(), 0.5, number)


@pytest.mark.parametrize("scale", [0.0, 0.35, 0.7, float("nan"), float("inf")])
def test_other_noise_stops_the_training(scale: float) -> None:
    with pytest.raises(TrainingError, match="standard deviation that is claimed"):
        add(tensors(), scale, 0)


@pytest.mark.parametrize("left_out", [0, 1, 2])
def test_one_tensor_without_noise_stops_the_training(left_out: int) -> None:
    found = tensors()
    noised = [one for number, one in enumerate(found) if number != left_out]
    with pytest.raises(TrainingError, match=r"0 times .* in 1 of 3 tensors"), noise_of(found, 0.5):
        SECRET.add_noise(noised, 0.5, 0)


def test_a_run_whose_noise_is_broken_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reviews = Bench.make(tmp_path / "reviews")
    reviews.settings = {"method": "dp_sgd", "epochs": 1, "noise_multiplier": 1.0}
    monkeypatch.setattr(Secret, "add_noise", lambda *_: np.nan)
    with pytest.raises(TrainingError, match="an epsilon says nothing"):
        reviews.run(reviews.trainer(tmp_path / "run"))
