"""Makes log-mel frames of waves as transformers' WhisperFeatureExtractor does, in torch; it knows no model."""

from __future__ import annotations

from functools import cache

import torch

#: Added to a variance, as Wav2Vec2FeatureExtractor does.
_SMALL = 1e-7


def log_mel(waves: torch.Tensor, bins: int = 80, n_fft: int = 400, hop: int = 160) -> torch.Tensor:
    """Log-mel frames at 16 kHz, shape (sounds, bins, samples // hop).

    Each sound is scaled by its own loudest frame (Radford et al. 2022, arXiv:2212.04356, section 2.2), so that neither
    other sounds nor zeros after it change it.

    Args:
        waves: Padded with zeros, shape (sounds, samples), with more samples than half of `n_fft`.
        bins: Mel bins.
        n_fft: Samples of one spectrum.
        hop: Samples from one spectrum to the next.
    """
    window = torch.hann_window(n_fft, device=waves.device)
    spectra = torch.stft(waves.float(), n_fft, hop, window=window, return_complex=True)
    power = spectra[..., :-1].abs().square().contiguous()
    found = (_filters(bins, n_fft).to(waves.device) @ power).clamp(min=1e-10).log10()
    loudest = found.amax(dim=(1, 2), keepdim=True)
    return (torch.maximum(found, loudest - 8.0) + 4.0) / 4.0


def zero_mean_unit_variance(waves: torch.Tensor) -> torch.Tensor:
    """Waves as the wav2vec2 families take them, over the last axis."""
    variance = waves.var(dim=-1, keepdim=True, unbiased=False)
    return (waves - waves.mean(dim=-1, keepdim=True)) / (variance + _SMALL).sqrt()


@cache
def _filters(bins: int, n_fft: int) -> torch.Tensor:
    """Slaney's triangles from 0 to 8 kHz, shape (bins, n_fft // 2 + 1)."""
    from transformers.audio_utils import mel_filter_bank

    found = mel_filter_bank(
        num_frequency_bins=1 + n_fft // 2, num_mel_filters=bins, min_frequency=0.0, max_frequency=8000.0,
        sampling_rate=16_000, norm="slaney", mel_scale="slaney",
    )  # fmt: skip
    return torch.from_numpy(found.T.copy()).float()
