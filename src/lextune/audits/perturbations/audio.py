"""Changes of sounds that leave what is said: noise, speed, clipping, a telephone's band; it knows no model.

All are written as one channel at 16 kHz in float samples, so that nothing but the change differs.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from lextune.audio import RATE, AudioInput
from lextune.audits.perturbations.base import Change, Perturbation
from lextune.extras import need

Wave = npt.NDArray[np.float32]
#: From samples, random numbers and the severity to other samples.
_Edit = Callable[[Wave, np.random.Generator, float], Any]


def _edited(edit: _Edit) -> Change:
    """The change of an input by an edit of its samples."""

    def change(given: AudioInput, draw: np.random.Generator, severity: float) -> AudioInput:
        from lextune.tasks.audio.waves import decoded

        wave = np.asarray(edit(decoded(given), draw, severity), np.float32)
        stream = io.BytesIO()
        need("audio", "soundfile").write(stream, wave, RATE, format="WAV", subtype="FLOAT")
        return given._replace(start=0.0, stop=None, data=stream.getvalue())

    return change


def noise(wave: Wave, draw: np.random.Generator, severity: float) -> Wave:
    """White, 20 dB below the sound: its amplitude is a tenth of the sound's."""
    loud = float(np.sqrt(np.mean(np.square(wave, dtype=np.float64))))
    return wave + (draw.standard_normal(len(wave)) * 0.1 * severity * loud).astype(np.float32)


def faster(wave: Wave, draw: np.random.Generator, severity: float) -> Any:  # noqa: ARG001
    """By 10 %, and higher by as much, as a tape would be."""
    return _at_speed(wave, 1 + 0.1 * severity)


def slower(wave: Wave, draw: np.random.Generator, severity: float) -> Any:  # noqa: ARG001
    """By 10 %, and lower by as much."""
    return _at_speed(wave, 1 / (1 + 0.1 * severity))


def _at_speed(wave: Wave, speed: float) -> Any:
    return need("audio", "soxr").resample(wave, RATE * speed, RATE, quality="HQ")


def clipping(wave: Wave, draw: np.random.Generator, severity: float) -> Wave:  # noqa: ARG001
    """Cut off at 30 % of its greatest amplitude, as by a microphone that is driven too hard."""
    limit = float(np.abs(wave).max()) * 0.3**severity
    return np.clip(wave, -limit, limit)


def low_sample_rate(wave: Wave, draw: np.random.Generator, severity: float) -> Any:  # noqa: ARG001
    """8 kHz, as over a telephone: what is above 4 kHz is lost."""
    soxr = need("audio", "soxr")
    rate = RATE / (1 + severity)
    return soxr.resample(soxr.resample(wave, RATE, rate, quality="HQ"), rate, RATE, quality="HQ")


PERTURBATIONS = (
    Perturbation("noise", _edited(noise), told=False),
    Perturbation("faster", _edited(faster), told=False),
    Perturbation("slower", _edited(slower), told=False),
    Perturbation("clipping", _edited(clipping), told=False),
    Perturbation("low_sample_rate", _edited(low_sample_rate), told=False),
)
