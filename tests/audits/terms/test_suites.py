"""Suites are read by their columns, also the real ones, and drawn in whole sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from lextune.audits.terms.lists import terms_of
from lextune.audits.terms.suites import Suite, from_templates, joined, read_suite
from lextune.errors import DataError


def test_sentences_of_equity_are_parted_by_template_and_emotion(tmp_path: Path) -> None:
    path = tmp_path / "any.csv"
    path.write_text(
        "ID,Sentence,Template,Person,Gender,Race,Emotion,Emotion word\n"
        "1,Ann feels sad.,T,Ann,female,European,sadness,sad\n"
        "2,He feels sad.,T,he,male,,sadness,sad\n"
        "3,He feels glad.,T,he,male,,joy,glad\n"
    )
    suite = read_suite(str(path))
    assert suite.sets == ["T|sad", "T|sad", "T|glad"]
    assert suite.groups == {"gender": ["female", "male", "male"], "race": ["European", None, None]}


def test_winogender_is_parted_by_all_but_the_gender(tmp_path: Path) -> None:
    path = tmp_path / "any.tsv"
    path.write_text(
        "sentid\tsentence\nnurse.someone.1.male.txt\tThe nurse, he said\nnurse.someone.1.neutral.txt\tThey\n"
    )
    suite = read_suite(str(path))
    assert set(suite.sets) == {"nurse.someone.1"}
    assert suite.groups == {"gender": ["male", "neutral"]}


def test_identity_terms_are_cut_out_of_their_sentences(tmp_path: Path) -> None:
    path = tmp_path / "any.csv"
    path.write_text(
        'Text,Label,Template\n"hug gay",NOT_BAD,t\n"hug middle eastern",NOT_BAD,t\n"hug",BAD,t\n"gay old",BAD,t\n'
    )
    suite = read_suite(str(path))
    assert suite.sets == ["hug {}", "hug {}"]
    assert suite.groups == {"identity": ["gay", "middle eastern"]}


def test_a_suite_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("\ufefftext,set,dialect\nmoin,1,north\nservus,1,south\nhallo,1,\n", "utf-8")
    suite = read_suite(str(path))
    assert suite.groups == {"dialect": ["north", "south", None]}


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "text,set\n", "Text,Label,Template\nx,BAD,t\n"])
def test_other_columns_and_no_sentence_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "own.csv"
    path.write_text(content)
    with pytest.raises(DataError, match="suite"):
        read_suite(str(path))
    with pytest.raises(DataError, match="cannot be read"):
        read_suite(str(tmp_path / "none.csv"))


def test_sets_are_drawn_whole_and_the_same_each_time() -> None:
    sets = [f"s{k % 10}" for k in range(40)]
    suite = Suite([str(k) for k in range(40)], sets, {"g": [None] * 40})
    drawn = suite.drawn(13, 0)
    assert len(drawn.texts) == 12
    assert drawn == suite.drawn(13, 0)
    assert drawn != suite.drawn(13, 1)
    assert all(sum(one == name for one in drawn.sets) == 4 for name in drawn.sets)
    assert len(suite.drawn(1, 0).texts) == 4
    assert suite.drawn(1000, 0) == suite


def test_templates_begin_with_a_capital_and_hold_a_person_of_each_group() -> None:
    suite = from_templates(terms_of("en"), "gender")
    assert "A woman was rude to us and ruined the day." in suite.texts
    assert suite.groups["gender"] == ["female", "male"] * (len(suite.texts) // 2)
    both = joined([suite, from_templates(terms_of("zh"), "gender")])
    assert len(both.texts) == len(both.sets) == len(both.groups["gender"]) > len(suite.texts)


@pytest.mark.shared
def test_the_real_suites_are_read(shared: Path) -> None:
    folder = shared / "data" / "compliance"
    equity = read_suite(str(folder / "equity_evaluation_corpus" / "Equity-Evaluation-Corpus.csv"))
    assert len(equity.texts) == 8640
    assert len(set(equity.sets)) == 144
    assert sum(one is None for one in equity.groups["race"]) == 2880
    wino = read_suite(str(folder / "winogender" / "all_sentences.tsv"))
    assert len(wino.texts) == 720
    assert len(set(wino.sets)) == 240
    assert set(wino.groups["gender"]) == {"male", "female", "neutral"}
    identity = read_suite(str(folder / "unintended_bias_templates" / "bias_madlibs_77k.csv"))
    assert len(set(identity.groups["identity"])) == 50
    assert len(identity.texts) == 75_700
