"""How training hears sounds: speed, noise and masks, as a pure function of seed, epoch and row; it knows no model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lextune.config_training import AudioAugmentationConfig
from lextune.extras import need

Floats = npt.NDArray[np.float32]
#: Noise is at most so many decibels weaker than the loudest that is asked for.
_QUIETER = 20.0
#: Mel bins that `frequency_mask_bins` speaks of, whatever the model has.
BINS = 80
_RATE = 16_000


class Mask(NamedTuple):
    """What is left out, as shares (from, to) of all frames or of all mel bins."""

    start: float
    stop: float


@dataclass(frozen=True)
class AudioView:
    """The sounds as they are heard in one epoch.

    Attributes:
        config: What is changed, and how far.
        seed: Of the run.
        epoch: From 0.
    """

    config: AudioAugmentationConfig
    seed: int
    epoch: int

    def random(self, row: int, purpose: int = 0) -> np.random.Generator:
        """Of one row in this epoch, whatever the order in which rows are asked for."""
        return np.random.default_rng([self.seed, self.epoch, int(row), purpose])

    def wave(self, row: int, wave: Floats) -> Floats:
        """The sound at another speed (Ko et al. 2015, Interspeech), with white noise; shape (other samples,)."""
        found = wave
        if self.config.speed:
            factor = float(self.random(row).uniform(1 - self.config.speed, 1 + self.config.speed))
            found = at_speed(found, factor)
        if self.config.noise_snr_db is not None:
            draw = self.random(row, 1)
            decibels = self.config.noise_snr_db + float(draw.uniform(0, _QUIETER))
            found = with_noise(found, decibels, draw)
        return found

    def start(self, row: int, free: int) -> int:
        """Where a window begins in a sound that is `free` samples longer."""
        return int(self.random(row, 2).integers(free + 1))

    def times(self, row: int) -> list[Mask]:
        """Stretches of time to leave out (Park et al. 2019, arXiv:1904.08779)."""
        draw, config = self.random(row, 3), self.config
        return [_mask(draw, config.time_mask_share) for _ in range(config.time_masks)]

    def frequencies(self, row: int) -> list[Mask]:
        """Bands of the mel scale to leave out (the same)."""
        draw, config = self.random(row, 4), self.config
        widest = config.frequency_mask_bins / BINS
        return [_mask(draw, widest) for _ in range(config.frequency_masks)]


def _mask(draw: np.random.Generator, widest: float) -> Mask:
    width = float(draw.uniform(0, widest))
    start = float(draw.uniform(0, 1 - width))
    return Mask(start, start + width)


def at_speed(wave: Floats, factor: float) -> Floats:
    """The sound played so many times as fast, by resampling; shape (about samples / factor,)."""
    soxr = need("audio", "soxr")
    played = round(_RATE * factor)
    if played == _RATE or not len(wave):
        return wave
    found = np.asarray(soxr.resample(wave, played, _RATE, quality="MQ"), np.float32)
    return found if len(found) else wave


def with_noise(wave: Floats, decibels: float, draw: np.random.Generator) -> Floats:
    """The sound with Gaussian noise that many decibels below it; silence stays silent."""
    power = float(np.mean(np.square(wave, dtype=np.float64))) if len(wave) else 0.0
    level = math.sqrt(power * 10 ** (-decibels / 10))
    return wave + np.float32(level) * draw.standard_normal(len(wave), np.float32)
