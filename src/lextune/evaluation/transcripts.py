"""What is measured of tasks that hear what is said: word and character error rates with intervals; it knows no bound.

An error rate is pooled: all errors of a part by all that is said in it, as jiwer, NIST's sclite and every leaderboard have it. So
an utterance in which nothing is said has no rate, and what was heard in it still counts. Texts are compared in one form
(`evaluation.words`), which the method of each interval names.

Utterances are drawn for the interval. Those of one speaker are alike; where a column says who speaks, speakers are drawn as
well, and the wider of both intervals is given: it is the one that says something of other speakers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from lextune import statistics
from lextune.evaluation import resampling as drawing
from lextune.evaluation.kinds import (
    Kind,
    Resampling,
    TrainingInputs,
    in_groups,
    kept,
    kinds,
)
from lextune.evaluation.metrics import measured, not_applicable
from lextune.evaluation.words import Counts, Form, differences, former, unspaced
from lextune.labels import LabelKind
from lextune.records import Interval, Measurement
from lextune.registry import Registry
from lextune.tasks.audio.found import FoundTranscript

Floats = npt.NDArray[np.float64]
#: Columns that say who speaks, where the config names none.
SPEAKERS = ("speaker", "speaker_id")


@dataclass(frozen=True)
class ScoredTranscripts:
    """Predictions of one part in memory.

    Attributes:
        ids: Row ids, shape (utterances,).
        labels: What is said in each.
        found: What the model heard; None where it gave a number that is not finite.
        classes: None: there are as many answers as texts.
        groups: Column to the group of each utterance; null where it has none.
        form: In which both texts are compared.
        speaker: The group column that says who speaks; None looks for one of `SPEAKERS`.
    """

    kind: ClassVar[LabelKind] = "transcript"
    ids: tuple[str, ...]
    labels: Sequence[str]
    found: Sequence[FoundTranscript | None]
    classes: tuple[str, ...]
    groups: Mapping[str, Sequence[str | None]]
    form: Form = "basic"
    speaker: str | None = None

    @property
    def finite(self) -> npt.NDArray[np.bool_]:
        """Where the model answered with nothing but finite numbers, shape (utterances,)."""
        return np.array([one is not None and math.isfinite(one.score) for one in self.found], bool)

    @cached_property
    def texts(self) -> tuple[list[str], list[str]]:
        """What is said and what was heard, in the form; an utterance that was not answered has the empty text."""
        formed = former(self.form)
        heard = [one.text if one is not None else "" for one in self.found]
        return [formed(one) for one in self.labels], [formed(one) for one in heard]

    @cached_property
    def unspaced(self) -> bool:
        """Whether what is said is written without spaces between words."""
        return unspaced(self.labels)

    @cached_property
    def words(self) -> Counts:
        """Substitutions, deletions, insertions and words said, shape (utterances, 4)."""
        return differences(*self.texts, characters=False)

    @cached_property
    def characters(self) -> Counts:
        """The same of characters; spaces are characters, but where writing does without them."""
        said, heard = self.texts
        if self.unspaced:
            said, heard = ([one.replace(" ", "") for one in some] for some in (said, heard))
        return differences(said, heard, characters=True)

    @property
    def speakers(self) -> Sequence[str] | None:
        """Who speaks in each; None where that is not known of all."""
        for name in (self.speaker,) if self.speaker else SPEAKERS:
            known = [one for one in self.groups.get(name, ()) if one is not None]
            if len(known) == len(self.ids) and known:
                return known
        return None

    def keep(self, mask: npt.NDArray[np.bool_]) -> ScoredTranscripts:
        """The utterances where the mask is True."""
        made: ScoredTranscripts = kept(self, mask)
        return made

    def columns(self) -> dict[str, Any]:
        """How many words and characters are said, how they were misheard, and the score; null where not answered."""
        good = self.finite.tolist()
        found: dict[str, Any] = {}
        for unit, counts in (("words", self.words), ("characters", self.characters)):
            found[unit] = counts[:, 3].tolist()
            for place, name in enumerate(("substitutions", "deletions", "insertions")):
                cells = counts[:, place].tolist()
                found[f"{unit}_{name}"] = [
                    one if fine else None for one, fine in zip(cells, good, strict=True)
                ]
        scores = [
            round(one.score, 6) if one is not None and fine else None
            for one, fine in zip(self.found, good, strict=True)
        ]
        return found | {"score": scores}


metrics: Registry[Any] = Registry("metric of transcripts", "lextune.evaluation")


@dataclass(frozen=True)
class _Drawn:
    """Sums of columns over all rows, and over each draw of utterances and of speakers."""

    whole: Floats
    utterances: Floats
    speakers: Floats | None
    sizes: tuple[int, int]


def _draw(columns: Counts, who: Sequence[str] | None, resampling: Resampling) -> _Drawn:
    """Draw rows, and the speakers of them where there are several."""
    how = {"samples": resampling.samples, "seed": resampling.seed}
    rows = statistics.resampled(columns, **how)
    names, place = np.unique(np.array(who or [], np.str_), return_inverse=True)
    speakers = None
    if len(names) > 1:
        sums = np.zeros((len(names), columns.shape[1]), np.int64)
        np.add.at(sums, place, columns)
        speakers = statistics.resampled(sums, **how)
    return _Drawn(columns.sum(axis=0), rows, speakers, (len(columns), len(names)))


def _wider(found: Sequence[Interval | None], known: int, form: Form) -> Interval | None:
    """The hull of the intervals over utterances and speakers; None where one of them is undefined."""
    if any(one is None for one in found):
        return None
    held = [one for one in found if one is not None]
    methods = " and ".join(dict.fromkeys(one.method for one in held))
    whose = {0: "speakers not known", 1: "one speaker alone"}.get(known, "the wider")
    return Interval(
        low=min(one.low for one in held),
        high=max(one.high for one in held),
        level=held[0].level,
        method=f"{methods}; {whose}; text normalisation {form}",
    )


def error_rate(
    counts: Counts, who: Sequence[str] | None, resampling: Resampling, form: Form
) -> tuple[float, Interval | None]:
    """Errors by what is said, with the 95 % interval.

    Args:
        counts: As `words.differences` gives them, shape (utterances, 4).
        who: Speaks in each; None where that is not known.
        resampling: How to draw.
        form: In which the texts were compared.

    Returns:
        NaN and None where nothing is said.
    """
    if not len(counts) or not counts[:, 3].sum():
        return math.nan, None
    drawn = _draw(np.stack([counts[:, :3].sum(axis=1), counts[:, 3]], axis=1), who, resampling)
    value = float(drawn.whole[0] / drawn.whole[1])
    found = [
        _interval(value, drawing.ratio(sums[:, 0], sums[:, 1]), size, resampling, units)
        for sums, size, units in _levels(drawn)
    ]
    return value, _wider(found, drawn.sizes[1], form)


def _levels(drawn: _Drawn) -> list[tuple[Floats, int, str]]:
    found = [(drawn.utterances, drawn.sizes[0], "utterances")]
    if drawn.speakers is not None:
        found.append((drawn.speakers, drawn.sizes[1], f"{drawn.sizes[1]} speakers"))
    return found


def _interval(
    value: float, rates: Floats, size: int, resampling: Resampling, units: str
) -> Interval | None:
    known = rates[np.isfinite(rates)]
    if len(known) < 0.99 * resampling.samples:
        return None
    if value > 1 and not np.ptp(known):  # a rate above 1 is no share, and has no limits of one
        return None
    return drawing.interval(value, rates, size, size, resampling, widen=False, units=units)


def _difference(
    counts: tuple[Counts, Counts], scored: ScoredTranscripts, name: str, unit: str, resampling: Resampling
) -> Measurement:  # fmt: skip
    """The one's error rate minus the other's on the same utterances, paired."""
    n, form, said = len(scored.ids), scored.form, counts[0][:, 3]
    if not said.sum():
        return measured(name, math.nan, None, n, unit)
    errors = [one[:, :3].sum(axis=1) for one in counts]
    drawn = _draw(np.stack([*errors, said], axis=1), scored.speakers, resampling)
    values = [float(drawn.whole[which] / drawn.whole[2]) for which in (0, 1)]
    found = []
    for sums, size, units in _levels(drawn):
        figures = []
        for which, value in enumerate(values):
            rates = drawing.ratio(sums[:, which], sums[:, 2])
            figures.append((value, rates, _interval(value, rates, size, resampling, units)))
        found.append(drawing.difference(figures[0], figures[1], size, resampling, units)[1])
    return measured(
        name, values[0] - values[1], _wider(found, drawn.sizes[1], form), n, unit
    )  # fmt: skip


_WORDS, _CHARACTERS = "errors per word", "errors per character"


@metrics.register("wer")
def wer(scored: ScoredTranscripts, resampling: Resampling) -> list[Measurement]:
    """Word error rate: substitutions, deletions and insertions by the words said; n is utterances.

    It does not apply where most letters are of scripts without spaces: `cer` is the headline there.
    """
    if scored.unspaced:
        return [not_applicable("wer", "words are not told apart by spaces; see cer")]
    found = error_rate(scored.words, scored.speakers, resampling, scored.form)
    return [measured("wer", *found, len(scored.ids), _WORDS)]


@metrics.register("cer")
def cer(scored: ScoredTranscripts, resampling: Resampling) -> list[Measurement]:
    """Character error rate: the same of characters; n is utterances."""
    found = error_rate(scored.characters, scored.speakers, resampling, scored.form)
    return [measured("cer", *found, len(scored.ids), _CHARACTERS)]


def by_group(scored: ScoredTranscripts, resampling: Resampling) -> list[Measurement]:
    """The headline's error rate of each group of each column; utterances without a group are counted."""
    return in_groups(scored, cer if scored.unspaced else wer, resampling)


