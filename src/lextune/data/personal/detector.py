"""Finds personal data in texts with all recognisers that were asked for; it knows no pattern and keeps no text.

Detections of one text never overlap: the higher score wins, then the longer span, then the earlier one, then the type
that comes first in the alphabet. Places count code points of the text as it was given.
"""

from __future__ import annotations

import difflib
import itertools
import math
import multiprocessing
import operator
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from lextune import extras
from lextune.data.personal.base import Detection, Recogniser, recognisers
from lextune.data.personal.folding import Folded
from lextune.data.personal.types import TYPES
from lextune.errors import ConfigError, Problem
from lextune.labels import Span

#: A model that marks names and places: texts to the spans of each, of code points; `lextune.labels.Span`.
SpanModel = Callable[[Sequence[str]], Sequence[Sequence[Span]]]

#: What a model of names calls its types (CoNLL, OntoNotes, WNUT-17, Weibo NER) to ours.
MODEL_TYPES = {
    "PER": "PERSON", "PERSON": "PERSON", "PER.NAM": "PERSON", "person": "PERSON",
    "LOC": "LOCATION", "LOCATION": "LOCATION", "GPE": "LOCATION", "location": "LOCATION",
    "GPE.NAM": "LOCATION", "LOC.NAM": "LOCATION", "FAC": "LOCATION", "NORP": "NRP",
}  # fmt: skip

_BATCH = 256  # texts; enough to hide what handing a batch to a process costs
_MODEL_SCORE = 0.85


class Detector:
    """Finds personal data.

    Args:
        types: Which types to look for; None is all of `lextune.data.personal.types.TYPES`.
        minimum_score: Detections below it are left out, from 0 to 1.
        models: Models of names and places that are asked as well, such as a fine-tuned release; types that are
            neither ours nor in `MODEL_TYPES` are left out. They run in this process.

    Raises:
        ConfigError: A type is unknown, or the score is no number from 0 to 1.
        MissingExtraError: The extra `data` is not installed.
    """

    def __init__(
        self,
        types: Collection[str] | None = None,
        minimum_score: float = 0.5,
        models: Sequence[SpanModel] = (),
    ) -> None:
        if not 0 <= minimum_score <= 1 or math.isnan(minimum_score):
            raise ConfigError(
                Problem(
                    f"the minimum score is {minimum_score!r}",
                    "write a number from 0 to 1; the default is 0.5",
                )
            )
        extras.require("data")
        self.types = frozenset(TYPES) if types is None else _known(types)
        self.minimum_score = minimum_score
        self._models = tuple(models)
        self._recognisers = [
            (name, one) for name, one in recognisers if not self.types.isdisjoint(one.types)
        ]
        self._filter = _PreFilter([one for _, one in self._recognisers])

    def detect(self, text: str) -> list[Detection]:
        """What stands in one text, sorted by place, without overlaps; places are code points of `text`."""
        return next(self._detected([text]))

    def detect_many(self, texts: Iterable[str], processes: int = 1) -> Iterator[list[Detection]]:
        """What stands in each text, in order.

        A few batches are held at a time, however many texts there are.

        Args:
            texts: Any number.
            processes: How many work; more than one pays from some hundred texts on.

        Raises:
            ConfigError: There is no process to work.
        """
        if processes < 1:
            raise ConfigError(
                Problem(f"processes is {processes}", "write a whole number of at least 1")
            )
        batches = _batches(texts)
        if processes == 1:
            for batch in batches:
                yield from self._detected(batch)
            return
        yield from self._spread(batches, processes)

    def _spread(self, batches: Iterator[list[str]], processes: int) -> Iterator[list[Detection]]:
        context = multiprocessing.get_context("spawn")  # a fork would copy the threads of torch
        settings = (sorted(self.types), self.minimum_score)
        with context.Pool(processes, _start_worker, settings) as pool:
            waiting = deque(
                (batch, pool.apply_async(_work, (batch,)))
                for batch in itertools.islice(batches, 2 * processes)
            )
            while waiting:
                batch, result = waiting.popleft()
                found = result.get()
                if (following := next(batches, None)) is not None:
                    waiting.append((following, pool.apply_async(_work, (following,))))
                for text, one, extra in zip(batch, found, self._from_models(batch), strict=True):
                    yield _merged(one + self._wanted(extra, len(text))) if extra else one

    def _detected(self, batch: list[str]) -> Iterator[list[Detection]]:
        for text, extra in zip(batch, self._from_models(batch), strict=True):
            found = self._by_pattern(text)
            found.extend(self._wanted(extra, len(text)))
            yield _merged(found) if len(found) > 1 else found

    def _by_pattern(self, text: str) -> list[Detection]:
        folded = Folded(text)
        if not folded.kinds:
            return []
        found = []
        possible = self._filter.possible(folded)
        while possible:
            number = possible.bit_length() - 1
            possible ^= 1 << number
            for hit in self._recognisers[number][1].find(folded):
                if hit.score >= self.minimum_score and hit.type in self.types:
                    start, end = folded.place(*_trimmed(folded.text, hit))
                    found.append(Detection(hit.type, start, end, hit.score, hit.rule, hit.checksum))
        return found

    def _from_models(self, batch: list[str]) -> list[list[Detection]]:
        found: list[list[Detection]] = [[] for _ in batch]
        for number, model in enumerate(self._models):
            marked = model(batch)
            if len(marked) != len(batch):
                raise ValueError("a model of names returned spans for another number of texts")
            for hits, spans in zip(found, marked, strict=True):
                for span in spans:
                    kind = MODEL_TYPES.get(span.type, span.type)
                    if kind in TYPES:
                        hits.append(
                            Detection(kind, span.start, span.end, _MODEL_SCORE, f"model_{number}")
                        )
        return found

    def _wanted(self, found: list[Detection], length: int) -> list[Detection]:
        for one in found:
            if not 0 <= one.start < one.end <= length:
                raise ValueError("a model of names returned a span outside its text")
        return [one for one in found if one.score >= self.minimum_score and one.type in self.types]


