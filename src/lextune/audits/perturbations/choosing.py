"""Which perturbations there are for which inputs and labels; it knows no model's answers and no measure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lextune.audits.perturbations import audio, image, record, text
from lextune.audits.perturbations.base import Perturbation
from lextune.labels import InputKind, LabelKind

#: Those that need to know nothing but the input.
BY_INPUT: dict[InputKind, tuple[Perturbation, ...]] = {
    "text": text.PERTURBATIONS,
    "image": image.PERTURBATIONS,
    "audio": audio.PERTURBATIONS,
    "record": record.RECORDS,
    "history": record.HISTORIES,
}
#: The names of all.
NAMES = (
    *dict.fromkeys(one.name for group in BY_INPUT.values() for one in group), record.NUMERIC_JITTER
)  # fmt: skip


def fitting(
    kind: InputKind, labels: LabelKind, inputs: Sequence[Any], loaded: Any
) -> tuple[Perturbation, ...]:
    """All that fit inputs and labels of these kinds.

    Args:
        kind: Of the inputs.
        labels: Kind of the labels.
        inputs: Those that are to be changed.
        loaded: A `models.loading.LoadedModel`, whose columns say which features are numbers.
    """
    found = BY_INPUT[kind]
    if kind == "record":
        found += (record.numeric_jitter(record.spreads(_columns(loaded, inputs), inputs)),)
    return tuple(one for one in found if one.fits(labels))


def _columns(loaded: Any, inputs: Sequence[str]) -> Any:
    """As the model was taught them, or as these rows look."""
    from lextune.tasks.tabular.columns import decide_columns, read_columns

    known = {} if loaded is None else loaded.settings
    return read_columns(known["columns"]) if "columns" in known else decide_columns(inputs)
