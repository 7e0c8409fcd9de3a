import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lextune.tasks.vision.boxes import BoxTargets
from lextune.tasks.vision.thresholds import best_threshold


def _found(*boxes):
    return {
        "boxes": torch.tensor([one[:4] for one in boxes]).float().reshape(-1, 4),
        "labels": torch.tensor([one[4] for one in boxes], dtype=torch.int64),
        "scores": torch.tensor([one[5] for one in boxes]).float(),
    }


def _targets(*boxes, ignored=()):
    return BoxTargets(
        [torch.tensor([one[:4] for one in boxes]).float().reshape(-1, 4)],
        [torch.tensor([one[4] for one in boxes], dtype=torch.int64)],
        [torch.tensor(list(ignored)).float().reshape(-1, 4)],
    )


_LEFT, _RIGHT, _NOWHERE = (0, 0, 10, 10), (20, 0, 30, 10), (50, 50, 60, 60)


def test_it_is_the_score_of_the_last_box_that_gains_more_than_it_costs():
    found = _found((*_LEFT, 0, 0.9), (*_RIGHT, 0, 0.4), (*_NOWHERE, 0, 0.2))
    assert best_threshold([([found], _targets((*_LEFT, 0), (*_RIGHT, 0)))], 0.3) == pytest.approx(
        0.4
    )


def test_a_second_box_on_an_object_and_one_of_another_type_are_wrong():
    twice = _found((*_LEFT, 0, 0.9), (*_LEFT, 0, 0.8), (*_RIGHT, 1, 0.7))
    assert best_threshold([([twice], _targets((*_LEFT, 0), (*_RIGHT, 0)))], 0.3) == pytest.approx(
        0.9
    )


def test_boxes_where_nothing_is_said_do_not_count():
    found = _found((*_NOWHERE, 0, 0.9), (*_LEFT, 0, 0.5))
    targets = _targets((*_LEFT, 0), ignored=[(45, 45, 99, 99)])
    assert best_threshold([([found], targets)], 0.3) == pytest.approx(0.5)


@pytest.mark.parametrize("found", [_found(), _found((*_NOWHERE, 0, 0.9))])
def test_where_nothing_is_right_it_is_what_was_given(found):
    assert best_threshold([([found], _targets((*_LEFT, 0)))], 0.3) == 0.3


@given(
    st.lists(
        st.tuples(st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.8]), st.booleans()),
        min_size=1,
        max_size=12,
    )
)
def test_no_other_score_has_a_better_f1(answers):
    answers = sorted(answers, key=lambda one: -one[0])
    boxes = [(20 * i, 0, 20 * i + 10, 10) for i in range(len(answers))]
    found = _found(*((*box, 0, score) for box, (score, _) in zip(boxes, answers, strict=True)))
    objects = [(*box, 0) for box, (_, real) in zip(boxes, answers, strict=True) if real]
    chosen = best_threshold([([found], _targets(*objects))], 0.0)
    if not objects:
        assert chosen == 0
        return

    def f1(threshold):
        shown = [real for score, real in answers if torch.tensor(score).float() >= threshold - 1e-6]
        return 2 * sum(shown) / (len(shown) + len(objects)) if shown else 0.0

    assert f1(chosen) == pytest.approx(max(f1(score) for score, _ in answers))
