"""The worst rows come first and once, and typical ones are right."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lextune.evaluation.boxes import ScoredBoxes
from lextune.evaluation.masks import ScoredMasks, layout, summarise
from lextune.evaluation.predict import Scored
from lextune.evaluation.report.examples import typical_examples, worst_examples
from lextune.labels import Box
from lextune.tasks.vision.found import FoundMask, ScoredBox

CLASSES = ("a", "b", "c")


def scored(labels, scores):
    ids = tuple(f"r{n}" for n in range(len(labels)))
    return Scored(ids, np.array(labels, np.int64), np.array(scores, np.float64), CLASSES, {})


def test_the_surest_wrong_row_is_the_worst():
    answers = scored(
        [0, 0, 1, 2], [[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.9, 0.05, 0.05], [0.1, 0.1, 0.8]]
    )
    found = worst_examples(answers, 9)
    assert [one.row for one in found] == [2, 1]
    assert found[0].mistakes[0].given == "a"
    assert [one.row for one in worst_examples(answers, 1)] == [2]


@given(
    labels=st.lists(st.integers(0, 2), max_size=20),
    most=st.integers(0, 8),
    seed=st.integers(0, 9),
)
def test_typical_rows_are_right_and_of_many_classes(labels, most, seed):
    draw = np.random.default_rng(seed).dirichlet(np.ones(3), len(labels)).reshape(-1, 3)
    answers = scored(labels, draw)
    found = [one.row for one in typical_examples(answers, most)]
    right = np.flatnonzero(answers.right).tolist()
    assert set(found) <= set(right)
    assert len(found) == len(set(found)) == min(most, len(right))
    known = {labels[row] for row in right}
    assert len({labels[row] for row in found}) == min(most, len(known))


def test_no_row_without_a_finite_answer_is_shown():
    answers = scored([0, 1], [[np.nan] * 3, [0.1, 0.8, 0.1]])
    assert worst_examples(answers, 9) == []
    assert [one.row for one in typical_examples(answers, 9)] == [1]


def test_an_image_is_shown_once_with_all_mistakes_of_its_boxes():
    labels = [
        (Box(0, 0, 10, 10, "a"), Box(20, 20, 30, 30, "a")),
        (Box(0, 0, 10, 10, "a"),),
        (),
    ]
    found = [
        (ScoredBox(50, 50, 60, 60, "b", 0.9),),
        (ScoredBox(0, 0, 10, 10, "a", 0.7),),
        (),
    ]
    answers = ScoredBoxes(("x", "y", "z"), labels, found, CLASSES, {})
    (one,) = worst_examples(answers, 9)
    assert one.row == 0
    assert len(one.mistakes) == 3
    assert [one.row for one in typical_examples(answers, 9)] == [1]
    # a score that shows nothing makes every object a missed one
    assert [one.row for one in worst_examples(answers, 9, score=0.95)] == [0, 1]


def test_masks_are_ordered_by_their_mean_overlap():
    truth = np.zeros((4, 4), np.uint8)
    truth[2:] = 1
    labels, found = [], []
    for wrong in (0, 8, 3):
        values = truth.copy()
        values.ravel()[:wrong] = 1
        labels.append(layout(truth, 3))
        found.append(summarise(FoundMask(values, 0.5, np.full_like(values, 128)), truth, 3))
    answers = ScoredMasks(("x", "y", "z"), labels, found, CLASSES, {})
    assert [one.row for one in worst_examples(answers, 9)] == [1, 2]
    assert [one.row for one in typical_examples(answers, 1)] == [2]
