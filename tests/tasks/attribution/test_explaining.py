"""What occlusion finds by hand, what the reasons say, and which models are not explained."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lextune.errors import ModelError
from lextune.tasks.attribution.explaining import Attribution, explain, log_odds, occlude, reasons
from lextune.tasks.attribution.parts import Part, divided
from lextune.tasks.attribution.words import Words

WORTH = {"good": 2.0, "bad": -3.0, "plot": 0.5}


def scores(texts: Any) -> Any:
    """Two classes; each known word adds its worth to the log-odds of the second."""
    odds = np.array([sum(WORTH.get(word, 0.0) for word in text.split()) for text in texts])
    p = 1 / (1 + np.exp(-odds))
    return np.stack([1 - p, p], 1)


def model(kind: str = "text", label: str = "class", **more: Any) -> Any:
    task = SimpleNamespace(input_kind=kind, label_kind=label, name="a task")
    return SimpleNamespace(task=task, encode=list, model=object(), settings={}, **more)


def test_occlusion_finds_what_each_word_adds() -> None:
    found = occlude(Words("good bad plot film"), 1, scores, each=False)
    np.testing.assert_allclose(found.weights, [2.0, -3.0, 0.5, 0.0], atol=1e-9)
    assert found.score == pytest.approx(-0.5)
    assert found.complete
    other = explain(model(), "good bad plot film", 0, scores)
    np.testing.assert_allclose(other.weights, -found.weights, atol=1e-9)
    assert other.method == "occlusion"


def test_log_odds_by_hand_and_of_certainty() -> None:
    found = log_odds(np.array([[0.2, 0.3, 0.5], [0.0, 0.0, 1.0]]), 2, each=False)
    assert found[0] == pytest.approx(0.0)
    assert np.isfinite(found).all()
    assert log_odds(np.array([[0.2, 0.9]]), 1, each=True)[0] == pytest.approx(np.log(9))


def test_reasons_name_what_speaks_for_the_class_most_first() -> None:
    found = occlude(Words("good bad plot film"), 1, scores, each=False)
    assert reasons(found, ("no", "yes")) == (
        "“good” moved the answer towards 'yes' by 2.00 in log-odds",
        "“plot” moved the answer towards 'yes' by 0.50 in log-odds",
    )
    assert reasons(found, ("no", "yes"), most=1) == reasons(found, ("no", "yes"))[:1]


def test_reasons_of_a_record_name_feature_value_and_what_is_usual() -> None:
    parts = (Part("income", (), "900", "2500"), Part("town", (), None, "Ulm"))
    found = Attribution(0, "occlusion", parts, np.array([1.25, -1.0]), 0.3)
    assert reasons(found, ("denied", "granted")) == (
        "income ('900', compared with the usual '2500') moved the answer towards 'denied' by 1.25 in log-odds",
    )


def test_weights_that_do_not_sum_are_told() -> None:
    whole = Attribution(0, "m", (), np.zeros(0), 2.0, 0.0, gap=0.05)
    assert whole.complete
    assert not Attribution(0, "m", (), np.zeros(0), 2.0, 0.0, gap=0.2).complete


@pytest.mark.parametrize(("kind", "label"), [("text", "spans"), ("image", "boxes"), ("history", "items")])  # fmt: skip
def test_answers_that_are_no_classes_are_not_explained(kind: str, label: str) -> None:
    with pytest.raises(ModelError, match="not explained"):
        explain(model(kind, label), "x", 0, scores)


def test_histories_have_no_parts() -> None:
    with pytest.raises(ModelError, match="not explained"):
        divided(model("history"), "x")
