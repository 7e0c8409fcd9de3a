"""What is measured of one kind of labels, as a plugin: metrics, groups, baselines; it knows no particular kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from lextune.labels import LabelKind
from lextune.records import Measurement
from lextune.registry import Registry


@dataclass(frozen=True)
class Resampling:
    """How bootstrap intervals are drawn, and how long lists of items are measured.

    Attributes:
        samples: Draws.
        seed: Of the draws.
        top_k: Items of a list, of which figures are added to those of ten.
    """

    samples: int
    seed: int
    top_k: int = 10

    def named(self, metrics: Sequence[str]) -> tuple[str, ...]:
        """The metrics, and those of lists of ten items (`ndcg_10`) for lists as long as is asked besides."""
        more = (f"{one.removesuffix('_10')}_{self.top_k}" for one in metrics if one.endswith("_10"))
        return tuple(dict.fromkeys((*metrics, *more)))


class Answers(Protocol):
    """Labels and predictions of one part, in memory."""

    @property
    def kind(self) -> LabelKind: ...  # noqa: D102
    @property
    def ids(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def classes(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def groups(self) -> Mapping[str, Sequence[str | None]]: ...  # noqa: D102
    @property
    def finite(self) -> npt.NDArray[np.bool_]:
        """Where the model gave nothing but finite numbers, shape (rows,)."""
        ...

    def keep(self, mask: npt.NDArray[np.bool_]) -> Self:
        """The rows where the mask is True."""
        ...

    def columns(self) -> dict[str, Any]:
        """The columns of a file of predictions but for id and groups; no text is in them."""
        ...


@dataclass(frozen=True)
class TrainingInputs:
    """What the baselines learn from: the same rows as the model, or some of them where they are very many.

    Attributes:
        inputs: Texts, or images by their files.
        labels: One for each input, as the kind's answers hold them.
        of: How many rows the model learnt from.
        features: What the pretrained model, before any training, says of such inputs, shape (inputs, features); None
            where no baseline asks for it.
        zero_shot: What the pretrained model, before any training, finds in each input; None as above.
        speakers: Who speaks in each input, null where nobody knows; None where no group column says so.
    """

    inputs: Sequence[Any]
    labels: Any
    of: int
    features: Callable[[Sequence[Any]], npt.NDArray[np.floating[Any]]] | None = None
    zero_shot: Callable[[Sequence[Any]], Sequence[Any]] | None = None
    speakers: Sequence[str | None] | None = None


@dataclass(frozen=True)
class Kind:
    """What is measured of answers of one kind.

    Attributes:
        holder: Makes answers of ids, labels, what was found or scored, classes and groups.
        labels: From inputs, their label cells and the classes to labels as answers hold them.
        made_up: From such labels and the number of classes to answers as long as a model's may be.
        metrics: By name, from answers and resampling to measurements of that name, or of `name.CLASS`.
        by_group: The headline metric of each group.
        baselines: By name.
        answer: What a baseline that learnt from training inputs says of test inputs, as answers like the model's.
        beside: Metrics of a baseline.
        row_errors: How wrong each row is, shape (rows,): 0 is all right and 1 all wrong (insertions into transcripts may
            be more); NaN where it was not answered, or holds nothing to be right or wrong.
        difference: The model's headline metric minus a baseline's, on the same rows; a list where there are several.
        differences: The same for tasks with another headline metric, by its name.
        reduce: From what was found in an input, the input and the classes to what answers keep of it, where all of it
            is too large to keep; None keeps it.
    """

    holder: Callable[..., Any]
    labels: Callable[[Sequence[Any], Sequence[str], Sequence[str]], Any]
    made_up: Callable[[Any, int], Any]
    metrics: Registry[Any]
    by_group: Callable[[Any, Resampling], list[Measurement]]
    baselines: Registry[Any]
    answer: Callable[[Any, TrainingInputs, Sequence[Any], Any], Any]
    beside: tuple[str, ...]
    row_errors: Callable[[Any], npt.NDArray[np.float64]]
    difference: Callable[[Any, Any, str, Resampling], Measurement | list[Measurement]]
    reduce: Callable[[Any, Any, Sequence[str]], Any] | None = None
    differences: Mapping[
        str, Callable[[Any, Any, str, Resampling], Measurement | list[Measurement]]
    ] = dataclasses.field(default_factory=dict)


kinds: Registry[Kind] = Registry("label kind", "lextune.evaluation")


def kept(answers: Any, mask: npt.NDArray[np.bool_]) -> Any:
    """The rows of answers that hold `labels` and `found` row by row, where the mask is True."""
    rows = np.flatnonzero(mask).tolist()
    return dataclasses.replace(
        answers,
        ids=tuple(answers.ids[i] for i in rows),
        labels=[answers.labels[i] for i in rows],
        found=[answers.found[i] for i in rows],
        groups={name: [values[i] for i in rows] for name, values in answers.groups.items()},
    )


def row_f1_errors(right: Any, given: Any, labelled: Any, finite: Any) -> npt.NDArray[np.float64]:
    """1 - 2 TP / (given + labelled) of each row, all of shape (rows,); NaN where there is nothing of either."""
    of = np.asarray(given, np.float64) + labelled
    share = np.divide(2.0 * np.asarray(right), of, out=np.full(of.shape, np.nan), where=of > 0)
    return np.where(finite, 1 - share, np.nan)


def made_up_scores(labels: Sequence[Any], classes: int) -> npt.NDArray[np.float64]:
    """Probabilities of as many rows, which say nothing of them."""
    return np.random.default_rng(0).dirichlet(np.ones(classes), len(labels))


def groups_of(answers: Answers) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    """`column=value` of each group of each column, with its rows as a mask."""
    found = []
    for column, values in sorted(answers.groups.items()):
        array = np.array([*values, None], dtype=object)[:-1]  # stays 1-D whatever the values are
        for group in sorted({value for value in values if value is not None}):
            found.append((f"{column}={group}", array == group))
    return found


def in_groups(
    answers: Any, metric: Callable[[Any, Resampling], list[Measurement]], resampling: Resampling
) -> list[Measurement]:
    """The metric of each group of each group column; rows without a group are counted."""
    found = [
        one.model_copy(update={"group": group})
        for group, mask in groups_of(answers)
        for one in metric(answers.keep(mask), resampling)
    ]
    return found + rows_without_group(answers)


def rows_without_group(answers: Answers) -> list[Measurement]:
    """Rows without a group are counted, not dropped."""
    return [
        Measurement.exact(
            f"rows_without_{column}", sum(one is None for one in values), n=len(values), unit="rows"
        )
        for column, values in sorted(answers.groups.items())
    ]
