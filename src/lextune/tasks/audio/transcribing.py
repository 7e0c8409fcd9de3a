"""Writes down sounds of any length with a loaded model, in windows where they are long; it knows no run and no metric.

A sound that fits Whisper's window is heard as transformers hears it, padded to 30 seconds, and is written without
timestamps. A longer one is written with them, window after window: each begins where the last whole segment of the
one before ended, so that windows overlap by what was not finished (Radford et al. 2022, arXiv:2212.04356, section
3.8). Where a window has no whole segment it is cut at its quietest place. A CTC model's windows overlap by seconds,
and are joined at a frame in which both hear nothing.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from lextune.errors import ModelError, Problem
from lextune.tasks.audio.batches import sounds
from lextune.tasks.audio.ctc import CTC_WINDOW, ctc_parts, short_ctc
from lextune.tasks.audio.found import FoundTranscript, Segment
from lextune.tasks.audio.front import RATE
from lextune.tasks.audio.library import is_whisper
from lextune.tasks.audio.waves import Waves
from lextune.tasks.audio.whisper import TICK, Written, encode, write
from lextune.tasks.audio.windows import Buffer, Floats, Part, joined, wave_of

if TYPE_CHECKING:
    from lextune.tasks.audio.spelling import WhisperSpelling
    from lextune.tasks.speech_to_text import SpeechFront

#: Sounds that are padded to 30 seconds in one pass.
_AT_ONCE = 8
#: Nothing is said where the model thinks so and is unsure of what it wrote (OpenAI's whisper/transcribe.py).
_NO_SPEECH, _UNSURE = 0.6, -1.0
#: A window moves on by so many seconds at least, and is cut after so many where it has no whole segment.
_STEP, _CUT_AFTER = 1.0, 15.0
#: Samples of the pieces by whose loudness the quietest place is found.
_PIECE = RATE // 10


def transcribe(
    loaded: Any, waves: Waves, batch_size: int, advance: Callable[[int], None]
) -> list[FoundTranscript | None]:
    """What is said in each sound, in their order; None where a number is not finite.

    Args:
        loaded: A `models.loading.LoadedModel`.
        waves: As its encoder made them.
        batch_size: Sounds in a forward pass at most.
        advance: Told of the sounds that are done.
    """
    front: SpeechFront = waves.front  # type: ignore[assignment]
    window = round(_window_seconds(front) * RATE)
    found: list[FoundTranscript | None] = [None] * len(waves)
    short = np.flatnonzero(waves.counts <= window)
    short = short[np.argsort(-waves.counts[short], kind="stable")]
    # a model that is not told what is padding hears it, so its sounds are heard one by one
    alone = front.kind == "wave" and not front.masked
    size = 1 if alone else min(batch_size, _AT_ONCE)
    for start in range(0, len(short), size):
        rows = short[start : start + size]
        said = _short(loaded, waves, rows)
        for row, one in zip(rows.tolist(), said, strict=True):
            found[row] = one
        advance(len(rows))
    for row in np.flatnonzero(waves.counts > window).tolist():
        parts = list(_parts(loaded, front, iter([waves.wave(row)])))
        found[row] = joined(parts)
        advance(1)
    return found


def transcribe_stream(loaded: Any, blocks: Iterable[Floats]) -> Iterator[Segment]:
    """What is said in a sound of any length, as soon as it is known; it holds little more than a window of it.

    Args:
        loaded: A `models.loading.LoadedModel` of the task speech_to_text.
        blocks: Mono samples at 16 kHz, one after the other, each of any length.

    Raises:
        ModelError: An answer is no finite number.
    """
    front: SpeechFront = loaded.encode([]).front
    for part in _parts(loaded, front, iter(blocks)):
        if not math.isfinite(part.total):
            raise ModelError(
                Problem(
                    "the model's answer to a piece of the sound is no finite number",
                    "serve a release whose weights are whole, or in train.precision: fp32",
                )
            )
        yield from part.segments


def transcribe_blocks(loaded: Any, blocks: Iterable[Floats]) -> FoundTranscript | None:
    """All that is said in a sound of any length, in the memory of little more than a window; None as in `transcribe`."""
    front: SpeechFront = loaded.encode([]).front
    return joined(list(_parts(loaded, front, iter(blocks))))


def _window_seconds(front: SpeechFront) -> float:
    return CTC_WINDOW if front.most is None else front.most / RATE


def _parts(loaded: Any, front: SpeechFront, blocks: Iterator[Floats]) -> Iterator[Part]:
    loaded.model.eval()
    if is_whisper(loaded.model):
        return _whisper_parts(loaded, front, blocks)
    return ctc_parts(loaded, front, blocks)


def _short(loaded: Any, waves: Waves, rows: npt.NDArray[np.int64]) -> list[FoundTranscript | None]:
    seconds = [one / RATE for one in waves.counts[rows].tolist()]
    if not is_whisper(loaded.model):
        return short_ctc(loaded, waves, rows, seconds)
    spelling = _whisper(waves.front)  # type: ignore[arg-type]
    written = _written(loaded, waves, rows, seconds, times=False)
    found: list[FoundTranscript | None] = []
    for one, length in zip(written, seconds, strict=True):
        text = spelling.text(one.tokens)
        segments = (Segment(0.0, length, text),) if text else ()
        score = one.log_probability
        found.append(
            FoundTranscript(text, math.exp(score), segments) if math.isfinite(score) else None
        )
    return found


def _whisper(front: SpeechFront) -> WhisperSpelling:
    return front.spelling  # type: ignore[return-value]


@torch.inference_mode()
def _written(
    loaded: Any, waves: Waves, rows: npt.NDArray[np.int64], seconds: list[float], *, times: bool
) -> list[Written]:
    """What Whisper writes of sounds that are padded to its window."""
    loaded.model.eval()
    front: SpeechFront = waves.front  # type: ignore[assignment]
    padded = dataclasses.replace(waves, front=dataclasses.replace(front, window=front.most))
    device = next(loaded.model.parameters()).device
    batch = sounds(padded, rows).to(device)
    half = loaded.precision == "bf16"
    with torch.autocast(device.type, torch.bfloat16, enabled=half):
        states = encode(loaded.model, batch.inputs)
    # the decoder's products are as small in either precision, and its choices are those of fp32
    return write(loaded.model, states.float(), _whisper(front).rules, seconds, times=times)


def _whisper_parts(loaded: Any, front: SpeechFront, blocks: Iterator[Floats]) -> Iterator[Part]:
    assert front.most is not None
    buffer = Buffer(blocks)
    while True:
        buffer.fill(front.most)
        if not len(buffer.samples):
            return
        window = buffer.samples[: front.most]
        last = buffer.ended and len(buffer.samples) <= front.most
        part, done = _window_of(loaded, front, window, buffer.place / RATE, last=last)
        if part is not None and (part.segments or not math.isfinite(part.total)):
            yield part
        if last:
            return
        buffer.drop(done)


def _window_of(
    loaded: Any, front: SpeechFront, window: Floats, start: float, *, last: bool
) -> tuple[Part | None, int]:
    """What is said in a window that begins at `start`, and how many of its samples are done with."""
    if not window.any():
        return None, len(window)
    written = _one(loaded, front, window, times=True)
    length = len(window) / RATE
    if written.no_speech > _NO_SPEECH and not written.log_probability >= _UNSURE:
        return None, len(window)
    no_times = _whisper(front).rules.no_times
    if all(token > no_times for token in written.tokens):
        return None, len(window)
    closed, rest, ends = _stretches(written.tokens, no_times)
    done = len(window) if ends else round(closed[-1][1] * RATE) if closed else 0
    if last and (closed or rest is not None):
        if rest is not None:
            closed.append((rest[0], length, rest[1]))
    elif not closed or done < _STEP * RATE:
        cut = len(window) if last else quietest(window)
        written = _one(loaded, front, window[:cut], times=False)
        closed, done = [(0.0, cut / RATE, written.tokens)], cut
    return _part(front, closed, written, start, length), min(done, len(window))


def _one(loaded: Any, front: SpeechFront, wave: Floats, *, times: bool) -> Written:
    rows = np.zeros(1, np.int64)
    return _written(loaded, wave_of(front, wave), rows, [len(wave) / RATE], times=times)[0]


Stretch = tuple[float, float, list[int]]


def _stretches(
    tokens: list[int], no_times: int
) -> tuple[list[Stretch], tuple[float, list[int]] | None, bool]:
    """Segments that have a beginning and an end, what begins and does not end, and whether the window ends in silence.

    Timestamps stand around each segment, so that two of them meet between segments; where one alone comes last,
    nothing was said after it.
    """
    closed: list[Stretch] = []
    start, text, before = 0.0, list[int](), False
    ends = False
    for token in tokens:
        time = (token - no_times - 1) * TICK
        if token <= no_times:
            text.append(token)
            before, ends = False, False
        elif text:
            closed.append((start, max(time, start), text))
            start, text, before, ends = time, [], True, True
        else:
            start, ends = time, not before and ends
    return closed, (start, text) if text else None, ends


def _part(
    front: SpeechFront, stretches: list[Stretch], written: Written, start: float, length: float
) -> Part:
    segments = [
        Segment(start + min(begin, length), start + min(end, length), text)
        for begin, end, tokens in stretches
        if (text := _whisper(front).text(tokens))
    ]
    count = sum(len(tokens) for _, _, tokens in stretches)
    return Part(tuple(segments), written.log_probability * count, count)


def quietest(window: Floats) -> int:
    """The sample in the later half of a window at which it is quietest, in the middle of a tenth of a second."""
    first = min(round(_CUT_AFTER * RATE), len(window) // 2)
    count = (len(window) - first) // _PIECE
    if not count:
        return len(window)
    pieces = window[first : first + count * _PIECE].reshape(count, _PIECE).astype(np.float64)
    loud = np.square(pieces).mean(axis=1)
    best = int(np.flatnonzero(loud == loud.min())[-1])
    return first + best * _PIECE + _PIECE // 2
