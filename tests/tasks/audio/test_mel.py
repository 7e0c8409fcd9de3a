"""Log-mel frames and waves are those of transformers' extractors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2FeatureExtractor, WhisperFeatureExtractor

from lextune.tasks.audio.mel import log_mel, zero_mean_unit_variance


def waves(*lengths: int) -> list[np.ndarray]:
    draw = np.random.default_rng(0)
    return [
        (draw.normal(0, 0.1, n) + 0.3 * np.sin(np.arange(n) / (20 + n % 7))).astype(np.float32)
        for n in lengths
    ]


@pytest.mark.parametrize("bins", [80, 128])
def test_frames_of_padded_windows_are_those_of_whisper_s_extractor(bins: int) -> None:
    given = waves(16_000, 31_999, 5_000)
    extractor = WhisperFeatureExtractor(feature_size=bins, chunk_length=2)
    expected = extractor(given, sampling_rate=16_000, return_tensors="pt").input_features
    padded = torch.zeros(3, 32_000)
    for row, wave in enumerate(given):
        padded[row, : len(wave)] = torch.from_numpy(wave)
    found = log_mel(padded, bins)
    assert found.shape == expected.shape == (3, bins, 200)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_thirty_seconds_of_padding_change_no_frame_before_them() -> None:
    wave = torch.from_numpy(waves(32_000)[0])
    whole = torch.zeros(480_000)
    whole[:32_000] = wave
    alone, padded = log_mel(wave[None])[0], log_mel(whole[None])[0]
    assert padded.shape == (80, 3000)
    # the last frame sees what follows: a mirror image, or zeros
    torch.testing.assert_close(alone[:, :199], padded[:, :199], atol=1e-4, rtol=0)


def test_a_sound_is_scaled_by_itself_not_by_its_neighbours() -> None:
    quiet, loud = (torch.from_numpy(one) for one in waves(16_000, 16_000))
    together = log_mel(torch.stack([quiet * 0.01, loud]))
    torch.testing.assert_close(together[0], log_mel(quiet[None] * 0.01)[0], atol=1e-5, rtol=0)


def test_silence_is_finite() -> None:
    assert torch.isfinite(log_mel(torch.zeros(1, 16_000))).all()
    assert torch.isfinite(zero_mean_unit_variance(torch.zeros(1, 16_000))).all()


def test_waves_are_standardised_as_wav2vec2_s_extractor_does() -> None:
    wave = waves(12_000)[0] + 0.2
    extractor = Wav2Vec2FeatureExtractor(do_normalize=True)
    expected = extractor(wave, sampling_rate=16_000, return_tensors="pt").input_values[0]
    found = zero_mean_unit_variance(torch.from_numpy(wave))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
