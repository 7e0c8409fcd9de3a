"""Puts replacements into a text and says where everything else went; it knows no type of personal data and no file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from lextune.data.personal.base import Detection
from lextune.labels import Span

#: From a type of personal data and the piece of text to what stands there instead.
Replace = Callable[[str, str], str]


class Detects(Protocol):
    """What finds personal data (`lextune.data.personal.detector.Detector`)."""

    def detect(self, text: str) -> list[Detection]:
        """Sorted and not overlapping."""
        ...


class Edit(NamedTuple):
    """Code points `start` to `end` of the old text became `replacement`."""

    start: int
    end: int
    type: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text after redaction.

    Attributes:
        text: The new text.
        edits: Sorted, not overlapping, in code points of the old text.
    """

    text: str
    edits: tuple[Edit, ...] = ()

    def moved(self, start: int, end: int) -> tuple[int, int] | None:
        """Where a piece of the old text is now; None when nothing of it is left.

        A piece that overlaps a replaced one covers the whole replacement.
        """
        new_start, new_end = start, end
        before = until = 0
        for edit in self.edits:
            grown = len(edit.replacement) - (edit.end - edit.start)
            if edit.end <= start:
                before += grown
            elif edit.start <= start:
                new_start = edit.start
            if edit.start < end:
                until += grown
                new_end = max(new_end, edit.end)
        new_start, new_end = new_start + before, new_end + until
        return (new_start, new_end) if new_start < new_end else None

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The least piece of the old text that holds what became of it at `start` to `end` of the new one."""
        shift = 0
        old_start, old_end = start, end
        for edit in self.edits:
            begin = edit.start + shift
            stop = begin + len(edit.replacement)
            shift += stop - begin - (edit.end - edit.start)
            if stop <= start:
                old_start = start - shift
            elif begin <= start:
                old_start = edit.start
            if begin < end <= stop:
                old_end = edit.end
            elif stop < end:
                old_end = end - shift
        return old_start, old_end

    def kept(self, start: int, end: int) -> bool:
        """Whether a piece of the new text holds anything that is not a replacement."""
        shift = covered = 0
        for edit in self.edits:
            begin = edit.start + shift
            stop = begin + len(edit.replacement)
            covered += max(min(stop, end) - max(begin, start), 0)
            shift += stop - begin - (edit.end - edit.start)
        return covered < end - start

    def move_spans(self, spans: Iterable[Span]) -> tuple[Span, ...]:
        """Spans of the old text as spans of the new one; those of which nothing is left are gone."""
        found = ((self.moved(one.start, one.end), one.type) for one in spans)
        return tuple(Span(*place, kind) for place, kind in found if place is not None)


class _Region(NamedTuple):
    start: int
    end: int
    type: str


def redact(text: str, detections: Sequence[Detection], replace: Replace) -> Redacted:
    """The text with every detection replaced; detections that overlap are replaced as one."""
    regions = _merged([_Region(one.start, one.end, one.type) for one in detections])
    return _rebuilt(text, regions, replace)


def redact_fully(
    text: str, detections: Sequence[Detection], replace: Replace, detector: Detects
) -> Redacted:
    """As `redact`, and looks again until nothing is found outside the replacements.

    A replacement changes what stands around it: digits on both sides of a removed piece may make a new number.
    Each further look takes in at least one more character of the old text, so there is a last one.
    """
    regions = _merged([_Region(one.start, one.end, one.type) for one in detections])
    found = _rebuilt(text, regions, replace)
    while regions:
        more = [one for one in detector.detect(found.text) if found.kept(one.start, one.end)]
        if not more:
            break
        wider = [_Region(*found.origin(one.start, one.end), one.type) for one in more]
        regions = _merged([*wider, *regions])
        found = _rebuilt(text, regions, replace)
    return found


def _merged(regions: list[_Region]) -> list[_Region]:
    """Regions that do not overlap, sorted; the longest gives the type, at a tie the first given."""
    merged: list[_Region] = []
    for one in sorted(regions, key=lambda region: region.start):
        if merged and one.start < merged[-1].end:
            last = merged[-1]
            longest = one.type if one.end - one.start > last.end - last.start else last.type
            merged[-1] = _Region(last.start, max(last.end, one.end), longest)
        else:
            merged.append(one)
    return merged


def _rebuilt(text: str, regions: Sequence[_Region], replace: Replace) -> Redacted:
    if not regions:
        return Redacted(text)
    edits = tuple(
        Edit(one.start, one.end, one.type, replace(one.type, text[one.start : one.end]))
        for one in regions
    )
    pieces, at = [], 0
    for edit in edits:
        pieces += [text[at : edit.start], edit.replacement]
        at = edit.end
    return Redacted("".join([*pieces, text[at:]]), edits)