baselines: Registry[Any] = Registry("baseline of transcripts", "lextune.evaluation")


@baselines.register("zero_shot")
def zero_shot(train: TrainingInputs, inputs: Sequence[Any]) -> Sequence[FoundTranscript | None]:
    """What the pretrained model hears, untouched by any training.

    Raises:
        ValueError: Nobody said how to ask it.
    """
    if train.zero_shot is None:
        raise ValueError("there is no pretrained model to ask")
    found: Sequence[FoundTranscript | None] = train.zero_shot(inputs)
    return found


def answer(
    baseline: Any, train: TrainingInputs, test: Sequence[Any], like: ScoredTranscripts
) -> ScoredTranscripts:  # fmt: skip
    """What the baseline hears in place of the model."""
    found = baseline(train, test)
    return ScoredTranscripts(
        like.ids, like.labels, found, like.classes, {}, like.form, like.speaker
    )


def difference(
    model: ScoredTranscripts, baseline: ScoredTranscripts, name: str, resampling: Resampling
) -> list[Measurement]:
    """Error rates of the model minus the baseline's on the same utterances, below 0 where it makes fewer errors."""
    found = []
    if not model.unspaced:
        counts = (model.words, baseline.words)
        found.append(_difference(counts, model, f"wer_minus_{name}", _WORDS, resampling))
    counts = (model.characters, baseline.characters)
    return [*found, _difference(counts, model, f"cer_minus_{name}", _CHARACTERS, resampling)]


def labels(
    inputs: Sequence[Any], cells: Sequence[str], classes: Sequence[str]  # noqa: ARG001
) -> list[str]:  # fmt: skip
    """What is said in each utterance: the cells as they stand."""
    return list(cells)


def made_up(labels: Sequence[str], classes: int) -> list[FoundTranscript]:  # noqa: ARG001
    """What is said, heard without a mistake."""
    return [FoundTranscript(one, 1.0, ()) for one in labels]


def row_errors(scored: ScoredTranscripts) -> npt.NDArray[np.float64]:
    """Errors by words said of each utterance, or characters where writing does without spaces; NaN where nothing is said."""
    counts = (scored.characters if scored.unspaced else scored.words).astype(np.float64)
    said, wrong = counts[:, 3], counts[:, :3].sum(axis=1)
    share = np.divide(wrong, said, out=np.full(len(said), np.nan), where=said > 0)
    return np.where(scored.finite, share, np.nan)


kinds.register("transcript")(
    Kind(
        ScoredTranscripts, labels, made_up, metrics, by_group, baselines, answer, ("wer", "cer"),
        row_errors, difference,
    )
)  # fmt: skip
