"""What a run gives its audits is what it trained and predicted: parts, other inputs, states, and models trained again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from audited import Audited, audited_reviews


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("audited")
        patch.setenv("LEXTUNE_HOME", str(folder / "home"))
        yield audited_reviews(folder)


def test_parts_are_answered_as_the_test_part_was(reviews: Audited) -> None:
    again = reviews.bench.answer(list(reviews.bench.inputs), reviews.answers)
    assert again.ids == reviews.answers.ids
    np.testing.assert_allclose(again.scores, reviews.answers.scores, atol=1e-5)
    part = reviews.bench.part("test", 20)
    assert len(part.inputs) == len(part.rows) == len(part.answers.ids) == 20
    np.testing.assert_array_equal(part.answers.scores, reviews.answers.scores[part.rows])


def test_labels_of_a_part_are_read_without_asking_the_model(reviews: Audited) -> None:
    given, train = reviews.bench.labelled("train"), reviews.bench.part("train")
    assert given.ids == train.answers.ids
    assert list(given.inputs) == list(train.inputs)
    np.testing.assert_array_equal(given.labels, train.answers.labels)


def test_an_audit_asks_the_model_about_changed_inputs(reviews: Audited) -> None:
    found = reviews.audit("robustness", rows=60, attack_rows=5, attack_queries=8)
    assert found.status == "complete"
    figures = {one.name: one for one in found.measurements if one.group is None}
    assert figures["accuracy_drop.typos"].n == 60
    assert figures["worst_perturbation_drop"].interval is not None


def test_drawn_rows_of_a_part_are_the_same_each_time(reviews: Audited) -> None:
    part = reviews.bench.part("train", 30)
    assert len(part.inputs) == 30
    assert part is reviews.bench.part("train", 30)
    whole = reviews.bench.part("train")
    assert [whole.inputs[row] for row in part.rows] == list(part.inputs)
    np.testing.assert_allclose(whole.answers.scores[part.rows], part.answers.scores, atol=1e-5)


def test_states_of_the_pretrained_model_are_others(reviews: Audited) -> None:
    inputs = list(reviews.bench.inputs[:8])
    own, base = reviews.bench.features(inputs), reviews.bench.features(inputs, base=True)
    assert own.shape == base.shape == (8, own.shape[1])
    assert not np.allclose(own, base)


def test_states_of_a_long_text_are_those_of_what_the_model_reads(reviews: Audited) -> None:
    cut, long = (
        " ".join(["film"] * 30),
        " ".join(["film"] * 500),
    )  # it reads 32 tokens and has 64 places
    for base in (False, True):
        found = reviews.bench.features([cut, long], base=base)
        np.testing.assert_allclose(found[0], found[1], atol=1e-5)


def test_rows_in_no_part_are_answered_like_others(reviews: Audited) -> None:
    cells = [reviews.answers.classes[one] for one in reviews.answers.labels[:20]]
    found = reviews.bench.answer_labelled(list(reviews.bench.inputs[:20]), cells)
    np.testing.assert_array_equal(found.labels, reviews.answers.labels[:20])
    np.testing.assert_allclose(found.scores, reviews.answers.scores[:20], atol=1e-5)
    assert not found.groups


def test_a_model_trained_again_learns_the_labels_that_it_is_given(reviews: Audited) -> None:
    rows = np.arange(len(reviews.bench.part("train").rows))
    truth = reviews.bench.part("train").answers
    wrong = [truth.classes[1 - truth.labels[row]] for row in rows]
    taught = reviews.bench.refit(rows, 3)(list(reviews.bench.inputs), reviews.answers)
    misled = reviews.bench.refit(rows, 3, wrong)(list(reviews.bench.inputs), reviews.answers)
    assert taught.right.mean() > 0.8
    assert misled.right.mean() < taught.right.mean() - 0.2
    assert not [*reviews.bench.folder.iterdir()]


def test_errors_and_headline_are_those_of_the_task(reviews: Audited) -> None:
    errors = reviews.bench.row_errors(reviews.answers)
    np.testing.assert_array_equal(errors, (~reviews.answers.right).astype(float))
    headline = reviews.bench.headline(reviews.answers)
    assert headline.value == pytest.approx(1 - errors.mean())
    assert headline.interval is not None
