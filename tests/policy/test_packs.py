"""A pack that is not wholly right is refused, with every fault at its place."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from lextune.errors import ExitCode, PackError
from lextune.files import sha256
from lextune.policy import pack_problems, schema
from lextune.policy.packs import (
    Pack,
    list_packs,
    load_pack,
    pack_ids,
    pack_json_schema,
    parse_pack,
)

Data = Callable[..., dict[str, Any]]


def _fault(data: dict[str, Any]) -> str:
    with pytest.raises(PackError) as caught:
        parse_pack(json.dumps(data, indent=1).encode(), "p.yaml")
    assert caught.value.exit_code is ExitCode.USAGE
    return str(caught.value)


def _requirement(**changes: Any) -> dict[str, Any]:
    right = {
        "measurement": "accuracy", "bound": "interval", "operator": ">=", "value": 0.8, "minimum_n": 1,
    }  # fmt: skip
    return {**right, **changes}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"effect": "requirre"}, "'requirre' is no effect. Remedy: did you mean 'require'?"),
        ({"severity": "blok"}, "did you mean 'block'?"),
        ({"status": "in_forse"}, "did you mean 'in_force'?"),
        ({"basis": "statut"}, "did you mean 'statute'?"),
        (
            {"applies": {"fact": "genn", "is": True}},
            "declares no fact 'genn'",
        ),
        ({"applies": {"fact": "genn", "is": True}}, "'gen'"),
        ({"applies": "alway"}, "'alway' is no condition. Remedy: did you mean 'always'?"),
        ({"applies": {"al": ["always"]}}, "did you mean 'all'?"),
        ({"applies": {"all": []}}, "at least 1 item"),
        ({"applies": {"all": ["always"], "any": ["always"]}}, "'any' is no key here"),
        ({"applies": {"not": {"fakt": "gen", "is": True}}}, "did you mean 'fact'?"),
        ({"applies": {"fact": "gen", "is": "yes"}}, "use true or false"),
        ({"applies": {"fact": "gen", "is": 1}}, "compare with true, false or one word"),
        ({"applies": {"fact": "gen", "includes": "yes"}}, "use `is`"),
        ({"applies": {"fact": "role", "is": "provder"}}, "did you mean 'provider'?"),
        ({"applies": {"fact": "uses", "is": "hiring"}}, "use `includes`"),
        ({"applies": {"fact": "uses", "includes": "hirin"}}, "did you mean 'hiring'?"),
        ({"applies": {"fact": "places", "includes": "eu"}}, "'eu' is no place"),
        ({"applies": {"fact": "places", "includes": "DE"}}, "use EU"),
        ({"applies": {"fact": "purpose", "is": "research"}}, "give the fact `choices`"),
        ({"requires": []}, "requires nothing"),
        ({"requires": None}, "requires nothing"),
        ({"requires": [{"measurment": "x"}]}, "did you mean 'measurement'?"),
        ({"requires": [_requirement(operator="=>")]}, "'=>' is no operator. Remedy: use one of"),
        ({"requires": [_requirement(bound="intervall")]}, "did you mean 'interval'?"),
        ({"requires": [_requirement(value=float("nan"))]}, "'NaN'"),
        ({"requires": [_requirement(value="0.8")]}, "valid number; found '0.8'"),
        ({"requires": [_requirement(value=True)]}, "valid number; found True"),
        ({"requires": [_requirement(value=None)]}, "valid number; found None"),
        ({"requires": [_requirement(minimum_n=0)]}, "greater than or equal to 1"),
        ({"requires": [_requirement(minimum_n=1.5)]}, "valid integer"),
        ({"requires": [_requirement(document="x")]}, "'document' is no key here"),
        ({"requires": [_requirement(code="x")]}, "'code' is no key here"),
        ({"requires": [{"licence": "model", "permits": "derivatives"}]}, "without a `licences`"),
        ({"effect": "prohibit", "waivable": True}, "marked waivable"),
        ({"effect": "prohibit", "requires": [{"document": "x"}]}, "a prohibition has requirements"),
        ({"from": "2026-13-01"}, "must exist"),
        ({"from": "2026-11-25T00:00"}, "is written 2026-11-25"),
        ({"from": 20261125}, "is written 2026-11-25"),
        ({"from": "2026-02-01", "until": "2026-01-01"}, "is later than `until`"),
        ({"waivable": "yes"}, "waivable: input should be a valid boolean"),
        ({"titles": {"en": "x"}}, "the key 'zh' is missing"),
        ({"remedy": {"en": "x", "zh": " "}}, "zh ' '"),
        ({"id": "Upper"}, "use lower-case letters"),
        ({"from_day": "2026-01-01"}, "'from_day' is no key here"),
    ],
)
def test_a_wrong_control_is_refused(
    control: Data, pack_data: Data, changes: dict[str, Any], said: str
) -> None:
    assert said in _fault(pack_data(control(**changes)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema": "lextune.pack/v2"}, "did you mean 'lextune.pack/v1'?"),
        ({"version": 1.0}, "put it between quotes"),
        ({"version": "one"}, "as in 1.0"),
        ({"checked_on": "yesterday"}, "is written 2026-11-25"),
        ({"controls": []}, "at least 1 item"),
        ({"sorce": "x"}, "did you mean 'source'?"),
        ({"facts": [{"id": "gen", "type": "boool", "question": {"en": "a", "zh": "b"}}]}, "'bool'"),
        (
            {"facts": [{"id": "gen", "type": "choice", "question": {"en": "a", "zh": "b"}}]},
            "choices",
        ),
        (
            {"facts": [{"id": "purpose", "type": "bool", "question": {"en": "a", "zh": "b"}}]},
            "is of type text everywhere",
        ),
    ],
)
def test_a_wrong_head_is_refused(
    control: Data, pack_data: Data, changes: dict[str, Any], said: str
) -> None:
    assert said in _fault(pack_data(control(), **changes))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"commercial_use": "maybe"}, "'maybe' is no commercial_use"),
        ({"commercial_use": "conditional"}, "belong together"),
        ({"share_alike": "no", "compatible": ["MIT"]}, "`compatible` belongs to a licence"),
        ({"derivatives_when": {"fact": "gen", "is": True}}, "belong together"),
        (
            {"derivatives": "conditional", "derivatives_when": {"fact": "genn", "is": True}},
            "declares no fact 'genn'",
        ),
    ],
)
def test_a_wrong_licence_row_is_refused(
    control: Data, pack_data: Data, row: dict[str, Any], said: str
) -> None:
    right = {
        "id": "MIT", "commercial_use": "yes", "derivatives": "yes", "share_alike": "no",
        "attribution": "yes", "use_restrictions": "no", "note": {"en": "a", "zh": "b"},
    }  # fmt: skip
    parse_pack(json.dumps(pack_data(control(), licences=[right])).encode(), "right.yaml")
    assert said in _fault(pack_data(control(), licences=[{**right, **row}]))
    assert "stands twice in licences" in _fault(
        pack_data(control(), licences=[right, {**right, "id": "mit"}])
    )


def test_all_faults_are_told_at_once_each_with_its_line_and_column() -> None:
    text = (
        b"schema: lextune.pack/v1\n"
        b"id: p\nversion: '1'\ntitles: {en: a, zh: b}\nsource: x\nchecked_on: 2026-11-25\n"
        b"controls:\n"
        b"  - {id: a, citation: c, titles: {en: a, zh: b}, basis: house, status: in_force,\n"
        b"     applies: {fact: nope, is: true},\n"
        b"     effect: requir,\n"
        b"     requires: [{measurement: m, bound: interval, operator: '>', value: .nan, minimum_n: 1},\n"
        b"                {measurement: m, bound: interval, operator: '>', value: -.inf, minimum_n: 1},\n"
        b"                {measurement: m, bound: interval, operator: '>', value: 1e999, minimum_n: 1}],\n"
        b"     severity: block, remedy: {en: a, zh: b}}\n"
        b"  - {id: a, citation: c}\n"
    )
    with pytest.raises(PackError) as caught:
        parse_pack(text, "p.yaml")
    places = [(problem.where, problem.fact) for problem in caught.value.problems]
    assert ("p.yaml:9:16", "the pack declares no fact 'nope'") in places
    assert ("p.yaml:10:6", "'requir' is no effect") in places
    assert [where for where, fact in places if "NaN or infinite" in fact] == [
        "p.yaml:11:66", "p.yaml:12:66", "p.yaml:13:66",
    ]  # fmt: skip
    assert ("p.yaml:15:6", "the id 'a' stands twice in controls") in places
    assert ("p.yaml:15:5", "the key 'effect' is missing") in places
    lines = [int(where.split(":")[1]) for where, _ in places]
    assert lines == sorted(lines)
    assert not any("at least 1 item" in fact for _, fact in places)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"null", b"- a", b"a: [", b"\xff\xfe\x00", b"a: 1\na: 2", b"a: &x 1\nb: *x",
        b"a: !!python/object:os.system x", b"--- 1\n--- 2", b"[" * 3000, b"a: " + b"9" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_pack_is_refused(text: bytes) -> None:
    with pytest.raises(PackError):
        parse_pack(text, "p.yaml")


def test_deep_conditions_are_read_or_refused_but_never_crash(
    control: Data, pack_data: Data
) -> None:
    for depth in (10, 120, 400):
        node: Any = {"fact": "nope", "is": True}
        for _ in range(depth):
            node = {"not": node}
        with pytest.raises(PackError):
            parse_pack(json.dumps(pack_data(control(applies=node))).encode(), "p.yaml")


def test_a_pack_keeps_its_bytes_and_is_frozen(control: Data, pack_data: Data) -> None:
    text = json.dumps(pack_data(control())).encode()
    pack = parse_pack(text, "p.yaml")
    assert pack.text == text
    assert pack.digest == sha256(text)
    with pytest.raises(ValueError, match="frozen"):
        pack.id = "other"


def test_a_pack_is_loaded_by_id_or_by_path(tmp_path: Path, control: Data, pack_data: Data) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(json.dumps(pack_data(control())), encoding="utf-8")
    assert load_pack("house").id == "house"
    assert load_pack(file).id == load_pack(str(file)).id == "trial"


@pytest.mark.parametrize(
    ("source", "said"),
    [("hous", "did you mean 'house'?"), ("/nowhere/x.yaml", "cannot be read"), ("", "use one of")],
)
def test_a_pack_that_is_not_there_is_refused(source: str, said: str) -> None:
    with pytest.raises(PackError) as caught:
        load_pack(source)
    assert said in str(caught.value)


def test_the_shipped_packs_are_listed() -> None:
    assert {"house", "licences"} <= set(pack_ids())
    assert [pack.id for pack in list_packs()] == list(pack_ids())


@pytest.mark.parametrize("pack", list_packs(), ids=lambda pack: pack.id)
def test_a_shipped_pack_speaks_chinese_and_english(pack: Pack) -> None:
    def texts(value: Any) -> list[schema.Text]:
        if isinstance(value, schema.Text):
            return [value]
        if isinstance(value, BaseModel):
            return [
                text for field in type(value).model_fields for text in texts(getattr(value, field))
            ]
        return [text for item in value for text in texts(item)] if isinstance(value, tuple) else []

    found = texts(pack)
    assert len(found) > len(pack.controls)
    for text in found:
        assert any("\u4e00" <= sign <= "\u9fff" for sign in text.zh), text
        assert not any("\u4e00" <= sign <= "\u9fff" for sign in text.en), text


def test_the_json_schema_names_the_keys_as_packs_write_them() -> None:
    published = json.loads(json.dumps(pack_json_schema()))
    assert {"schema", "id", "controls", "facts", "licences"} <= published["properties"].keys()
    assert "from" in published["$defs"]["Control"]["properties"]
    assert published["additionalProperties"] is False


def test_every_part_of_a_pack_can_name_its_keys() -> None:
    parts = {
        part
        for part in schema.Part.__subclasses__()
        if part is not Pack and part.__module__ == schema.__name__
    }
    assert parts == set(pack_problems._MAPPINGS.values())


def test_the_example_of_the_format_document_is_a_pack() -> None:
    document = Path(__file__).parents[2] / "docs" / "policy-packs.md"
    text = document.read_text(encoding="utf-8")
    example = text.split("```yaml\n", 1)[1].split("```", 1)[0]
    assert parse_pack(example.encode(), "example.yaml").id == "my_rules"
    for status in typing.get_args(schema.ControlStatus):
        assert f"`{status}`" in text
    for bound in typing.get_args(schema.Bound):
        assert f"`{bound}`" in text
