"""Whatever a decision says in English it can say in Chinese, with the same values in it."""

from __future__ import annotations

import ast
import string
from pathlib import Path
from typing import get_args

import pytest

import lextune.policy
from lextune.policy.packs import load_pack
from lextune.policy.scenarios import Scenario, shipped_scenarios, statements_of
from lextune.policy.schema import Topic
from lextune.policy.verdict import decide
from lextune.policy.wording import ended, joined, speaking, tr
from lextune.policy.wording_zh import CHINESE, TOPICS

CASES = [one for file in shipped_scenarios().values() for one in file]


def _fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("template", CHINESE)
def test_both_languages_tell_the_same_values(template: str) -> None:
    assert _fields(template) == _fields(CHINESE[template])


def test_every_sentence_in_the_code_has_its_chinese() -> None:
    """Templates stand in the code as a first argument of `tr`, or as constants that are handed to it."""
    folder = Path(lextune.policy.__file__).parent
    said = {
        node.value
        for file in folder.glob("*.py")
        if not file.name.startswith("wording")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    called = {
        node.args[0].value
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "tr"
        and isinstance(node.args[0], ast.Constant)
    }
    assert called <= set(CHINESE)
    assert set(CHINESE) <= said, "a translation that nothing says any more"


def test_decisions_of_all_cases_are_told_in_chinese_and_come_out_alike() -> None:
    for case in CASES:
        told = [_decided(case, language) for language in ("en", "zh")]
        english, chinese = (verdict.controls for verdict in told)
        assert [one.status for one in english] == [one.status for one in chinese]
        for one in chinese:
            assert all(any(ord(sign) > 0x3000 for sign in reason) for reason in one.reasons)


def _decided(case: Scenario, language: str):  # type: ignore[no-untyped-def]
    packs = [load_pack(name) for name in case.packs]
    assert case.as_of is not None
    return decide(
        statements_of(case), case.facts, packs, case.as_of, language=language,  # type: ignore[arg-type]
    )  # fmt: skip


def test_every_topic_has_its_chinese() -> None:
    assert set(TOPICS) == set(get_args(Topic))


def test_the_language_ends_with_its_block() -> None:
    with speaking("zh"):
        assert tr("the model") == "模型"
        assert (joined(["一", "二"]), ended("是.")) == ("一；二", "是。")
    assert (tr("the model"), joined(["a", "b"]), ended("so.")) == ("the model", "a; b", "so.")
    with pytest.raises(ValueError, match="no language"), speaking("fr"):  # type: ignore[arg-type]
        pass
