"""Sounds are kept as they are heard, found again in their file, and cut into small batches."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

import tiny
from lextune.audio import AudioInput
from lextune.errors import DataError, VerificationError
from lextune.files import sha256
from lextune.tasks.audio.front import Front
from lextune.tasks.audio.waves import Waves, encode_sounds
from lextune.tasks.mapped import kept_rows, unnamed_rows

FRONT = Front(window=16_000)


def written(folder: Path, name: str, wave: np.ndarray, rate: int = 16_000) -> AudioInput:
    path = folder / name
    soundfile.write(path, wave, rate, subtype="PCM_16")
    return AudioInput(str(path), sha256(path.read_bytes()))


def test_a_sound_is_kept_within_a_thirty_thousandth_of_its_peak(tmp_path: Path) -> None:
    wave = tiny.draw_sound("low", 0)
    waves = encode_sounds([written(tmp_path, "a.wav", wave), written(tmp_path, "b.wav", wave / 50)], FRONT)  # fmt: skip
    assert len(waves) == 2
    assert waves.lengths.tolist() == [50, 50]
    assert waves.truncated == 0
    stored, _ = soundfile.read(tmp_path / "b.wav")
    assert np.abs(waves.wave(1) - stored).max() <= np.abs(stored).max() / 32_000
    assert np.abs(waves.wave(0) - wave).max() < 1e-3


def test_pieces_and_silence(tmp_path: Path) -> None:
    given = written(tmp_path, "a.wav", tiny.draw_sound("low", 0, seconds=2.0))
    piece = given._replace(start=0.5, stop=1.25)
    silent = written(tmp_path, "s.wav", np.zeros(16_000))
    waves = encode_sounds([given, piece, silent], FRONT)
    assert waves.counts.tolist() == [32_000, 12_000, 16_000]
    assert np.abs(waves.wave(1) - waves.wave(0)[8_000:20_000]).max() < 1e-4
    assert not waves.wave(2).any()


def same(one: Waves, two: Waves) -> None:
    for name, array in one.arrays().items():
        np.testing.assert_array_equal(array, two.arrays()[name])
    assert one.front == two.front


def test_waves_are_mapped_from_a_file_that_is_made_once(tmp_path: Path) -> None:
    inputs = [written(tmp_path, f"{n}.wav", tiny.draw_sound("high", n, 0.1 + 0.1 * n)) for n in range(5)]  # fmt: skip
    blocks, done = [inputs[:2], inputs[2:4], inputs[4:]], []
    whole = encode_sounds(inputs, FRONT)
    same(kept_rows(tmp_path / "kept" / "part", lambda some: encode_sounds(some, FRONT), blocks, done.append), whole)  # fmt: skip
    assert sum(done) == 5

    def broken(some: list[AudioInput]) -> Waves:
        assert not some, "it is there already"
        return encode_sounds(some, FRONT)

    same(kept_rows(tmp_path / "kept" / "part", broken, blocks, done.append), whole)
    same(unnamed_rows(lambda some: encode_sounds(some, FRONT), blocks, lambda _: None, tmp_path), whole)  # fmt: skip


def test_another_file_than_was_checked_is_refused(tmp_path: Path) -> None:
    given = written(tmp_path, "a.wav", tiny.draw_sound("low", 0))
    written(tmp_path, "a.wav", tiny.draw_sound("low", 1))
    with pytest.raises(VerificationError, match="not the one that was checked"):
        encode_sounds([given], FRONT)
    Path(given.file).unlink()
    with pytest.raises(DataError, match="cannot be read"):
        encode_sounds([given], FRONT)
    with pytest.raises(DataError, match="cannot be read"):
        encode_sounds([AudioInput("x", "", data=b"no sound")], FRONT)


def test_a_sound_longer_than_the_model_takes_is_refused_not_cut() -> None:
    stream = io.BytesIO()
    soundfile.write(stream, np.zeros(31 * 16_000) + 0.1, 16_000, format="WAV")
    with pytest.raises(DataError, match=r"31.0 s, but the model takes 30 s"):
        encode_sounds([AudioInput("a.wav", "", data=stream.getvalue())], Front(longest=30.0))


@given(st.lists(st.integers(1, 200_000), min_size=1, max_size=30), st.integers(1, 8), st.integers(50, 4096))  # fmt: skip
def test_every_sound_is_in_one_batch_and_none_is_too_large(
    counts: list[int], batch_size: int, tokens: int
) -> None:
    waves = Waves(
        np.zeros(sum(counts), np.int16), np.array(counts), np.ones(len(counts), np.float32), Front()
    )
    batches = waves.in_order(batch_size)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(counts)))
    assert max(map(len, batches)) <= batch_size
    parts = waves.cut(np.arange(len(counts)), tokens)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(counts)))
    for part in parts:
        assert len(part) == 1 or len(part) * waves.lengths[part].max() <= tokens