class _PreFilter:
    """Which recognisers can find anything in a text, from one pass over its pairs of signs."""

    def __init__(self, those: Sequence[Recogniser]) -> None:
        self._those = those
        self._unfiltered = 0
        words: dict[str, int] = {}
        for number, one in enumerate(those):
            if not one.words:
                self._unfiltered |= 1 << number
            for word in one.words:
                words[word] = words.get(word, 0) | 1 << number
        self._single = [(word, bits) for word, bits in words.items() if len(word) == 1]
        self._begins: dict[str, list[tuple[str, int]]] = {}
        for word, bits in words.items():
            if len(word) > 1:
                self._begins.setdefault(word[:2], []).append((word, bits))
        self._of_kinds: dict[frozenset[str], int] = {}

    def possible(self, text: Folded) -> int:
        """A bit for each recogniser whose signs and words stand in the text."""
        lower, kinds = text.lower, text.kinds
        of_kinds = self._of_kinds.get(kinds)
        if of_kinds is None:
            of_kinds = sum(
                1 << number
                for number, one in enumerate(self._those)
                if not one.needs.isdisjoint(kinds)
            )
            self._of_kinds[kinds] = of_kinds
        found = self._unfiltered
        for word, bits in self._single:
            if word in lower:
                found |= bits
        begins = self._begins
        for pair in begins.keys() & map(operator.add, lower, lower[1:]):
            for word, bits in begins[pair]:
                if word in lower:
                    found |= bits
        return found & of_kinds


def _trimmed(text: str, hit: Detection) -> tuple[int, int]:
    """Without the spaces and stops at its ends, which patterns take along; a secret keeps each sign."""
    start, end = hit.start, hit.end
    if hit.type != "CREDENTIAL":
        while end - start > 1 and text[end - 1] in _EDGE:
            end -= 1
        while end - start > 1 and text[start] in _EDGE:
            start += 1
    return start, end


_EDGE = frozenset(" .,;:\n\r-_·>?")


def _known(types: Collection[str]) -> frozenset[str]:
    problems = []
    for name in types:
        if name not in TYPES:
            near = difflib.get_close_matches(name.upper(), TYPES, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(TYPES)}"
            problems.append(Problem(f"there is no type of personal data {name!r}", hint))
    if problems:
        raise ConfigError(problems)
    if not types:
        raise ConfigError(
            Problem(
                "no type of personal data is asked for", "name one, or leave the key out for all"
            )
        )
    return frozenset(types)


def _merged(found: list[Detection]) -> list[Detection]:
    """The best of what overlaps; see the module."""
    found.sort(key=lambda one: (-one.score, one.start - one.end, one.start, one.type))
    kept: list[Detection] = []
    for one in found:
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    kept.sort(key=lambda one: one.start)
    return kept


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(texts)
    while batch := list(itertools.islice(iterator, _BATCH)):
        yield batch


_worker: Detector | None = None


def _start_worker(types: list[str], minimum_score: float) -> None:
    global _worker  # noqa: PLW0603 - a process of the pool serves one detector
    _worker = Detector(types, minimum_score)


def _work(batch: list[str]) -> list[list[Detection]]:
    assert _worker is not None
    return list(_worker._detected(batch))
