"""Changes of sounds do what their names say, to the piece that a row names, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

import sounds
from lextune.audio import RATE, AudioInput, read_input
from lextune.audits.perturbations.audio import PERTURBATIONS

BY_NAME = {one.name: one for one in PERTURBATIONS}
LOW, HIGH = sounds.tone(2.0, 500.0, level=0.4), sounds.tone(2.0, 6000.0, level=0.4)
GIVEN = AudioInput("nowhere.wav", "", "said", data=sounds.written(LOW + HIGH))
PLAIN = read_input(GIVEN)


def changed(name: str, given: AudioInput = GIVEN, severity: float = 1.0, seed: int = 0) -> np.ndarray:  # type: ignore[type-arg]  # fmt: skip
    found = BY_NAME[name].change(given, np.random.default_rng(seed), severity)
    assert (found.label, found.start, found.stop) == ("said", 0.0, None)
    return read_input(found)


def loudness(wave: np.ndarray, hertz: float) -> float:  # type: ignore[type-arg]
    spectrum = np.abs(np.fft.rfft(wave)) / len(wave)
    at = round(hertz * len(wave) / RATE)
    return float(spectrum[max(at - 3, 0) : at + 4].max())


@pytest.mark.parametrize("name", BY_NAME)
def test_a_sound_changes_the_same_way_for_the_same_seed(name: str) -> None:
    found = changed(name)
    np.testing.assert_array_equal(found, changed(name))
    assert np.isfinite(found).all()
    assert len(found) != len(PLAIN) or not np.array_equal(found, PLAIN)
    assert len(changed(name, severity=5.0))


def test_noise_is_20_decibels_below_the_sound() -> None:
    added = changed("noise") - PLAIN
    power = float(np.mean(PLAIN**2) / np.mean(added**2))
    assert 10 * np.log10(power) == pytest.approx(20, abs=0.2)
    twice = changed("noise", severity=2.0) - PLAIN
    assert np.mean(twice**2) == pytest.approx(4 * np.mean(added**2), rel=0.05)
    assert not np.array_equal(added, changed("noise", seed=1) - PLAIN)


def test_speed_changes_length_and_pitch() -> None:
    fast, slow = changed("faster"), changed("slower")
    assert len(fast) == pytest.approx(len(PLAIN) / 1.1, abs=2)
    assert len(slow) == pytest.approx(len(PLAIN) * 1.1, abs=2)
    assert loudness(fast, 550) > 10 * loudness(fast, 500)
    assert loudness(slow, 500 / 1.1) > 10 * loudness(slow, 500)


def test_clipping_cuts_what_is_loud() -> None:
    found = changed("clipping")
    assert np.abs(found).max() == pytest.approx(0.3 * np.abs(PLAIN).max(), abs=1e-6)
    quiet = np.abs(PLAIN) < 0.25 * np.abs(PLAIN).max()
    np.testing.assert_allclose(found[quiet], PLAIN[quiet], atol=1e-6)


def test_a_telephone_hears_nothing_above_4_kilohertz() -> None:
    found = changed("low_sample_rate")
    assert len(found) == pytest.approx(len(PLAIN), abs=2)
    assert loudness(found, 500) == pytest.approx(loudness(PLAIN, 500), rel=0.05)
    assert loudness(found, 6000) < 0.01 * loudness(PLAIN, 6000)


def test_the_piece_of_a_row_is_changed_and_no_more() -> None:
    piece = GIVEN._replace(start=0.5, stop=1.0)
    assert len(changed("clipping", piece)) == RATE // 2


def test_silence_stays_silent() -> None:
    silent = GIVEN._replace(data=sounds.written(np.zeros(RATE, np.float32)))
    for name in BY_NAME:
        assert not changed(name, silent).any()
