"""Small sounds of our own: tones and noise, written in any format."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

RATE = 16_000


def tone(
    seconds: float = 1.0, hertz: float = 440.0, rate: int = RATE, level: float = 0.5
) -> npt.NDArray[np.float32]:
    """A sine, float32, shape (samples,)."""
    times = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def written(
    samples: Any, rate: int = RATE, kind: str = "WAV", coding: str | None = "PCM_16"
) -> bytes:
    """The bytes of a file of these samples."""
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=kind, subtype=coding)
    return stream.getvalue()


def put(path: Path, samples: Any = None, rate: int = RATE, **options: Any) -> Path:
    """Write a sound; without samples a second of a tone that no other path has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if samples is None:
        samples = tone(hertz=200 + sum(path.name.encode()) % 997, rate=rate)
    path.write_bytes(written(samples, rate, **options))
    return path
