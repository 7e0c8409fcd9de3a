"""Sound files of every kind: the same samples for the same bytes, or a refusal that says what to do."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from fresh import imported_by
from lextune.audio import (
    AudioInput,
    UnfitAudioError,
    read_audio,
    read_input,
    sound_info,
    stream_audio,
)
from sounds import RATE, tone, written

KINDS = [
    ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "PCM_32"), ("WAV", "FLOAT"), ("WAV", "PCM_U8"), ("WAVEX", "PCM_16"),
    ("RF64", "PCM_16"), ("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III"),
]  # fmt: skip
ODD = [
    (b"", "empty_sound"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "lfs_pointer"),
    (b"GIF89a" + bytes(100), "not_a_sound"),
    (b"hello", "not_a_sound"),
]


def refused(data, **piece):
    with pytest.raises(UnfitAudioError) as error:
        read_audio(data, **piece)
    assert error.value.remedy
    return error.value.kind


@pytest.mark.parametrize(("kind", "coding"), KINDS)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_format_gives_the_tone_that_was_written(kind, coding, channels):
    samples = tone()
    data = written(np.stack([samples] * channels, axis=1), kind=kind, coding=coding)
    found = read_audio(data)
    assert found.dtype == np.float32
    assert found.shape == samples.shape
    lossy = kind in ("OGG", "MP3")
    assert np.abs(found - samples)[2000:-2000].max() < (0.05 if lossy else 0.02)
    info = sound_info(data)
    assert (info.rate, info.channels, info.seconds) == (RATE, channels, 1.0)


def test_16_bits_at_the_same_rate_are_exact():
    samples = np.array([0, 1, -32768, 32767, 12345], np.int16)
    assert (read_audio(written(samples)) * 32768 == samples).all()


def test_channels_are_heard_as_their_mean():
    left = tone()
    assert np.abs(read_audio(written(np.stack([left, -left], axis=1)))).max() < 1e-4
    half = read_audio(written(np.stack([left, np.zeros_like(left)], axis=1)))
    assert np.abs(half - left / 2).max() < 1e-4


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 32000, 44100, 48000])
def test_a_tone_stays_the_same_tone_at_every_rate(rate):
    found = read_audio(written(tone(2.0, 1000.0, rate), rate, coding="FLOAT"))
    assert abs(len(found) - 2 * RATE) <= 1
    inside = slice(2000, 30_000)
    assert np.abs(found[inside] - tone(2.0, 1000.0)[: len(found)][inside]).max() < 1e-4


@pytest.mark.parametrize("hertz", [9000.0, 12_000.0, 15_000.0, 20_000.0])
def test_nothing_aliases(hertz):
    found = read_audio(written(tone(2.0, hertz, 44_100), 44_100, coding="FLOAT"))
    assert np.abs(found[2000:30_000]).max() < 1e-4  # taking each third sample would leave it at 0.5


@given(
    rate=st.sampled_from([8000, 16_000, 44_100]),
    frames=st.integers(1, 50_000),
    block=st.floats(0.01, 2.0),
)
@settings(deadline=None, max_examples=25)
def test_blocks_are_together_what_is_read_at_once(rate, frames, block):
    noise = np.random.default_rng(frames).uniform(-1, 1, frames).astype(np.float32)
    data = written(noise, rate, coding="FLOAT")
    blocks = list(stream_audio(data, seconds=block))
    assert {len(one) for one in blocks[:-1]} <= {round(block * RATE)}
    together = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    if blocks:
        assert np.array_equal(together, read_audio(data))


def test_a_piece_is_that_part_of_the_file(tmp_path):
    path = tmp_path / "a.wav"
    samples = tone(2.0)
    path.write_bytes(written(samples, coding="FLOAT"))
    found = read_audio(path, 0.5, 0.75)
    assert np.array_equal(found, samples[8000:12_000])
    row = AudioInput(str(path), "", start=1.5)
    assert np.array_equal(read_input(row), samples[24_000:])
    assert len(read_audio(path, 1.0, 2.01)) == RATE  # times are written with two digits


@pytest.mark.parametrize(("start", "stop"), [(3.0, 4.0), (1.0, 1.0), (1.5, 0.5), (0.0, 9.0), (2.5, None)])  # fmt: skip
def test_a_piece_outside_is_refused(start, stop):
    assert refused(written(tone(2.0)), start=start, stop=stop) == "piece_outside"


@pytest.mark.parametrize(("data", "kind"), ODD)
def test_what_is_no_sound_is_told_apart(data, kind):
    assert refused(data) == kind


def test_the_name_is_no_matter(tmp_path):
    path = tmp_path / "a.raw"
    path.write_bytes(written(tone(), kind="FLAC"))
    assert sound_info(path).format == "FLAC"
    path.write_bytes(bytes(1000))
    with pytest.raises(UnfitAudioError, match="no sound"):
        read_audio(path)


def test_a_header_without_frames_is_refused():
    assert refused(written(np.zeros(0, np.float32))) == "no_frames"


@pytest.mark.parametrize(("kind", "coding"), [one for one in KINDS if one[1] != "PCM_U8"])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.999])
def test_a_file_that_is_cut_short_is_refused(kind, coding, share):
    data = written(tone(3.0, rate=44_100), 44_100, kind, coding)
    assert refused(data[: int(share * len(data))]) == "damaged_sound"


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000])
def test_a_stream_that_could_not_say_its_length_is_read_to_its_end(size):
    data = bytearray(written(tone()))
    at = data.index(b"data")
    data[at + 4 : at + 8] = struct.pack("<I", size)
    assert len(read_audio(bytes(data))) == RATE


@pytest.mark.parametrize(
    ("value", "kind"),
    [(np.nan, "not_finite"), (np.inf, "not_finite"), (20_000.0, "unknown_range")],
)
def test_samples_that_are_no_sound_are_refused(value, kind):
    samples = tone()
    samples[-1] = value
    assert refused(written(samples, coding="FLOAT")) == kind


def test_a_rate_that_is_too_low_is_refused():
    assert refused(written(tone(rate=4000), 4000)) == "sound_rate"


@given(st.integers(0, 10**9), st.binary(min_size=1, max_size=8))
@settings(deadline=None, max_examples=60)
def test_a_damaged_file_gives_samples_or_a_refusal(place, junk):
    data = bytearray(written(tone(0.2), kind=("WAV", "FLAC", "OGG")[place % 3], coding=None))
    at = place % len(data)
    data[at : at + len(junk)] = junk
    with contextlib.suppress(UnfitAudioError):  # whatever else is raised fails the test
        assert np.isfinite(read_audio(bytes(data))).all()


def test_a_long_file_is_read_in_the_memory_of_a_block(tmp_path):
    path = tmp_path / "long.flac"
    with soundfile.SoundFile(path, "w", 48_000, 2, format="FLAC") as file:
        for _ in range(60):
            file.write(np.zeros((480_000, 2), np.float32))
    tracemalloc.start()
    seconds = sum(len(block) for block in stream_audio(path, seconds=10.0)) / RATE
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds == 600.0
    assert peak < 12e6  # all of it would be 38 MB at 16 kHz


def test_what_a_sound_is_can_be_said_without_numpy():
    assert imported_by("import lextune.audio", of=("numpy", "soundfile", "soxr")) == set()
