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
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from lextune.errors import ModelError, Problem
from lextune.tasks.audio.batches import sounds
from lextune.tasks.audio.found import FoundTranscript, Segment
from lextune.tasks.audio.front import RATE
from lextune.tasks.audio.library import is_whisper
from lextune.tasks.audio.waves import Waves
from lextune.tasks.audio.whisper import TICK, Written, encode, write

if TYPE_CHECKING:
    from lextune.tasks.audio.spelling import CtcSpelling, WhisperSpelling
    from lextune.tasks.speech_to_text import SpeechFront

Floats = npt.NDArray[np.float32]
#: Sounds that are padded to 30 seconds in one pass.
_AT_ONCE = 8
#: Nothing is said where the model thinks so and is unsure of what it wrote (OpenAI's whisper/transcribe.py).
_NO_SPEECH, _UNSURE = 0.6, -1.0
#: A window moves on by so many seconds at least, and is cut after so many where it has no whole segment.
_STEP, _CUT_AFTER = 1.0, 15.0
#: Samples of the pieces by whose loudness the quietest place is found.
_PIECE = RATE // 10
#: Seconds of a CTC model's window, and of the overlap of two; both are whole frames.
_CTC_WINDOW, _CTC_OVERLAP = 24.0, 4.0


class Part(NamedTuple):
    """Some segments with the log probabilities of their tokens.

    Attributes:
        segments: In order.
        total: Sum of the log probabilities.
        tokens: How many those are.
    """

    segments: tuple[Segment, ...]
    total: float
    tokens: int


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
        found[row] = _joined(parts)
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
    return _joined(list(_parts(loaded, front, iter(blocks))))


def _window_seconds(front: SpeechFront) -> float:
    return _CTC_WINDOW if front.most is None else front.most / RATE


def _joined(parts: list[Part]) -> FoundTranscript | None:
    total, count = sum(one.total for one in parts), sum(one.tokens for one in parts)
    if not math.isfinite(total):
        return None
    segments = tuple(segment for one in parts for segment in one.segments)
    return FoundTranscript(
        " ".join(one.text for one in segments), math.exp(total / count) if count else 0.0, segments
    )


def _parts(loaded: Any, front: SpeechFront, blocks: Iterator[Floats]) -> Iterator[Part]:
    loaded.model.eval()
    if is_whisper(loaded.model):
        return _whisper_parts(loaded, front, blocks)
    return _ctc_parts(loaded, front, blocks)


class _Buffer:
    """The samples that are not done with yet.

    Args:
        blocks: Where more come from.
    """

    def __init__(self, blocks: Iterator[Floats]) -> None:
        self._blocks = blocks
        self.samples: Floats = np.zeros(0, np.float32)
        self.place, self.ended = 0, False

    def fill(self, size: int) -> None:
        """Hold so many samples and one more, or all that there are."""
        waiting, held = [self.samples], len(self.samples)
        while held <= size and not self.ended:
            block = next(self._blocks, None)
            if block is None:
                self.ended = True
            else:
                waiting.append(np.asarray(block, np.float32))
                held += len(block)
        self.samples = np.concatenate(waiting)

    def drop(self, count: int) -> None:
        """Be done with so many samples."""
        self.samples = self.samples[count:].copy()
        self.place += count


def _short(loaded: Any, waves: Waves, rows: npt.NDArray[np.int64]) -> list[FoundTranscript | None]:
    seconds = [one / RATE for one in waves.counts[rows].tolist()]
    if not is_whisper(loaded.model):
        return _short_ctc(loaded, waves, rows, seconds)
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


def _wave_of(front: SpeechFront, wave: Floats) -> Waves:
    """One sound as the encoder would keep it."""
    peak = float(np.abs(wave).max(initial=0.0))
    scale = peak / 32_767 if peak > 0 else 1.0
    data = np.round(wave / scale).astype(np.int16)
    return Waves(data, np.array([len(wave)]), np.array([scale], np.float32), front)


def _whisper_parts(loaded: Any, front: SpeechFront, blocks: Iterator[Floats]) -> Iterator[Part]:
    assert front.most is not None
    buffer = _Buffer(blocks)
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
    return _written(loaded, _wave_of(front, wave), rows, [len(wave) / RATE], times=times)[0]


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


def _ctc(front: SpeechFront) -> CtcSpelling:
    return front.spelling  # type: ignore[return-value]


