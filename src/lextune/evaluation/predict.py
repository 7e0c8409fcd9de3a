"""Predicts encoded rows and writes or reads predictions on disk; it knows neither metrics nor bounds."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from lextune.errors import DataError, Problem
from lextune.evaluation.kinds import Answers
from lextune.files import sha256, write_atomic
from lextune.labels import LabelKind
from lextune.records import Predictions


@dataclass(frozen=True)
class Scored:
    """Predictions of one split in memory.

    Attributes:
        ids: Row ids, shape (rows,).
        labels: True class numbers, int64, shape (rows,).
        scores: Probabilities, float64, shape (rows, classes).
        classes: Names, in the order of the columns of `scores`.
        groups: Column to the group of each row; null where the row has none.
    """

    kind: ClassVar[LabelKind] = "class"
    ids: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    classes: tuple[str, ...]
    groups: Mapping[str, Sequence[str | None]]

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The class with the highest score, shape (rows,)."""
        return np.asarray(self.scores.argmax(axis=1), np.int64)

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Where the prediction is the label, shape (rows,); never where a score is not finite."""
        return np.asarray((self.predicted == self.labels) & self.finite, np.bool_)

    @property
    def finite(self) -> npt.NDArray[np.bool_]:
        """Where every class has a finite score, shape (rows,)."""
        return np.asarray(np.isfinite(self.scores).all(axis=1), np.bool_)

    def keep(self, mask: npt.NDArray[np.bool_]) -> Scored:
        """The rows where the mask is True."""
        chosen = [int(i) for i in np.flatnonzero(mask)]
        groups = {name: [values[i] for i in chosen] for name, values in self.groups.items()}
        ids = tuple(self.ids[i] for i in chosen)
        return Scored(ids, self.labels[mask], self.scores[mask], self.classes, groups)

    def columns(self) -> dict[str, Any]:
        """label, prediction (null without finite scores) and score.CLASS."""
        import pyarrow as pa

        names = np.array(self.classes, dtype=object)
        found: dict[str, Any] = {
            "label": names[self.labels].tolist(),
            "prediction": pa.array(names[self.predicted].tolist(), pa.string(), mask=~self.finite),
        }
        return found | {f"score.{name}": self.scores[:, i] for i, name in enumerate(self.classes)}


BatchScores = Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float32]]


def score_rows(
    batches: Sequence[npt.NDArray[np.int64]],
    scores_of: BatchScores,
    rows: int,
    classes: int,
    progress: Callable[[int], None] | None = None,
) -> npt.NDArray[np.float64]:
    """Scores of every row in the rows' own order, whatever order the batches have.

    Returns:
        Shape (rows, classes); rows that no batch named are NaN.
    """
    out = np.full((rows, classes), np.nan)
    for batch in batches:
        out[batch] = scores_of(batch)
        if progress is not None:
            progress(len(batch))
    return out


def write_predictions(scored: Answers, folder: Path, split: str) -> Predictions:
    """Write one Parquet file: id, the answers' own columns, group.COLUMN. No text is in it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {"id": list(scored.ids), **scored.columns()}
    columns |= {
        f"group.{name}": pa.array(list(values), pa.string())
        for name, values in scored.groups.items()
    }
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    data = sink.getvalue()
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / f"{split}.parquet", data)
    return Predictions(
        path=f"predictions/{split}.parquet",
        sha256=sha256(data),
        split=split,
        rows=len(scored.ids),
        classes=scored.classes,
    )


def read_predictions(data: bytes) -> Scored:
    """Predictions of one class a row, from the bytes of a file that `write_predictions` made.

    Raises:
        DataError: It is no Parquet file, a column is missing, or a label is no class.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    wrong = Problem("this is no file of predictions", "give one that lextune wrote")
    try:
        table = pq.read_table(pa.BufferReader(data))
    except pa.ArrowException as error:
        raise DataError(wrong) from error
    names = table.column_names
    classes = tuple(name.removeprefix("score.") for name in names if name.startswith("score."))
    if not {"id", "label"} <= set(names) or not classes:
        raise DataError(wrong)
    number = {name: index for index, name in enumerate(classes)}
    given = table["label"].to_pylist()
    if not set(given) <= set(number):
        raise DataError(wrong)
    labels = np.array([number[name] for name in given], np.int64)
    scores = np.stack([table[f"score.{name}"].to_numpy() for name in classes], axis=1)
    groups = {
        name.removeprefix("group."): table[name].to_pylist()
        for name in names
        if name.startswith("group.")
    }
    return Scored(tuple(table["id"].to_pylist()), labels, scores, classes, groups)
