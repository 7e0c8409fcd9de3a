"""A tiny model, really trained with canaries, and the audits that look for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from audited import Audited, audited_reviews

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """Canaries stand in training so often that a model of two layers learns some of them by heart."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("canaries")
        patch.setenv("LEXTUNE_HOME", str(folder / "home"))
        yield audited_reviews(
            folder, 120, ["data.canaries.count=60", "data.canaries.copies=6", "train.epochs=5"]
        )


def test_the_canaries_of_the_run_are_those_that_training_read(reviews: Audited) -> None:
    canaries = reviews.bench.canaries
    assert canaries is not None
    inputs = list(reviews.bench.labelled("train").inputs)
    for one, inserted in zip(canaries.inputs, canaries.inserted, strict=True):
        assert inputs.count(one) == (6 if inserted else 0)


def test_canaries_learnt_by_heart_are_found(reviews: Audited) -> None:
    found = {one.name: one for one in reviews.audit("memorisation").measurements}
    assert found["canary_auc"].interval.low > 0.5
    assert found["canary_exposure_p_value"].value < 0.05
    assert found["canary_extraction"].n == sum(reviews.bench.canaries.inserted)


def test_a_bound_of_epsilon_holds_for_copies_too(reviews: Audited) -> None:
    result = reviews.audit("epsilon_audit", positive_guesses=15, negative_guesses=15)
    found = {one.name: one for one in result.measurements}
    assert found["canary_guess_accuracy"].value > 0.6
    assert (
        0 <= found["epsilon_lower_bound"].value < 8 / 8
    )  # 30 guesses refute 2.2 of all copies at most
    assert found["epsilon_lower_bound_minus_claimed"].value is None
    assert result.parameters["copies"] == 6


def test_membership_is_attacked_with_a_model_trained_again(reviews: Audited) -> None:
    result = reviews.audit("membership_inference", references=1, reference_rows=40)
    assert result.status == "complete"
    assert len(result.parameters["calibrated_by"]) == 2
    found = {one.name: one for one in result.measurements if one.group is None}
    assert found["membership_auc"].value is not None
    assert found["membership_train_test_auc"].value is not None
    assert found["membership_tpr_at_fpr_0_1_percent"].problem is not None
    assert {one.group for one in result.measurements if one.name == "membership_auc"} == {
        None, "place=north", "place=south",
    }  # fmt: skip
    canaries = reviews.bench.canaries
    assert canaries is not None
    assert not any(text in result.model_dump_json() for text in canaries.inputs)
