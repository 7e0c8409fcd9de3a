"""Writes down what a CTC model hears: the likeliest token of each frame, joined over windows; it knows no run and no metric."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from lextune.tasks.audio.batches import sounds
from lextune.tasks.audio.found import FoundTranscript, Segment
from lextune.tasks.audio.front import RATE
from lextune.tasks.audio.library import frames_of
from lextune.tasks.audio.waves import Waves
from lextune.tasks.audio.windows import Buffer, Floats, Part, joined, wave_of

if TYPE_CHECKING:
    from lextune.tasks.audio.spelling import CtcSpelling
    from lextune.tasks.speech_to_text import SpeechFront

#: Seconds of a window, and of the overlap of two; both are whole frames.
CTC_WINDOW, _OVERLAP = 24.0, 4.0


def _ctc(front: SpeechFront) -> CtcSpelling:
    return front.spelling  # type: ignore[return-value]


@torch.inference_mode()
def _paths(
    loaded: Any, waves: Waves, rows: npt.NDArray[np.int64]
) -> list[tuple[list[int], list[float]]]:
    """The likeliest token of each frame, with its log probability."""
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


def short_ctc(
    loaded: Any, waves: Waves, rows: npt.NDArray[np.int64], seconds: list[float]
) -> list[FoundTranscript | None]:
    """What is said in sounds of one window each; `seconds` are theirs."""
    front: SpeechFront = waves.front  # type: ignore[assignment]
    found: list[FoundTranscript | None] = []
    for (path, logs), length in zip(_paths(loaded, waves, rows), seconds, strict=True):
        total, count = _said(path, logs, _ctc(front).blank)
        text = _ctc(front).text(path)
        segments = (Segment(0.0, length, text),) if text else ()
        found.append(joined([Part(segments, total, count)]))
    return found


def _said(path: list[int], logs: list[float], blank: int) -> tuple[float, int]:
    """Sum of the log probabilities of the frames that begin a token, and how many there are."""
    chosen = [
        logs[place] for place, one in enumerate(path)
        if one != blank and (not place or one != path[place - 1])
    ]  # fmt: skip
    broken = not all(map(math.isfinite, logs))
    return math.nan if broken else sum(chosen), len(chosen)


def ctc_parts(loaded: Any, front: SpeechFront, blocks: Iterator[Floats]) -> Iterator[Part]:
    """Windows whose frames lie on one grid, so that the path of one goes on in the next."""
    spelling = _ctc(front)
    hop = math.prod(stride for _, stride in spelling.strides)
    window = round(CTC_WINDOW * RATE) // hop * hop
    overlap = round(_OVERLAP * RATE) // hop
    buffer, skip = Buffer(blocks), 0
    path: list[int] = []
    logs: list[float] = []
    begun = 0  # the frame at which `path` begins
    while True:
        buffer.fill(window)
        last = buffer.ended and len(buffer.samples) <= window
        if spelling.frames(len(buffer.samples)):
            rows = np.zeros(1, np.int64)
            piece = wave_of(front, buffer.samples[:window])
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
