"""What is seen in a sound file at one look: length, level, and kinds of metadata without their values."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.data.audio.metadata import metadata_kinds
from lextune.data.audio.probe import probe, seconds_text
from lextune.files import sha256
from sounds import put, tone, written


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def with_chunks(data: bytes, *chunks: bytes) -> bytes:
    """A WAV with more chunks before its samples."""
    whole = data[12:36] + b"".join(chunks) + data[36:]
    return b"RIFF" + struct.pack("<I", len(whole) + 4) + b"WAVE" + whole


def id3(*frames: tuple[bytes, bytes]) -> bytes:
    body = b"".join(name + struct.pack(">I", len(text)) + b"\0\0" + text for name, text in frames)
    return b"ID3\x03\0\0" + bytes([0, 0, len(body) >> 7, len(body) & 0x7F]) + body


def kinds_of(path):
    return probe(path).metadata


def test_length_level_and_digest(tmp_path):
    path = put(tmp_path / "a.wav", np.stack([tone(1.5, rate=8000)] * 2, axis=1), 8000)
    found = probe(path)
    assert (found.seconds, found.rate, found.channels, found.format) == (1.5, 8000, 2, "WAV")
    assert found.sha256 == sha256(path.read_bytes())
    assert found.text == f"sha256:{found.sha256}"
    assert found.peak == pytest.approx(0.5, abs=1e-3)
    assert found.rms == pytest.approx(0.5 / 2**0.5, abs=1e-3)
    assert (found.clipped, found.silent, found.metadata) == (0.0, False, ())


def test_a_piece_is_another_row_of_the_same_file(tmp_path):
    path = put(tmp_path / "a.wav", tone(2.0))
    whole, piece, rest = probe(path), probe(path, 0.5, 1.25), probe(path, 0.5)
    assert piece.seconds == 0.75
    assert piece.sha256 == whole.sha256 == rest.sha256
    assert piece.text == f"{whole.text}#0.5-1.25"
    assert rest.text == f"{whole.text}#0.5-"


def test_a_file_that_changed_is_looked_at_again(tmp_path):
    path = put(tmp_path / "a.wav", tone(1.0))
    before = probe(path)
    put(path, tone(2.0))
    assert probe(path).sha256 != before.sha256
    assert probe(path).seconds == 2.0


def test_clipping_and_silence(tmp_path):
    loud = np.clip(tone(level=2.0), -1, 1)
    assert probe(put(tmp_path / "a.wav", loud)).clipped == pytest.approx(2 / 3, abs=0.02)
    assert probe(put(tmp_path / "b.wav", np.zeros(48_000, np.float32))).silent


def test_the_suffix_may_say_something_else(tmp_path):
    path = put(tmp_path / "a.wav", kind="FLAC")
    assert not probe(path).fits(path.name)
    assert probe(path).fits("a.FLAC")
    assert probe(path).fits("a")


def test_chunks_of_wav(tmp_path):
    path = tmp_path / "a.wav"
    plain = written(tone())
    bext = b"An interview".ljust(256, b"\0") + b"Ada Lovelace".ljust(32, b"\0") + bytes(314)
    info = b"INFO" + chunk(b"IART", b"Ada\0") + chunk(b"ISFT", b"Tool\0") + chunk(b"ICRD", b"\0\0")
    path.write_bytes(with_chunks(plain, chunk(b"bext", bext), chunk(b"LIST", info)))
    assert kinds_of(path) == ("artist", "comment", "originator", "software")
    path.write_bytes(with_chunks(plain, chunk(b"bext", bytes(602))))
    assert kinds_of(path) == ()
    path.write_bytes(with_chunks(plain, chunk(b"id3 ", id3((b"TPE1", b"\0Ada")))))
    assert kinds_of(path) == ("artist",)


@pytest.mark.parametrize(("kind", "suffix"), [("FLAC", "flac"), ("OGG", "ogg"), ("WAV", "wav")])
def test_comments_are_counted_by_kind(kind, suffix, tmp_path):
    path = tmp_path / f"a.{suffix}"
    with soundfile.SoundFile(path, "w", 16_000, 1, format=kind) as file:
        file.artist, file.comment, file.copyright = "Ada", "in her garden", "2026"
        file.write(tone())
    assert {"artist", "comment", "copyright"} <= set(kinds_of(path))


def test_frames_of_mp3(tmp_path):
    path = tmp_path / "a.mp3"
    sound = written(tone(), kind="MP3", coding=None)
    path.write_bytes(id3((b"TIT2", b"\0A talk"), (b"TPE1", b"\0"), (b"APIC", b"\0png")) + sound)
    assert kinds_of(path) == ("picture", "title")
    path.write_bytes(sound + b"TAG" + b"A talk".ljust(30, b"\0") + bytes(95))
    assert kinds_of(path) == ("title",)
    stuffed = bytearray(id3((b"TIT2", b"\0A talk")))
    stuffed[5] = 0x80  # bytes are put in between, which nobody takes out here
    path.write_bytes(bytes(stuffed) + sound)
    assert kinds_of(path) == ("unreadable_metadata",)


@given(st.integers(0, 2000), st.binary(min_size=1, max_size=6), st.sampled_from(["WAV", "FLAC", "OGG"]))  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_of_a_damaged_file_kinds_are_found_or_it_is_unreadable(place, junk, kind):
    import io

    data = bytearray(written(tone(0.2), kind=kind, coding=None))
    data[place : place + len(junk)] = junk
    found = metadata_kinds(io.BytesIO(bytes(data)), kind)
    assert list(found) == sorted(set(found))


@given(st.floats(0, 1e6))
def test_seconds_are_written_so_that_they_are_read_again(value):
    assert float(seconds_text(value)) == value
    assert seconds_text(None) == ""
