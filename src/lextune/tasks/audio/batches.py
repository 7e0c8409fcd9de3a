"""Makes a model's inputs of sounds as they are kept, for training and for prediction; it knows no model and no label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from lextune.tasks.audio.augment import AudioView, Mask
from lextune.tasks.audio.front import POSITION, RATE, Front
from lextune.tasks.audio.mel import log_mel, zero_mean_unit_variance
from lextune.tasks.audio.waves import Waves

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class AudioBatch:
    """Windows of some sounds.

    Attributes:
        inputs: Log-mel frames, float32, shape (windows, bins, frames), or waves, shape (windows, samples).
        mask: 1 where a wave is no padding, int64, shape (windows, samples); None where the model is not told.
        owners: Which sound of the batch each window is of, in order, int64, shape (windows,).
        sounds: How many there are.
    """

    inputs: torch.Tensor
    mask: torch.Tensor | None
    owners: torch.Tensor
    sounds: int

    def to(self, device: torch.device) -> AudioBatch:
        """The same on a device."""
        mask = None if self.mask is None else self.mask.to(device, non_blocking=True)
        inputs = self.inputs.to(device, non_blocking=True)
        return AudioBatch(inputs, mask, self.owners.to(device), self.sounds)

    def means(self, of_windows: torch.Tensor) -> torch.Tensor:
        """The mean over the windows of each sound, shape (sounds, ...) from (windows, ...)."""
        if len(of_windows) == self.sounds:
            return of_windows
        sums = of_windows.new_zeros(self.sounds, *of_windows.shape[1:])
        counts = torch.bincount(self.owners, minlength=self.sounds).to(of_windows.dtype)
        shape = (self.sounds, *[1] * (of_windows.ndim - 1))
        return sums.index_add(0, self.owners, of_windows) / counts.view(shape)


def sounds(waves: Waves, rows: npt.NDArray[np.int64]) -> AudioBatch:
    """The sounds as inputs: as they are in prediction, changed as the view says in training.

    Where the front has a window, a longer sound gives evenly spread ones that cover it, or in training one at random,
    and a shorter one is padded to it with zeros.
    """
    front, view = waves.front, waves.view
    pieces: list[Floats] = []
    owners: list[int] = []
    for place, row in enumerate(rows.tolist()):
        wave = waves.wave(row)
        if view is not None:
            heard = view.wave(row, wave)
            wave = heard if front.most is None or len(heard) <= front.most else wave
        found = _windows(wave, front.window, view, row)
        pieces += found
        owners += [place] * len(found)
    longest = front.window or max(map(len, pieces)) + front.silence
    longest = longest if front.most is None else min(longest, front.most)
    longest = max(-(-longest // POSITION) * POSITION, front.fewest)
    views = [(view, int(rows[place])) for place in owners]
    inputs = _mel(pieces, longest, front, views) if front.kind == "mel" else _waves(pieces, longest, front, views)  # fmt: skip
    mask = None
    if front.masked:
        lengths = torch.tensor([len(piece) for piece in pieces])
        mask = (torch.arange(longest) < lengths[:, None]).long()
    return AudioBatch(inputs, mask, torch.tensor(owners), len(rows))


def _windows(wave: Floats, window: int | None, view: AudioView | None, row: int) -> list[Floats]:
    if window is None or len(wave) <= window:
        return [wave]
    free = len(wave) - window
    if view is not None:
        starts = [view.start(row, free)]
    else:
        starts = np.linspace(0, free, -(-len(wave) // window)).round().astype(int).tolist()
    return [wave[start : start + window] for start in starts]


Views = Sequence[tuple[AudioView | None, int]]


def _padded(pieces: Sequence[Floats], longest: int, front: Front) -> torch.Tensor:
    """Shape (windows, longest); what is normalised is the sound, not the zeros after it."""
    made = torch.zeros(len(pieces), longest)
    for place, piece in enumerate(pieces):
        found = torch.from_numpy(np.ascontiguousarray(piece))
        made[place, : len(piece)] = zero_mean_unit_variance(found) if front.normalised else found
    return made


def _mel(pieces: Sequence[Floats], longest: int, front: Front, views: Views) -> torch.Tensor:
    frames = log_mel(_padded(pieces, longest, front), front.bins, front.n_fft, front.hop)
    for place, (view, row) in enumerate(views):
        if view is None:
            continue
        one, mean = frames[place], float(frames[place].mean())
        heard = max(1, len(pieces[place]) // front.hop)
        for mask in view.times(row):
            one[:, _span(mask, heard)] = mean
        for mask in view.frequencies(row):
            one[_span(mask, front.bins)] = mean
    return frames


def _waves(pieces: Sequence[Floats], longest: int, front: Front, views: Views) -> torch.Tensor:
    changed = []
    for piece, (view, row) in zip(pieces, views, strict=True):
        made = piece
        if view is not None:
            made = _without_bands(made, view.frequencies(row)).copy()
            for mask in view.times(row):
                made[_span(mask, len(made))] = 0.0
        changed.append(made)
    return _padded(changed, longest, front)


def _span(mask: Mask, size: int) -> slice:
    return slice(round(mask.start * size), round(mask.stop * size))


def _without_bands(wave: Floats, masks: Sequence[Mask]) -> Floats:
    """The wave without bands of the mel scale (O'Shaughnessy's, up to 8 kHz)."""
    if not masks or not len(wave):
        return wave
    spectrum = np.fft.rfft(wave)
    top = 2595 * np.log10(1 + RATE / 2 / 700)
    for mask in masks:
        low, high = (700 * (10 ** (share * top / 2595) - 1) for share in (mask.start, mask.stop))
        spectrum[round(low * len(wave) / RATE) : round(high * len(wave) / RATE)] = 0
    return np.fft.irfft(spectrum, len(wave)).astype(np.float32)
