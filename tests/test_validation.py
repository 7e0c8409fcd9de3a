"""Validation turns a document into a typed value, or names every fault with its place and its remedy."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from lextune.errors import ConfigError, PackError, Problem
from lextune.strict_yaml import Document, load
from lextune.validation import validate


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Leaf(_Strict):
    kind: Literal["oak", "birch", "willow"]
    height: float = 1.0


class Bush(_Strict):
    berries: int


class Garden(_Strict):
    owner: str
    trees: list[Leaf] = []
    either: Leaf | Bush | None = None
    named: dict[str, int] = {}
    since: int = Field(0, alias="from")
    size: int = Field(3, gt=0)
    share: float = Field(0.5, lt=1)
    sunny: bool = True
    code: str = Field("a", pattern="^[a-z]+$")


def problems(text: str) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        validate(Garden, load(text, "g.yaml"), ConfigError)
    return list(caught.value.problems)


def test_a_right_document_becomes_the_value() -> None:
    text = "owner: Li\ntrees: [{kind: oak, height: 2}]\nfrom: 1990\n"
    garden = validate(Garden, load(text, "g.yaml"), ConfigError)
    assert garden.trees[0].height == 2.0
    assert garden.since == 1990


def test_every_fault_is_named_at_its_place_with_a_remedy() -> None:
    found = {
        one.where: one
        for one in problems(
            "ownr: Li\ntrees:\n  - kind: oka\n  - {kind: oak, height: .nan}\n  - height: 1\n"
            "named: {a: 1, b: x}\nfrm: 3\nfrom: true\n"
        )
    }
    assert found["g.yaml:1:1"].remedy in ("did you mean 'owner'?", "add the key 'owner'")
    assert found["g.yaml:3:5"].remedy == "did you mean 'oak'?"
    assert "not a finite number" in found["g.yaml:4:17"].fact
    assert found["g.yaml:5:5"].fact == "trees.2.kind is missing"
    assert "named.b" in found["g.yaml:6:15"].fact
    assert found["g.yaml:7:1"].remedy == "did you mean 'from'?"
    assert "True" in found["g.yaml:8:1"].fact
    assert all(one.remedy for one in found.values())


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("size: x", "write a whole number; the default is 3"),
        ("size: 0", "write a value above 0; the default is 3"),
        ("share: 2", "write a value below 1.0; the default is 0.5"),
        ("sunny: 3", "write true or false; the default is true"),
        ("trees: 1", "write a list in [ ]"),
        ("code: '?'", "write text of that pattern; the default is 'a'"),
        ("owner: 3", "write text, in quotes where YAML would read something else"),
    ],
)
def test_a_wrong_value_is_told_what_to_write(line: str, remedy: str) -> None:
    text = line if line.startswith("owner") else f"owner: Li\n{line}"
    (found,) = problems(f"{text}\n")
    assert found.remedy == remedy


def test_a_union_points_to_the_key_not_to_the_member() -> None:
    found = problems("owner: Li\neither: {berries: many}\n")
    assert {one.where for one in found} <= {"g.yaml:2:10", "g.yaml:2:1"}
    assert any("either.berries" in one.fact for one in found)
    assert not any("Bush" in one.fact for one in found)


def test_a_long_value_is_not_repeated() -> None:
    secret = "s" * 41
    (found,) = problems(f"owner: [{secret}]\n")
    assert secret not in str(found)


@pytest.mark.parametrize(("text", "fact"), [("", "empty"), ("- a", "mapping"), ("x", "mapping")])
def test_a_file_that_is_no_mapping_says_so(text: str, fact: str) -> None:
    (found,) = problems(text)
    assert fact in found.fact


@pytest.mark.parametrize("text", ["owner: Li\neither:\n  7\n", "owner: Li\nnamed:\n"])
def test_a_section_that_is_no_mapping_says_what_it_is(text: str) -> None:
    assert any("a section of keys, but found" in one.fact for one in problems(text))


def test_other_problems_come_in_the_same_go_and_as_the_asked_error() -> None:
    extra = Problem("the gate is open", "close it")
    with pytest.raises(PackError) as caught:
        validate(Garden, load("", "g.yaml"), PackError, [extra])
    assert caught.value.problems[0] is extra
    assert len(caught.value.problems) == 2
    with pytest.raises(PackError) as caught:
        validate(Garden, Document({"owner": "Li"}, "g"), PackError, [extra])
    assert caught.value.problems == (extra,)
