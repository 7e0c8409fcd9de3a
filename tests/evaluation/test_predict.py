"""Predictions keep the order and the names of the rows, in memory and on disk."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.errors import DataError
from lextune.evaluation.predict import Scored, read_predictions, score_rows, write_predictions
from lextune.tasks.base import Encoded


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=60), st.integers(1, 9))
def test_order_in_is_order_out_whatever_the_lengths(lengths: list[int], batch: int) -> None:
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    encoded = Encoded(np.zeros(offsets[-1], np.int32), offsets, 0, 0)
    batches = encoded.in_order(batch)
    told: list[int] = []

    def scores_of(rows: np.ndarray) -> np.ndarray:
        assert len(rows) <= batch
        return np.stack([rows, -rows], axis=1).astype(np.float32)

    found = score_rows(batches, scores_of, len(lengths), 2, told.append)
    assert found[:, 0].tolist() == list(range(len(lengths)))
    assert sum(told) == len(lengths)


def test_a_row_that_no_batch_named_has_no_score() -> None:
    found = score_rows([np.array([0, 2])], lambda rows: np.ones((2, 2), np.float32), 3, 2)
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[[0, 2]]).all()


def scored() -> Scored:
    scores = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [np.nan, 0.5, 0.5]])
    groups = {"place": ["n", None, ""], "年龄": [None, None, None]}
    return Scored(
        ("007", "7", "乙"), np.array([0, 2, 1], np.int64), scores, ("no", "0", "好.b"), groups
    )


def test_a_row_without_finite_scores_is_never_right() -> None:
    one = scored()
    assert one.finite.tolist() == [True, True, False]
    assert one.right.tolist() == [True, False, False]
    lucky = Scored(("a",), np.array([0]), np.array([[np.nan, 0.2]]), ("x", "y"), {})
    assert lucky.right.tolist() == [False]  # argmax would name the NaN


def test_keeping_rows_keeps_all_that_belongs_to_them() -> None:
    kept = scored().keep(np.array([False, True, True]))
    assert kept.ids == ("7", "乙")
    assert kept.labels.tolist() == [2, 1]
    assert kept.groups == {"place": [None, ""], "年龄": [None, None]}
    nothing = scored().keep(np.zeros(3, bool))
    assert nothing.ids == ()
    assert nothing.scores.shape == (0, 3)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    record = write_predictions(scored(), tmp_path / "predictions", "test")
    data = (tmp_path / "predictions" / "test.parquet").read_bytes()
    assert record.sha256 == hashlib.sha256(data).hexdigest()
    assert (record.rows, record.split, record.path) == (3, "test", "predictions/test.parquet")
    found = read_predictions(data)
    assert found.ids == scored().ids
    assert found.classes == scored().classes
    assert found.labels.tolist() == scored().labels.tolist()
    np.testing.assert_array_equal(found.scores, scored().scores)
    assert found.groups == scored().groups
    table = pq.read_table(io.BytesIO(data))
    assert table["label"].to_pylist() == ["no", "好.b", "0"]
    assert table["prediction"].to_pylist() == ["no", "0", None]
    assert not any("text" in name for name in table.column_names)


def test_the_same_predictions_are_the_same_bytes(tmp_path: Path) -> None:
    one, two = (write_predictions(scored(), tmp_path / name, "test") for name in "ab")
    assert one.sha256 == two.sha256


def test_no_rows_are_written_and_read(tmp_path: Path) -> None:
    write_predictions(scored().keep(np.zeros(3, bool)), tmp_path, "test")
    found = read_predictions((tmp_path / "test.parquet").read_bytes())
    assert found.ids == ()
    assert found.scores.shape == (0, 3)


def parquet(**columns: list[object]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PAR1 no",
        parquet(id=["a"], label=["x"]),
        parquet(id=["a"], **{"score.x": [0.5]}),
        parquet(label=["x"], **{"score.x": [0.5]}),
        parquet(id=["a"], label=["y"], **{"score.x": [0.5]}),
    ],
)
def test_a_file_of_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match="no file of predictions"):
        read_predictions(data)
