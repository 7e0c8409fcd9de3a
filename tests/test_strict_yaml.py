"""Strict YAML reads what people wrote, knows where it stands, and refuses what others guess."""

from __future__ import annotations

import io
import json
import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from lextune.errors import ConfigError
from lextune.strict_yaml import load, scalar


def data(text: str | bytes) -> Any:
    return load(text, "f.yaml").data


def facts(text: str | bytes) -> list[tuple[str, str]]:
    """Place and fact of each problem."""
    with pytest.raises(ConfigError) as caught:
        load(text, "f.yaml")
    assert all(problem.remedy for problem in caught.value.problems)
    return [(problem.where, problem.fact) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("true", True),
        ("TRUE", True),
        ("False", False),
        ("tRUE", "tRUE"),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("nUll", "nUll"),
        ("1e-5", 1e-5),
        ("1E5", 1e5),
        ("2.0e-5", 2e-5),
        (".5", 0.5),
        ("-.5e1", -5.0),
        ("5.", 5.0),
        ("010", 10),
        ("-007", -7),
        ("+12", 12),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("1:30", "1:30"),
        ("12:30:45", "12:30:45"),
        ("2026-11-25", "2026-11-25"),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("1e", "1e"),
        ("e5", "e5"),
        (".", "."),
        ("+", "+"),
        ("١٢", "١٢"),
        ("=", "="),
        ("'010'", "010"),
        ('"true"', "true"),
        ("''", ""),
        ("|-\n  12", "12"),
    ],
)
def test_a_scalar_is_what_it_looks_like(text: str, value: Any) -> None:
    found = data(f"a: {text}\n")["a"]
    assert found == value
    assert type(found) is type(value)


def test_nan_is_a_number_and_a_very_long_integer_stays_a_word() -> None:
    assert math.isnan(scalar(".nan"))
    assert scalar("9" * 5000) == "9" * 5000  # int() refuses it; a float would be infinite


@settings(max_examples=300, deadline=None)
@given(st.from_regex(r"[-+.0-9eE]{1,8}", fullmatch=True))
@example("1e400")
@example("-0")
@example("0.")
def test_numbers_equal_those_of_another_yaml_1_2_reader(text: str) -> None:
    oracle = YAML(typ="safe", pure=True)
    oracle.version = (1, 2)
    try:
        expected = oracle.load(io.StringIO(f"a: {text}\n"))
    except (YAMLError, ValueError):
        # "---", "- -", or what the oracle's looser pattern takes for a number and then cannot convert
        return
    if isinstance(expected, dict) and isinstance(expected.get("a"), int | float):
        assert data(f"a: {text}\n") == pytest.approx(expected, nan_ok=True)


#: YAML allows no bare DEL, and `<<` as a key is refused on purpose.
WORDS = st.text(st.characters(exclude_characters="\x7f", exclude_categories=["Cs"]), max_size=8)
WORDS = WORDS.filter(lambda word: word != "<<")
LEAVES = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | WORDS
LEAVES |= st.floats(allow_nan=False, allow_infinity=False)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(WORDS, TREES, max_size=4))
@example({"emoji": "😀", "text": "naïve 中文"})
@example({"a": 1e-07, "b": 1e22, "c": "1e-5"})
def test_json_is_read_as_json(tree: dict[str, Any]) -> None:
    assert _plain(data(json.dumps(tree))) == _plain(tree)


def _plain(value: Any) -> Any:
    return json.dumps(value, sort_keys=True)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "bc", "d-e", "f_1"]), TREES, max_size=4))
def test_what_another_writer_writes_is_read_back(tree: dict[str, Any]) -> None:
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    stream = io.StringIO()
    try:
        writer.dump(json.loads(json.dumps(tree)), stream)
    except (UnicodeEncodeError, YAMLError):
        return
    oracle = YAML(typ="safe", pure=True)
    try:
        expected = oracle.load(stream.getvalue())
    except YAMLError:
        return
    found = data(stream.getvalue())
    if expected == json.loads(json.dumps(tree)):
        assert found == expected


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet="ab:-[]{}&*!|>'\"\\#%@,? \n\t01.xuU", max_size=30))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    found: list[str] = []
    try:
        load(text, "f.yaml")
    except ConfigError as error:
        found = [problem.where for problem in error.problems]
    assert all(where.startswith("f.yaml") for where in found)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    found: list[str] = []
    try:
        load(raw, "f.yaml")
    except ConfigError as error:
        found = [problem.where for problem in error.problems]
    assert all(where.startswith("f.yaml") for where in found)


