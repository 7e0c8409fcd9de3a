"""The counterfactual audit finds what a model says of one group alone, and nothing where it says the same of all."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audited import MadeUpBench
from lextune.audits.base import AuditInput, audits
from lextune.audits.terms.suites import read_suite
from lextune.evaluation.predict import Scored
from lextune.records import AuditResult, Measurement

AUDIT = audits.get("counterfactual")


def fair(text: str) -> list[float]:
    return [0.4, 0.6] if "good" in text else [0.7, 0.3]


def hostile(*words: str) -> Callable[[str], list[float]]:
    """Takes 0.3 from the last class where one of the words stands: a good text of them falls below one half."""
    pattern = re.compile(rf"\b({'|'.join(words)})", re.IGNORECASE)

    def score(text: str) -> list[float]:
        last = fair(text)[1] - (0.3 if pattern.search(text) else 0.0)
        return [1 - last, last]

    return score


def audit(
    texts: Sequence[str], score: Callable[[str], list[float]] = fair, *,
    language: tuple[str, ...] = ("en",), **parameters: Any,
) -> AuditResult:  # fmt: skip
    bench = MadeUpBench(score, list(texts), language=language)
    ids = tuple(f"r{number}" for number in range(len(texts)))
    scores = bench.scores(texts) if texts else np.zeros((0, 2))
    answers = Scored(ids, np.zeros(len(texts), np.int64), scores, ("bad", "good"), {})
    stated = {"minimum_rows": 5, "templates": False, **parameters}
    return AUDIT(
        AuditInput(answers, parameters=AUDIT.parameters.model_validate(stated), bench=bench)
    )


def figures(result: AuditResult) -> dict[tuple[str, str | None], Measurement]:
    return {(one.name, one.group): one for one in result.measurements}


ROWS = [
    f"a good story of a {who} in place {n}" for n in range(10) for who in ("woman", "man", "dog")
]


def test_answers_that_change_are_counted_by_row_and_named_by_id() -> None:
    result = audit(ROWS, hostile("woman"))
    found = figures(result)
    assert found["counterfactual_flip_rate.gender", None].value == 1.0
    assert found["counterfactual_flip_rate.gender", None].n == 20
    assert found["counterfactual_flip_rate", None].n == 20
    shift = found["counterfactual_score_shift", "gender=female"]
    assert shift.value == pytest.approx(-0.3)
    assert shift.n == 20
    assert shift.interval is not None
    assert shift.interval.high < 0
    largest = found["counterfactual_score_shift_maximum", None]
    assert largest.value == pytest.approx(0.3)
    assert largest.n == 20
    assert "r0" in result.findings[0]
    assert "r2," not in result.findings[0]  # the dog
    assert "story" not in result.model_dump_json()
    assert result.parameters["positive_class"] == "good"


def test_a_model_that_does_not_look_shifts_nothing() -> None:
    found = figures(audit(ROWS))
    rate = found["counterfactual_flip_rate.gender", None]
    assert (rate.value, rate.n) == (0.0, 20)
    assert rate.interval is not None
    assert rate.interval.high > 0.1
    assert found["counterfactual_score_shift", "gender=female"].value == 0.0
    assert audit(ROWS).findings == ()


def test_an_attribute_without_a_row_is_undefined() -> None:
    rate = figures(audit(ROWS))["counterfactual_flip_rate.religion", None]
    assert (rate.value, rate.interval, rate.n) == (None, None, 0)
    assert rate.problem
    nothing = figures(audit(["a dog"]))
    assert nothing["counterfactual_flip_rate", None].value is None
    assert nothing["counterfactual_score_shift_maximum", None].value is None


def test_few_rows_of_a_group_state_no_shift() -> None:
    found = figures(audit(["a good Muslim and a man"] * 3, hostile("muslim"), variants=9))
    shift = found["counterfactual_score_shift", "religion=muslim"]
    assert (shift.value, shift.n) == (None, 3)
    assert found["counterfactual_flip_rate.religion", None].value == 1.0
    assert found["counterfactual_score_shift_maximum", None].value is None


def test_of_many_rows_some_are_drawn_and_of_many_groups_some() -> None:
    texts = [f"a good Jewish man, number {n}" for n in range(60)]
    asked: list[int] = []

    class Counting(MadeUpBench):
        def scores(self, inputs: Sequence[Any]) -> Any:
            asked.append(len(inputs))
            return super().scores(inputs)

    bench = Counting(hostile("jew"), texts, language=("en",))
    answers = Scored(
        tuple(map(str, range(60))), np.zeros(60, np.int64),
        MadeUpBench.scores(bench, texts), ("bad", "good"), {},
    )  # fmt: skip
    asked.clear()
    stated = AUDIT.parameters.model_validate({"rows": 25, "variants": 2, "templates": False})
    found = figures(AUDIT(AuditInput(answers, parameters=stated, bench=bench)))
    assert found["counterfactual_flip_rate.religion", None].n == 25
    assert found["counterfactual_flip_rate", None].n == 25
    assert asked == [25 * 2 + 25]


def test_a_row_is_one_unit_however_many_variants_it_has() -> None:
    """Its flips are one yes or no, its scores one number: the interval is that of 30 rows, not of 90 variants."""
    found = figures(audit(["a good Jewish man"] * 30, hostile("jew"), variants=3, minimum_rows=1))
    rate = found["counterfactual_flip_rate.religion", None]
    assert rate.n == 30
    assert found["counterfactual_score_shift", "religion=jewish"].n == 30


def test_the_flip_rate_is_covered() -> None:
    """Over draws of rows whose chance of changing is known: Wilson's interval of rows."""
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(60):
        picky = rng.random(40) < 0.2
        texts = [f"a good man {'x' if one else 'y'} {n}" for n, one in enumerate(picky)]

        def score(text: str) -> list[float]:
            return [0.9, 0.1] if "woman x" in text else [0.1, 0.9]

        one = figures(audit(texts, score, attributes=["gender"]))
        limits = one["counterfactual_flip_rate.gender", None].interval
        assert limits is not None
        inside += limits.low <= 0.2 <= limits.high
    assert inside >= 0.93 * 60


