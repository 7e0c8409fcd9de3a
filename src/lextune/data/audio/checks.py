"""Says which sounds of a part are odd: quiet, clipped, long, or with a transcript that does not fit; it changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from lextune.config import DataConfig
from lextune.data.audio.speakers import speakers_of
from lextune.data.columns import Ints, Names
from lextune.data.dataset import Rows
from lextune.data.findings import Findings, Level

#: What Whisper hears at a time; other models are taught with less.
LONG_SECONDS = 30.0
#: Level below which hardly anything is heard: 60 dB under full scale.
QUIET_RMS = 1e-3
#: Share of samples at full scale from which a listener hears it.
CLIPPED_SHARE = 1e-3
#: Signs a second that nobody speaks, and the factor from the median that is far outside, with the rows that a median
#: needs: house figures.
MOST_SIGNS, FAR, LEAST_ROWS = 40.0, 4.0, 20


class Oddity(NamedTuple):
    """Rows that want a look; fields as `Findings.add` has them."""

    kind: str
    severity: Level
    fact: str
    remedy: str
    rows: Ints


def odd_sounds(name: str, rows: Rows) -> Iterator[Oddity]:
    """What is odd about the sounds of the part called `name`; nothing where rows are none."""
    sounds = rows.sounds
    if sounds is None or not len(rows):
        return
    pieces = np.array(
        [
            names != ("0", "")
            for names in zip(_cells(sounds.starts), _cells(sounds.stops), strict=True)
        ]
    )
    yield Oddity(
        "pieces", "info", f"rows of {name} that are pieces of a sound, as their start and stop say",
        "none is needed if those columns are seconds", np.flatnonzero(pieces),
    )  # fmt: skip
    yield Oddity(
        "quiet_sound", "warning", f"sounds of {name} that are quieter than 60 dB under full scale",
        "listen to them; record them again, or remove them", np.flatnonzero(sounds.rms < QUIET_RMS),
    )  # fmt: skip
    yield Oddity(
        "clipped_sound", "warning", f"sounds of {name} with more than 0.1 % of their samples at full scale",
        "they were recorded too loud: look for the originals", np.flatnonzero(sounds.clipped > CLIPPED_SHARE),
    )  # fmt: skip
    long = np.flatnonzero(sounds.seconds > LONG_SECONDS)
    remedy = "none is needed if the model takes them; else cut them"
    if rows.kind == "transcript":
        remedy = (
            "cut them at silences, each piece with its own words: no sound is cut under its whole text, so "
            "a model that hears 30 s at a time (Whisper) refuses to be taught with them"
        )
    yield Oddity(
        "long_sound", "warning",
        f"sounds of {name} longer than {LONG_SECONDS:g} s; the longest lasts {sounds.seconds.max():.1f} s",
        remedy, long,
    )  # fmt: skip
    if rows.kind == "transcript":
        yield Oddity(
            "odd_transcript", "warning",
            f"rows of {name} whose transcript is far too long or too short for its sound",
            "listen to them: the text may belong to another sound, or the sound may be cut", _odd_paces(rows),
        )  # fmt: skip


def tell_speakers(parts: dict[str, Rows], config: DataConfig, findings: Findings) -> None:
    """Report where nobody knows who speaks, and where the user wants the same voices on both sides."""
    train = parts["train"]
    if train.sounds is None:
        return
    if speakers_of(train) is None:
        findings.add(
            "unknown_speakers", "warning",
            "no column says who speaks, so nobody knows whether a voice stands in more than one part",
            "set data.columns.speaker; without, scores may say too much about new voices", unit="columns",
        )  # fmt: skip
    elif config.split.method == "random" and not {"test", "validation"} <= set(parts):
        findings.add(
            "random_over_speakers", "warning",
            "data.split.method: random puts rows of one speaker into several parts: scores say nothing about new voices",
            "leave it out, so that each speaker is in one part", unit="options",
        )  # fmt: skip


def _odd_paces(rows: Rows) -> Ints:
    """Rows whose signs a second are beyond what is spoken, or far from the part's median."""
    assert rows.sounds is not None
    signs = np.array([len("".join(name.split())) for name in rows.labels.names] + [0])
    pace = signs[rows.labels.numbers] / rows.sounds.seconds
    odd = pace > MOST_SIGNS
    said = pace > 0  # a missing label is an error of its own
    if said.sum() >= LEAST_ROWS:
        usual = float(np.median(pace[said]))
        odd |= said & ((pace > FAR * usual) | (pace < usual / FAR))
    return np.flatnonzero(odd)


def _cells(column: Names) -> Iterator[str]:
    return (column.names[number] for number in column.numbers.tolist())