def test_places_are_those_of_keys_and_items() -> None:
    document = load("a: 1\nb:\n  - x\n  - {c: 2}\n# note\nd: {e: 3}\n", "f.yaml")
    assert document.data == {"a": 1, "b": ["x", {"c": 2}], "d": {"e": 3}}
    assert document.where(("a",)) == "f.yaml:1:1"
    assert document.where(("b", 0)) == "f.yaml:3:5"
    assert document.where(("b", 1, "c")) == "f.yaml:4:6"
    assert document.where(("d", "e")) == "f.yaml:6:5"
    assert document.where(("d", "gone", "deeper")) == "f.yaml:6:1"
    assert document.where(("nothing",)) == "f.yaml:1:1"
    document.origins[("d",)] = "--set d"
    assert document.where(("d", "gone")) == "--set d"


def test_every_duplicate_alias_and_tag_is_named_in_one_go() -> None:
    text = "a: 1\nb: &x 2\na: 3\nc: *x\nd: !!str 12\ne: !!python/object:os.system {}\nb: 4\n"
    assert sorted(facts(text)) == [
        ("f.yaml:3:1", "the key 'a' stands twice (first on line 1)"),
        ("f.yaml:4:4", "a YAML alias (*name)"),
        ("f.yaml:5:4", "a YAML tag (tag:yaml.org,2002:str)"),
        ("f.yaml:6:4", "a YAML tag (tag:yaml.org,2002:python/object:os.system)"),
        ("f.yaml:7:1", "the key 'b' stands twice (first on line 2)"),
    ]


@pytest.mark.parametrize(
    ("text", "place", "fact"),
    [
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1", "another document"),
        ("a: [1, 2\nb: 3\n", "f.yaml:2:2", "not YAML"),
        ("a: 1\n b: 2\n", "f.yaml:2:3", "not YAML"),
        ("a: &x [*x]\n", "f.yaml:1:8", "alias"),
        ("? {a: 1}\n: 2\n", "f.yaml:1:3", "not a plain word"),
        ("? [a]\n: 2\n", "f.yaml:1:3", "not a plain word"),
        ("a: &d {x: 1}\nb:\n  <<: *d\n", "f.yaml:3:7", "alias"),
        ("b:\n  <<: {x: 1}\n", "f.yaml:2:3", "not a plain word"),
        ("? &k a\n: 1\nb: {*k : 2}\n", "f.yaml:3:5", "alias"),
        ("! 12\n", "f.yaml:1:1", "tag"),
        ("a: !!binary aGk=\n", "f.yaml:1:4", "tag"),
        ("a: !!set {x}\n", "f.yaml:1:4", "tag"),
        ('"\\UFFFFFFFF"\n', "f.yaml", "escape"),
        ('a: "\\ud83d"\n', "f.yaml:1:4", "surrogate"),
        ("[" * 5000, "f.yaml:1:65", "deeper than 64"),
        ("{a: " * 5000, "f.yaml:1:254", "deeper than 64"),
        ("- " * 5000, "f.yaml:1:129", "deeper than 64"),
    ],
)
def test_what_is_refused_says_where(text: str, place: str, fact: str) -> None:
    found = facts(text)
    assert found[0][0] == place
    assert fact in found[0][1]


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe\xfd", b"a: \xe9\n", b"a: \x00", "a: é".encode("latin-1")]
)
def test_bytes_that_are_no_utf_8_text_are_refused(raw: bytes) -> None:
    assert facts(raw) == [("f.yaml", "this is not YAML text in UTF-8")]


@pytest.mark.parametrize("raw", ["a: é".encode(), b"\xef\xbb\xbf" + "a: é".encode()])
def test_a_byte_order_mark_is_no_part_of_the_first_key(raw: bytes) -> None:
    assert data(raw) == {"a": "é"}


def test_a_billion_laughs_end_at_once() -> None:
    lines = ["l0: &l0 [x, x]"] + [
        f"l{i}: &l{i} [*l{i - 1}, *l{i - 1}, *l{i - 1}]" for i in range(1, 60)
    ]
    assert len(facts("\n".join(lines))) == 3 * 59


def test_no_text_is_no_data() -> None:
    assert data("") is None
    assert data("# nothing\n") is None