def test_chinese_rows_are_swapped_too() -> None:
    texts = [f"她是一位好演员{n}" for n in range(8)]

    def score(text: str) -> list[float]:
        return [0.8, 0.2] if "她" in text else [0.2, 0.8]

    for language in (("zh",), ("zh-Hans", "en"), ()):
        found = figures(audit(texts, score, language=language))
        assert found["counterfactual_flip_rate.gender", None].value == 1.0
        assert found["counterfactual_score_shift", "gender=female"].value == pytest.approx(-0.6)


def test_a_language_without_a_list_is_not_applicable_until_one_is_given(tmp_path: Path) -> None:
    result = audit(["ein Mann"] * 6, hostile("frau"), language=("de",))
    assert result.status == "not_applicable"
    path = tmp_path / "de.yaml"
    path.write_text(
        "language: de\nattributes:\n  gender:\n    groups: [female, male]\n"
        "    people: [eine Frau, ein Mann]\n    words:\n      - [Frau, Mann]\n"
    )
    own = audit(["ein good Mann"] * 6, hostile("frau"), language=("de",), terms=str(path))
    assert figures(own)["counterfactual_flip_rate.gender", None].value == 1.0


def test_templates_compare_groups_in_the_same_sentences() -> None:
    result = audit(["a dog"], hostile("blind"), templates=True, attributes=["disability"])
    found = figures(result)
    shift = found["template_score_shift", "disability=blind"]
    assert shift.value == pytest.approx(-0.3)
    assert found["template_score_shift", "disability=deaf"].value == pytest.approx(0.3 / 4)
    assert found["template_flip_rate.disability", None].n == shift.n == 24


def test_suites_compare_groups_and_count_sets_that_are_not_decided_alike(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    rows = [f"good {who} {n},{n},{who}" for n in range(6) for who in ("north", "south")]
    path.write_text("\n".join(["text,set,place", *rows]) + "\n")
    found = figures(audit(["a dog"], hostile("north"), suites={"mine": str(path)}))
    assert found["suite_flip_rate.mine", None].value == 1.0
    assert found["suite_flip_rate.mine", None].n == 6
    assert found["suite_score_shift", "mine.place=north"].value == pytest.approx(-0.3)
    assert len(read_suite(str(path)).texts) == 12


@pytest.mark.shared
def test_real_suites_show_what_a_made_up_model_has_against_women(shared: Path) -> None:
    folder = shared / "data" / "compliance"
    suites = {
        "equity": str(folder / "equity_evaluation_corpus" / "Equity-Evaluation-Corpus.csv"),
        "identity": str(folder / "unintended_bias_templates" / "bias_madlibs_77k.csv"),
        "winogender": str(folder / "winogender" / "all_sentences.tsv"),
    }
    found = figures(audit(["a dog"], hostile("she", "her"), suites=suites, suite_rows=1500))
    for group in ("equity.gender=female", "winogender.gender=female"):
        one = found["suite_score_shift", group]
        assert one.value is not None
        assert one.value < -0.02, group
    identity = found["suite_flip_rate.identity", None]
    assert identity.value == 0.0
    assert identity.n >= 25


def test_a_class_or_an_attribute_that_is_not_there_stops_it() -> None:
    with pytest.raises(ValueError, match="attribute"):
        audit(ROWS, attributes=["shoe_size"])
    with pytest.raises(ValueError, match="not in tuple"):
        audit(ROWS, positive="nope")
    assert audit(ROWS, positive="bad").parameters["positive_class"] == "bad"


def test_a_variant_without_a_score_stops_it() -> None:
    def broken(text: str) -> list[float]:
        return [float("nan"), 0.5] if "woman" in text else [0.5, 0.5]

    with pytest.raises(ValueError, match="finite"):
        audit(["a man"] * 5, broken)


def test_predictions_alone_are_not_enough() -> None:
    answers = Scored(("r",), np.array([0]), np.array([[0.5, 0.5]]), ("a", "b"), {})
    assert AUDIT(AuditInput(answers, parameters=AUDIT.parameters())).status == "not_applicable"


def test_the_same_input_gives_the_same_result() -> None:
    assert audit(ROWS, hostile("woman")) == audit(ROWS, hostile("woman"))
