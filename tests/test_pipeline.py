"""A config's names are checked before any work, all in one go and each with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lextune import pipeline, pipeline_config
from lextune.cli import main
from lextune.config import RunConfig, load_config
from lextune.errors import ConfigError
from workshop import Workshop

TEXT = """task: sentimant
model: {source: auto}
data: {train: a.csv, format: cvs, quality: {checks: [coverag], screens: [keyword]}}
train: {method: fulll, epochs: 0}
audits: [calibraton]
policy: {packs: [house, hause]}
use: {comercial: false}
"""


def problems(path: Path, *overrides: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        pipeline_config.load_run_config(path, overrides)
    return {one.where.removeprefix(f"{path}:"): str(one) for one in caught.value.problems}


def test_names_that_nothing_has_are_told_in_one_go_with_all_else(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(TEXT)
    found = problems(path)
    assert "there is no task 'sentimant'" in found["1:1"]
    assert "there is no format 'cvs'" in found["3:22"]
    assert "there is no quality_check 'coverag'" in found["3:54"]
    assert "there is no screen 'keyword'" in found["3:74"]
    assert "there is no method 'fulll'" in found["4:9"]
    assert "train.epochs" in found["4:24"]
    assert "there is no audit 'calibraton'" in found["5:10"]
    assert "did you mean 'house'?" in found["6:25"]
    assert "comercial" in found["7:7"]


def test_a_setting_that_the_method_does_not_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    text = (
        "task: sentiment\nmodel: {source: auto}\ndata: {train: a.csv}\ntrain: {layer_decay: 0.8}\n"
    )
    path.write_text(text)
    (told,) = problems(path).values()
    assert "the method full does not read it" in told
    assert "set train.method: layerwise" in told
    for changed in ("train.method=layerwise", "train.layer_decay=0.9"):
        assert pipeline_config.load_run_config(path, [changed])


def test_what_no_card_could_show_and_no_day_allows_is_told_before_any_work(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("task: sentiment\nmodel: {source: auto}\ndata: {train: a.csv}\n")
    (told,) = problems(path, "release.licence=MIT OR (").values()
    assert "no licence expression that can be read" in told
    days = ("data.retention_until=2026-11-27", "policy.as_of=2026-11-28")
    assert "may be kept until 2026-11-27" in problems(path, *days)["data.retention_until"]
    assert pipeline_config.load_run_config(path, [days[0], "policy.as_of=2026-11-27"])


@pytest.mark.parametrize("value", ["5", "true", "{a: b}"])
def test_packs_of_a_wrong_kind_are_a_wrong_config(tmp_path: Path, value: str) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("task: sentiment\nmodel: {source: auto}\ndata: {train: a.csv}\n")
    found = problems(path, f"policy.packs={value}")
    assert list(found) == [f"--set policy.packs={value}"]


def test_a_config_made_in_python_is_checked_when_it_runs(tmp_path: Path) -> None:
    config = RunConfig.model_validate(
        {"task": "sentimant", "model": {"source": "auto"}, "data": {"train": "a.csv"},
         "policy": {"as_of": "2026-11-25"}}
    )  # fmt: skip
    with pytest.raises(ConfigError, match="did you mean 'sentiment'"):
        pipeline.run(config, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_facts_of_a_config_made_in_python_are_checked_too(tmp_path: Path) -> None:
    config = RunConfig.model_validate(
        {"task": "sentiment", "model": {"source": "auto"}, "data": {"train": "a.csv"},
         "policy": {"as_of": "2026-11-25"}, "use": {"comercial": False}}
    )  # fmt: skip
    with pytest.raises(ConfigError, match="did you mean 'commercial'"):
        pipeline.run(config, out=tmp_path / "run")


@pytest.mark.parametrize("day", ["20261125", "2026-W48-3", 20261125])
def test_the_day_to_decide_for_is_written_in_one_way(day: object) -> None:
    with pytest.raises(ConfigError, match="is no date"):
        load_config(
            {"task": "sentiment", "model": {"source": "auto"}, "data": {"train": "a.csv"},
             "policy": {"as_of": day}}
        )  # fmt: skip


def test_data_check_takes_the_options_that_its_remedies_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.csv"
    rows = "".join(f"这部电影第{n}次好看,{'ab'[n % 2]}\n" for n in range(40))
    path.write_bytes(f"text,label\n{rows}".encode("gb18030"))
    assert main(["data", "check", str(path)]) == 2
    assert "set data.encoding" in capsys.readouterr().out
    assert main(["data", "check", str(path), "--set", "data.encoding=gb18030"]) == 0


def test_predict_reads_other_data_as_it_is_told(
    release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.dat"
    path.write_bytes("id;review\n7;a wonderful film\n".encode("utf-16"))
    options: list[Any] = ["--id-column", "id", "--text-column", "review"]
    assert main(["predict", str(release), str(path), *options]) == 2
    capsys.readouterr()
    options += ["--set", "data.format=delimited", "--set", "data.delimiter=;"]
    assert main(["predict", str(release), str(path), *options]) == 0
    assert '"id": "7"' in capsys.readouterr().out


def test_a_missing_secret_is_told_before_a_run_begins(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEXTUNE_REDACTION_SECRET", raising=False)
    config = workshop.config()
    config["data"]["redact"] = {"method": "pseudonym"}
    with pytest.raises(ConfigError, match="LEXTUNE_REDACTION_SECRET is not set"):
        pipeline.run(config, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_setting_that_the_task_does_not_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        "task: sentiment\nmodel: {source: auto}\ndata: {train: a.csv}\n"
        "train: {image_size: 96, augmentation: {mixup_alpha: 0.2}}\n"
    )
    told = problems(path)
    assert "the task sentiment does not read it" in told["4:9"]
    assert "train.augmentation is set" in told["4:25"]
    with pytest.raises(ConfigError, match=r"train\.max_length is set, but the task image_cl"):
        pipeline_config.load_run_config(path, ["task=image_classification", "train.max_length=64"])
