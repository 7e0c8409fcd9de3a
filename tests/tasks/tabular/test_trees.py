from __future__ import annotations

import numpy as np
import pytest
import torch

from lextune.features import write_features
from lextune.tasks.tabular.columns import decide_columns
from lextune.tasks.tabular.encoding import Cells, encode
from lextune.tasks.tabular.trees import GROWTH, BoostedTrees, exported, grow, matrix_of
from visits import draw_visits


def cells_of(count: int, seed: int = 0) -> tuple[Cells, np.ndarray]:
    rows = draw_visits(count, seed)
    texts = [write_features({k: v for k, v in row.items() if k != "bought"}) for row in rows]
    columns = decide_columns(texts)
    return encode(texts, columns, 1).cells, np.array([row["bought"] == "yes" for row in rows], int)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_arrays_answer_as_scikit_learn_does(classes: int) -> None:
    cells, labels = cells_of(600)
    if classes == 3:
        labels = labels + (np.nan_to_num(cells.numbers[:, 1]) > 20)
    model = grow(cells, labels, GROWTH | {"max_iter": 30}, 0)
    made = exported(model)
    assert made.is_grown
    asked, _ = cells_of(300, seed=1)
    asked.codes[:40] = 0  # missing
    asked.codes[40:80] = 200  # a category that no row had
    asked.numbers[80:120] = np.nan
    matrix = matrix_of(asked)
    found = made(torch.from_numpy(matrix)).softmax(-1).numpy()
    np.testing.assert_allclose(found, model.predict_proba(matrix), atol=1e-12)


def test_numbers_alone_and_categories_alone_are_grown_on() -> None:
    cells, labels = cells_of(300)
    for some in (
        Cells(cells.numbers, cells.codes[:, :0]),
        Cells(cells.numbers[:, :0], cells.codes),
    ):
        model = grow(some, labels, GROWTH | {"max_iter": 5}, 0)
        matrix = matrix_of(some)
        found = exported(model)(torch.from_numpy(matrix)).softmax(-1).numpy()
        np.testing.assert_allclose(found, model.predict_proba(matrix), atol=1e-12)


def test_without_a_tree_the_prior_answers() -> None:
    empty = BoostedTrees()
    assert not empty.is_grown
    assert empty(torch.zeros(3, 2, dtype=torch.float64)).tolist() == [[0, 0]] * 3
