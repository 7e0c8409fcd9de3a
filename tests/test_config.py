"""A run's config: strict, typed, every fault in one go with its place, and the same after a round trip."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.config import ALIASES, RunConfig, json_schema, load_config
from lextune.errors import ConfigError, Problem
from lextune.pipeline_config import load_run_config
from lextune.strict_yaml import Document

SMALL = "task: sentiment\nmodel: {source: a/b}\ndata: {train: x.csv}\n"


def plain(**changes: Any) -> dict[str, Any]:
    return {"task": "sentiment", "model": {"source": "a/b"}, "data": {"train": "x.csv"}, **changes}


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def _write(text: str) -> str:
        (tmp_path / "run.yaml").write_text(text, encoding="utf-8")
        return str(tmp_path / "run.yaml")

    return _write


def problems(source: Any, overrides: tuple[str, ...] = ()) -> dict[str, Problem]:
    """By place, without the folder."""
    with pytest.raises(ConfigError) as caught:
        load_config(source, overrides)
    assert all(one.remedy for one in caught.value.problems)
    return {one.where.rpartition("/")[2]: one for one in caught.value.problems}


def test_three_keys_are_enough_and_the_rest_has_defaults(write: Any) -> None:
    config = load_config(write(SMALL))
    assert config.data.train == ("x.csv",)
    assert config.train.learning_rate == 2e-5
    assert config.train.epochs == 3
    assert config.data.split.seed == 42
    assert config.audits == ("calibration", "group_fairness")
    assert config.policy.packs == ("house", "licences")


def test_json_and_a_mapping_give_the_same_config(write: Any, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps(plain()))
    assert load_config(write(SMALL)) == load_config(tmp_path / "run.json") == load_config(plain())
    paths = plain(data={"train": Path("x.csv")}, policy={"as_of": datetime.date(2026, 11, 25)})
    assert load_config(paths).policy.as_of == datetime.date(2026, 11, 25)


def test_numbers_and_words_are_what_they_look_like(write: Any) -> None:
    text = SMALL + "train: {learning_rate: 1e-5, weight_decay: 0}\nuse: {places: [NO, CN]}\n"
    config = load_config(write(text))
    assert config.train.learning_rate == 1e-5
    assert config.train.weight_decay == 0.0
    assert config.use == {"places": ["NO", "CN"]}


def test_every_fault_is_reported_in_one_go_with_its_place(write: Any) -> None:
    text = (
        "taks: sentiment\n"
        "model: {source: '', revision: main}\n"
        "data:\n"
        "  train: []\n"
        "  where: {source: 1}\n"
        "  leakage: reprot\n"
        "train:\n"
        "  learning_rate: .nan\n"
        "  weight_decay: .inf\n"
        "  epochs: true\n"
        "  batch_size: 2.0\n"
        "  seed: -1\n"
        "  dropout: 1\n"
        "  lr_scheduler_type: linaer\n"
        "release: {version: 1.0}\n"
        "policy: {as_of: yesterday}\n"
    )
    found = problems(write(text))
    assert set(found) == {
        "run.yaml:1:1", "run.yaml:2:9", "run.yaml:2:21", "run.yaml:4:3", "run.yaml:5:11",
        "run.yaml:6:3", *(f"run.yaml:{line}:3" for line in range(8, 15)),
        "run.yaml:15:11", "run.yaml:16:10",
    }  # fmt: skip
    assert found["run.yaml:6:3"].remedy == "did you mean 'report'?"
    assert found["run.yaml:14:3"].remedy == "did you mean 'linear'?"
    assert "not a finite number" in found["run.yaml:8:3"].fact
    assert "YYYY-MM-DD" in found["run.yaml:16:10"].remedy


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("trian: {}", "did you mean 'train'?"),
        ("train: {learning_rte: 1}", "did you mean 'learning_rate'?"),
        ("train: {batchsize: 1}", "did you mean 'batch_size'?"),
        ("evaluation: {bootstrap: 1}", "did you mean 'bootstrap_samples'?"),
        ("release: {zzz: MIT}", "use one of name, version, licence, or remove it"),
    ],
)
def test_an_unknown_key_suggests_the_nearest(write: Any, text: str, remedy: str) -> None:
    found = problems(write(SMALL + text + "\n"))
    assert [one.remedy for one in found.values()] == [remedy]


@pytest.mark.parametrize("section", ["train", "evaluation", "use", "policy", "release"])
@pytest.mark.parametrize("value", ["", "null", "7", "word", "[]"])
def test_a_section_that_is_no_mapping_is_refused_where_it_stands(
    write: Any, section: str, value: str
) -> None:
    found = problems(write(f"{SMALL}{section}: {value}\n"))
    assert list(found) == ["run.yaml:4:1"]
    assert "is a section of keys" in found["run.yaml:4:1"].fact


@pytest.mark.parametrize(
    "change",
    [
        {"train": {"epochs": True}},
        {"train": {"epochs": 3.0}},
        {"train": {"epochs": "3"}},
        {"train": {"epochs": 0}},
        {"train": {"epochs": 10**30}},
        {"train": {"seed": 2**32}},
        {"train": {"learning_rate": True}},
        {"train": {"learning_rate": "1e-5"}},
        {"train": {"learning_rate": 0}},
        {"train": {"learning_rate": float("nan")}},
        {"train": {"learning_rate": float("inf")}},
        {"train": {"warmup_ratio": 1.0}},
        {"train": {"max_length": 4}},
        {"train": {"precision": "fp16"}},
        {"train": {"layer_decay": 0.0}},
        {"train": {"layer_decay": 1.1}},
        {"train": {"gradient_accumulation_steps": 0}},
        {"train": {"label_smoothing_factor": 1.0}},
        {"train": {"class_weights": "balance"}},
        {"train": {"lora_r": 0}},
        {"train": {"lora_alpha": 0}},
        {"train": {"lora_dropout": 1.0}},
        {"train": {"lora_target_modules": []}},
        {"train": {"ema_decay": 1.0}},
        {"train": {"ema_decay": 0.0}},
        {"train": {"gradient_checkpointing": 1}},
        {"train": {"class_weights": {}}},
        {"train": {"class_weights": {"spam": 0}}},
        {"train": {"class_weights": {"spam": float("inf")}}},
        {"train": {"class_weights": {"spam": "2"}}},
        {"data": {"train": "x", "split": {"test": 0}}},
        {"data": {"train": "x", "split": {"test": 1.0}}},
        {"data": {"train": "x", "split": {"test": True}}},
        {"data": {"train": None}},
        {"data": {"train": ["x", None]}},
        {"data": {"train": "x", "delimiter": ""}},
        {"data": {"train": "x", "sha256": {"a": "0" * 63}}},
        {"data": {"train": "x", "sha256": {"a": "G" * 64}}},
        {"data": {"train": "x", "sample": 0}},
        {"model": {"source": "a/b", "revision": "main"}},
        {"model": {"source": "a/b", "revision": "a" * 40 + "\n"}},
        {"release": {"name": "../evil"}},
        {"release": {"name": ".hidden"}},
        {"release": {"name": "a/b"}},
        {"release": {"name": "a\n"}},
        {"release": {"version": "1.0"}},
        {"evaluation": {"bootstrap_samples": 199}},
        {"evaluation": {"bootstrap_samples": 10**9}},
        {"policy": {"as_of": 20261125}},
        {"task": 3},
        {"task": None},
    ],
)
def test_a_value_of_another_kind_or_out_of_range_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(plain(**change))
    assert caught.value.exit_code == 2


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    for source in (tmp_path / "gone.yaml", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            load_config(source)


@pytest.mark.parametrize("text", ["", "- a\n", "word\n"])
def test_a_file_without_keys_is_refused_with_its_overrides(write: Any, text: str) -> None:
    with pytest.raises(ConfigError):
        load_config(write(text), ["task=sentiment"])


@pytest.mark.parametrize(
    ("override", "check"),
    [
        ("train.learning_rate=1e-5", lambda c: c.train.learning_rate == 1e-5),
        ("train.epochs=010", lambda c: c.train.epochs == 10),
        ("data.train=[a.csv, b.csv]", lambda c: c.data.train == ("a.csv", "b.csv")),
        ("data.test=t=1.csv", lambda c: c.data.test == ("t=1.csv",)),
        ("data.test=", lambda c: c.data.test is None),
        ("data.columns.text=review", lambda c: c.data.columns.text == "review"),
        ("use.commercial=true", lambda c: c.use == {"commercial": True}),
        ("use.places=[NO]", lambda c: c.use == {"places": ["NO"]}),
        ("release={name: n}", lambda c: c.release.name == "n"),
        ("train.lr=3e-4", lambda c: c.train.learning_rate == 3e-4),
        ("params.lr=3e-4", lambda c: c.train.learning_rate == 3e-4),
    ],
)
def test_set_changes_one_value(write: Any, override: str, check: Any) -> None:
    assert check(load_config(write(SMALL), [override]))


@pytest.mark.parametrize(
    "override", ["epochs", "=1", "train..epochs=1", "train.=1", "a b=1", "1a=2"]
)
def test_a_set_that_is_no_assignment_is_named(write: Any, override: str) -> None:
    found = problems(write(SMALL), (override,))
    assert found[f"--set {override}"].fact == "this is not KEY=VALUE"


def test_bad_sets_and_bad_keys_are_reported_together_with_their_origin(write: Any) -> None:
    sets = ("epochs", "train.epochs=[", "train.lr=abc", "train.batch_size=x", "trian.epochs=1")
    found = problems(write(SMALL + "train: {seed: x}\n"), sets)
    assert set(found) >= {
        "--set epochs", "--set train.lr=abc", "--set train.batch_size=x", "run.yaml:4:9",
    }  # fmt: skip
    assert any(place.startswith("--set train.epochs=[") for place in found)
    assert any("trian" in one.fact and "'train'" in one.remedy for one in found.values())


def test_a_set_section_hides_the_places_of_the_file(write: Any) -> None:
    text = SMALL + "train:\n  epochs: 1\n"
    found = problems(write(text), ("train.epochs=x", "train={epochs: y}"))
    assert list(found) == ["--set train={epochs: y}"]


def test_later_sets_win(write: Any) -> None:
    config = load_config(write(SMALL), ["train.epochs=1", "train.epochs=2"])
    assert config.train.epochs == 2


@pytest.mark.parametrize(("old", "new"), ALIASES.items())
def test_every_alias_is_read_and_told(old: tuple[str, ...], new: tuple[str, ...]) -> None:
    values: dict[tuple[str, ...], Any] = {
        ("data", "train"): "y.csv", ("data", "test"): "y.csv", ("data", "validation"): "y.csv",
        ("data", "columns"): {"text": "t"}, ("data", "columns", "text"): "t",
        ("data", "columns", "label"): "l", ("data", "licence"): "MIT", ("model", "licence"): "MIT",
        ("release", "licence"): "MIT",
        ("model", "source"): "c/d", ("train",): {"epochs": 7}, ("train", "learning_rate"): 0.5,
        ("train", "epochs"): 7, ("train", "batch_size"): 7, ("train", "max_length"): 70,
        ("train", "lr_scheduler_type"): "cosine", ("train", "gradient_accumulation_steps"): 7,
        ("train", "lora_target_modules"): "value",
        ("train", "label_smoothing_factor"): 0.5, ("train", "gradient_checkpointing"): True,
    }  # fmt: skip
    expected, given_ = plain(), plain()
    for tree, path in ((expected, new), (given_, old)):
        node: dict[str, Any] = tree
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = values[new]
    if old != ("params",) and new[-1] in given_.get(new[0], {}):
        del given_[new[0]][new[-1]]
    told: list[str] = []
    assert load_config(given_, notify=told.append) == load_config(expected)
    assert told == [f"{'.'.join(old)} is read as {'.'.join(new)}"]


def test_an_alias_beside_the_real_name_is_refused(write: Any) -> None:
    found = problems(write(SMALL + "train:\n  lr: 1\n  learning_rate: 2\n"))
    assert list(found) == ["run.yaml:5:3"]


def test_a_fault_under_an_alias_is_placed_where_it_was_written(write: Any) -> None:
    found = problems(write(SMALL + "params:\n  num_train_epochs: many\n"))
    assert list(found) == ["run.yaml:5:3"]


def test_further_checks_report_in_the_same_go(write: Any) -> None:
    def check(document: Document) -> list[Problem]:
        return [Problem("the fact is odd", "mend it", where=document.where(("use", "x")))]

    with pytest.raises(ConfigError) as caught:
        load_config(write(SMALL + "use: {x: 1}\ntrain: {epochs: x}\n"), check=check)
    assert len(caught.value.problems) == 2
    with pytest.raises(ConfigError, match="odd"):
        load_config(write(SMALL), check=check)


CONFIGS = st.fixed_dictionaries(
    {"task": st.just("sentiment"), "model": st.just({"source": "a/b"})},
    optional={
        "train": st.fixed_dictionaries(
            {},
            optional={
                "epochs": st.integers(1, 2**31 - 1),
                "learning_rate": st.floats(1e-300, 1e300),
                "dropout": st.none() | st.floats(0, 0.99),
                "seed": st.integers(0, 2**32 - 1),
                "precision": st.sampled_from(["auto", "fp32", "bf16"]),
            },
        ),
        "use": st.dictionaries(
            st.text(max_size=5), st.none() | st.booleans() | st.text(max_size=5)
        ),
        "audits": st.lists(st.text(min_size=1, max_size=5), max_size=3),
        "policy": st.fixed_dictionaries(
            {}, optional={"as_of": st.none() | st.dates().map(str), "packs": st.just("house")}
        ),
    },
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    CONFIGS, st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=3) | st.just("a.csv")
)
def test_a_config_is_the_same_after_a_round_trip(tree: dict[str, Any], train: Any) -> None:
    tree = {**tree, "data": {"train": train}}
    jsonschema.validate(tree, json_schema())
    config = load_config(tree)
    dumped = config.model_dump(mode="json")
    jsonschema.validate(dumped, json_schema())
    assert load_config(json.loads(json.dumps(dumped))) == config
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    "tree",
    [
        plain(train={"epochs": "x"}),
        plain(trian={}),
        plain(train={"epochs": 0}),
        plain(data={}),
        plain(release={"name": "../x"}),
        {"task": "sentiment"},
    ],
)
def test_the_published_schema_refuses_what_the_config_refuses(tree: dict[str, Any]) -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tree, schema)
    with pytest.raises(ConfigError):
        load_config(tree)


def test_every_field_says_what_it_is_for() -> None:
    schema = json_schema()
    for name, part in {**schema["$defs"], "RunConfig": schema}.items():
        for key, field in part["properties"].items():
            said = field.get("description") or "$ref" in field or "enum" in field
            assert said, f"{name}.{key}"


def test_a_config_cannot_be_changed() -> None:
    config = load_config(plain())
    with pytest.raises(ValueError, match="frozen"):
        config.task = "ner"  # type: ignore[misc]


def test_a_set_on_another_tools_name_is_a_set_on_ours(write: Any) -> None:
    text = "task: sentiment\nmodel: {source: a/b}\ndata: {path: a.csv}\nparams: {lr: 1e-4}\n"
    config = load_config(write(text), ["data.train=b.csv", "train.learning_rate=1e-3"])
    assert config.data.train == ("b.csv",)
    assert config.train.learning_rate == 1e-3
    assert load_config(write(text), ["data.path=c.csv"]).data.train == ("c.csv",)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("data.labels.0=neg", {"labels": {"0": "neg"}}),
        ("data.train=reviews #2.csv", {"train": ("reviews #2.csv",)}),
        ("data.delimiter=|", {"delimiter": "|"}),
    ],
)
def test_a_set_takes_what_stands_there(write: Any, override: str, expected: dict[str, Any]) -> None:
    data = load_config(write(SMALL), [override]).data
    assert {name: getattr(data, name) for name in expected} == expected


def test_a_set_below_what_is_no_section_is_told_as_its_own(write: Any) -> None:
    assert list(problems(write(SMALL), ("audits.x=1",))) == ["--set audits.x=1"]


@pytest.mark.parametrize("change", [{"data": {"train": ""}}, {"policy": {"packs": []}}])
def test_an_empty_path_or_list_is_no_choice(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="at least"):
        load_config(plain(**change))


AUDITED = {
    "task": "sentiment",
    "model": {"source": "somewhere"},
    "data": {"train": "rows.csv"},
    "policy": {"packs": ["house"]},
}


@pytest.mark.parametrize(
    ("given", "fact"),
    [
        ({"calibrashun": {}}, "no audit 'calibrashun'"),
        ({"group_fairness": {"binz": 3}}, "audit_parameters.group_fairness: unknown key 'binz'"),
        ({"group_fairness": 3}, "audit_parameters.group_fairness"),
        ({"generalisation": {"production": "nowhere.csv"}}, "nowhere.csv is not there"),
        ({"counterfactual": {"suites": {"mine": "no.tsv"}}}, "no.tsv is not there"),
    ],
)
def test_parameters_that_no_audit_takes_are_refused(given: Any, fact: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_run_config({**AUDITED, "audit_parameters": given})
    assert any(fact in one.fact for one in caught.value.problems)


def test_a_run_makes_the_audits_whose_figures_its_packs_ask_for(tmp_path: Path) -> None:
    """And no audit whose control applies to nobody here."""
    control = """
  - id: {name}
    citation: House rule; no law sets this bound
    titles: {{en: A title, zh: 标题}}
    basis: house
    status: in_force
    applies: {{fact: task, is: {task}}}
    effect: require
    requires: [{{measurement: {measurement}, bound: interval, operator: "<=", value: 1, minimum_n: 1}}]
    severity: warn
    remedy: {{en: A remedy., zh: 措施。}}"""
    opening = (
        'schema: lextune.pack/v1\nid: ours\nversion: "1"\ntitles: {en: Ours, zh: 我方}\nsource: ours\nchecked_on: 2026-11-25\n'
        "controls:"
    )
    pack = tmp_path / "ours.yaml"
    pack.write_text(
        opening
        + control.format(name="sure", task="sentiment", measurement="overconfidence")
        + control.format(name="rows", task="ner", measurement="rows_without_group.g"),
        encoding="utf-8",
    )
    config = load_run_config({**AUDITED, "audits": [], "policy": {"packs": [str(pack)]}})
    assert config.audits == ("calibration",)