@torch.inference_mode()
def _paths(
    loaded: Any, waves: Waves, rows: npt.NDArray[np.int64]
) -> list[tuple[list[int], list[float]]]:
    """The likeliest token of each frame, with its log probability."""
    from lextune.tasks.audio.library import frames_of

    loaded.model.eval()
    device = next(loaded.model.parameters()).device
    half = loaded.precision == "bf16"
    with torch.autocast(device.type, torch.bfloat16, enabled=half):
        said = frames_of(loaded.model, sounds(waves, rows).to(device))
    best = said.logits.float().log_softmax(-1).max(-1)
    lengths = said.lengths.tolist()
    if waves.front.masked is False:  # padding is not told, but the sound's own frames are known
        lengths = [_ctc(waves.front).frames(one) for one in waves.counts[rows].tolist()]  # type: ignore[arg-type]
    return [
        (path[:length], logs[:length])
        for path, logs, length in zip(
            best.indices.tolist(), best.values.tolist(), lengths, strict=True
        )
    ]


def _short_ctc(
    loaded: Any, waves: Waves, rows: npt.NDArray[np.int64], seconds: list[float]
) -> list[FoundTranscript | None]:
    front: SpeechFront = waves.front  # type: ignore[assignment]
    found: list[FoundTranscript | None] = []
    for (path, logs), length in zip(_paths(loaded, waves, rows), seconds, strict=True):
        total, count = _said(path, logs, _ctc(front).blank)
        text = _ctc(front).text(path)
        segments = (Segment(0.0, length, text),) if text else ()
        found.append(_joined([Part(segments, total, count)]))
    return found


def _said(path: list[int], logs: list[float], blank: int) -> tuple[float, int]:
    """Sum of the log probabilities of the frames that begin a token, and how many there are."""
    chosen = [
        logs[place] for place, one in enumerate(path)
        if one != blank and (not place or one != path[place - 1])
    ]  # fmt: skip
    broken = not all(map(math.isfinite, logs))
    return math.nan if broken else sum(chosen), len(chosen)


def _ctc_parts(loaded: Any, front: SpeechFront, blocks: Iterator[Floats]) -> Iterator[Part]:
    """Windows whose frames lie on one grid, so that the path of one goes on in the next."""
    spelling = _ctc(front)
    hop = math.prod(stride for _, stride in spelling.strides)
    window = round(_CTC_WINDOW * RATE) // hop * hop
    overlap = round(_CTC_OVERLAP * RATE) // hop
    buffer, skip = _Buffer(blocks), 0
    path: list[int] = []
    logs: list[float] = []
    begun = 0  # the frame at which `path` begins
    while True:
        buffer.fill(window)
        last = buffer.ended and len(buffer.samples) <= window
        if spelling.frames(len(buffer.samples)):
            rows = np.zeros(1, np.int64)
            piece = _wave_of(front, buffer.samples[:window])
            ((new, new_logs),) = _paths(loaded, piece, rows)
            end = len(new) if last else _joint(new, overlap, spelling.blank)
            path += new[skip:end]
            logs += new_logs[skip:end]
        stop = len(path) if last else _word_end(path, spelling)
        if text := spelling.text(path[:stop]):
            start, end_time = begun * hop / RATE, (begun + stop) * hop / RATE
            total, count = _said(path[:stop], logs[:stop], spelling.blank)
            yield Part((Segment(start, end_time, text),), total, count)
        if last:
            return
        begun, path, logs = begun + stop, path[stop:], logs[stop:]
        done = window // hop - overlap
        skip = end - done
        buffer.drop(done * hop)


def _joint(path: list[int], overlap: int, blank: int) -> int:
    """A frame in the middle half of the overlap at which to go on in the next window: within the longest run of blanks."""
    first = len(path) - 3 * overlap // 4
    best, run = (0, first + overlap // 4), 0
    for place in range(first, first + overlap // 2):
        run = run + 1 if path[place] == blank else 0
        if run > best[0]:
            best = run, place - run // 2
    return best[1]


def _word_end(path: list[int], spelling: CtcSpelling) -> int:
    """Behind the last delimiter, where a word is not cut; all of it where words have none."""
    number = spelling.vocabulary.get(spelling.delimiter)
    places = [place for place, one in enumerate(path) if one == number]
    return places[-1] + 1 if places else len(path)
