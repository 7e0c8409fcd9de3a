"""What training hears is decided by seed, epoch and row alone, and by nothing when all is off."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tiny
from lextune.config_training import AudioAugmentationConfig
from lextune.tasks.audio.augment import AudioView, at_speed, with_noise
from lextune.tasks.audio.batches import sounds
from lextune.tasks.audio.front import Front
from lextune.tasks.audio.waves import Waves

ALL = AudioAugmentationConfig(
    speed=0.1, noise_snr_db=10.0, time_masks=2, time_mask_share=0.2, frequency_masks=2, frequency_mask_bins=20
)  # fmt: skip


def some(front: Front, seconds: tuple[float, ...] = (0.5, 0.9, 2.5)) -> Waves:
    made = [tiny.draw_sound("middle", n, one) for n, one in enumerate(seconds)]
    data = np.concatenate([np.round(one * 30_000).astype(np.int16) for one in made])
    scales = np.full(len(made), 1 / 30_000, np.float32)
    return Waves(data, np.array([len(one) for one in made]), scales, front)


MEL, WAVE = Front(window=16_000), Front("wave", normalised=True, masked=True, window=16_000)


@pytest.mark.parametrize("front", [MEL, WAVE])
def test_a_view_is_a_pure_function_of_seed_epoch_and_row(front: Front) -> None:
    waves = some(front).seen(AudioView(ALL, 3, 1))
    whole = sounds(waves, np.array([0, 1, 2])).inputs
    again = sounds(waves, np.array([2, 0]))
    assert torch.equal(again.inputs, whole[[2, 0]])
    assert again.owners.tolist() == [0, 1]
    other = sounds(some(front).seen(AudioView(ALL, 3, 2)), np.array([0, 1, 2])).inputs
    assert not torch.equal(whole, other)


@pytest.mark.parametrize("front", [MEL, WAVE])
def test_nothing_is_changed_where_all_is_off(front: Front) -> None:
    short = np.array([0, 1])
    plain = sounds(some(front), short).inputs
    seen = sounds(some(front).seen(AudioView(AudioAugmentationConfig(), 3, 1)), short).inputs
    assert torch.equal(plain, seen)


def test_prediction_reads_a_long_sound_in_windows_that_cover_it() -> None:
    waves = some(MEL)
    batch = sounds(waves, np.array([2, 0]))
    assert batch.owners.tolist() == [0, 0, 0, 1]
    assert batch.inputs.shape == (4, 80, 100)
    given_ = torch.tensor([[1.0], [2.0], [6.0], [5.0]])
    assert batch.means(given_).tolist() == [[3.0], [5.0]]
    assert len(sounds(waves.seen(AudioView(ALL, 0, 0)), np.array([2])).inputs) == 1


def test_the_mask_says_what_is_padding() -> None:
    batch = sounds(some(WAVE), np.array([0, 1]))
    assert batch.mask is not None
    assert batch.mask.sum(1).tolist() == [8_000, 14_400]
    assert not batch.inputs[0, 8_000:].any()
    assert float(batch.inputs[0, :8_000].mean()) == pytest.approx(0, abs=1e-4)
    assert sounds(some(MEL), np.array([0])).mask is None


@given(st.floats(0.5, 1.5), st.integers(0, 2**31))
def test_speed_changes_the_length_and_keeps_the_level(factor: float, seed: int) -> None:
    wave = tiny.draw_sound("low", seed % 100).astype(np.float32)
    found = at_speed(wave, factor)
    assert len(found) == pytest.approx(len(wave) / factor, rel=0.01)
    assert np.sqrt(np.mean(found**2)) == pytest.approx(np.sqrt(np.mean(wave**2)), rel=0.1)


@given(st.floats(-10, 60), st.integers(0, 2**31))
def test_noise_is_as_far_below_the_sound_as_was_asked(decibels: float, seed: int) -> None:
    wave = tiny.draw_sound("low", 1).astype(np.float32)
    noise = with_noise(wave, decibels, np.random.default_rng(seed)) - wave
    found = 10 * np.log10(np.mean(wave.astype(float) ** 2) / np.mean(noise.astype(float) ** 2))
    assert found == pytest.approx(decibels, abs=0.5)
    assert not with_noise(np.zeros(100, np.float32), decibels, np.random.default_rng(0)).any()


@given(st.integers(0, 2**31), st.integers(0, 50), st.integers(0, 1000))
def test_masks_stay_inside_and_within_their_width(seed: int, epoch: int, row: int) -> None:
    view = AudioView(ALL, seed, epoch)
    for masks, widest in ((view.times(row), 0.2), (view.frequencies(row), 20 / 80)):
        assert len(masks) == 2
        for one in masks:
            assert 0 <= one.start <= one.stop <= 1
            assert one.stop - one.start <= widest + 1e-9


def test_a_band_that_is_left_out_takes_its_tone_with_it() -> None:
    from lextune.tasks.audio.augment import Mask
    from lextune.tasks.audio.batches import _without_bands

    wave = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    place = np.log10(1 + 1000 / 700) / np.log10(1 + 8000 / 700)  # on the mel scale
    left = _without_bands(wave, [Mask(place - 0.02, place + 0.02)])
    kept = _without_bands(wave, [Mask(place + 0.02, place + 0.06)])
    assert np.abs(left).max() < 0.02
    assert np.abs(kept - wave).max() < 0.02
