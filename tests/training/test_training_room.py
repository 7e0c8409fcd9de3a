"""The training room records what it really did, and a run's folder that a kill left half made is gone on with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import lextune
import tiny
from lextune.errors import ConfigError, ModelError
from lextune.listener import Listener
from lextune.training.methods.base import Method, ParameterGroup, decayed_groups, methods


class Heard(Listener):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def tell(self, text: str) -> None:
        self.told.append(text)


@pytest.fixture
def config(bert: Path, tmp_path: Path) -> dict[str, Any]:
    """One epoch on few reviews."""
    data = tiny.write_reviews(tmp_path / "reviews.csv", 1000)
    config = tiny.tiny_config(bert, data)
    config["train"] |= {"epochs": 1}
    return config


def changed(bert: Path, folder: Path, **values: Any) -> Path:
    """The tiny encoder with other values in config.json."""
    folder.mkdir()
    for path in bert.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    known = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(known | values))
    return folder


def test_a_max_length_beyond_the_positions_is_told_and_the_real_one_recorded(
    config: dict[str, Any], tmp_path: Path
) -> None:
    config["train"] |= {"max_length": 512}
    heard = Heard()
    run = lextune.run(config, out=tmp_path / "run", listener=heard)
    assert any("512" in one and "64 tokens" in one for one in heard.told)
    assert run.trained is not None
    assert run.trained.parameters["max_length"] == 64
    assert run.trained.parameters["head_redrawn"] is False
    info = json.loads((tmp_path / "run" / "model" / "lextune.json").read_text())
    assert info["max_length"] == 64


def test_a_head_drawn_too_wide_is_told_and_the_run_starts_as_a_blind_guess(
    config: dict[str, Any], bert: Path, tmp_path: Path
) -> None:
    config["model"]["source"] = str(changed(bert, tmp_path / "wide", initializer_range=1.0))
    heard = Heard()
    run = lextune.run(config, out=tmp_path / "run", listener=heard)
    assert any("drawn too wide" in one for one in heard.told)
    assert run.trained is not None
    assert run.trained.parameters["head_redrawn"] is True
    (first,) = [one for one in run.trained.measurements if one.name == "first_training_loss"]
    assert first.value == pytest.approx(0.693, abs=0.2)


def test_a_model_that_fits_nothing_is_a_fault_of_the_model_before_training(
    config: dict[str, Any], bert: Path, tmp_path: Path
) -> None:
    config["model"]["source"] = str(changed(bert, tmp_path / "odd", hidden_act="none"))
    with pytest.raises(ModelError):
        lextune.run(config, out=tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_weight_of_a_class_that_there_is_not_is_told_before_training(
    config: dict[str, Any], tmp_path: Path
) -> None:
    config["train"] |= {"class_weights": {"positve": 2.0}}
    with pytest.raises(ConfigError, match="did you mean 'positive'"):
        lextune.run(config, out=tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'"x"', b"3", b"\xff"])
def test_a_damaged_marker_of_a_run_is_a_clear_error(
    config: dict[str, Any], tmp_path: Path, content: bytes
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_bytes(content)
    with pytest.raises(ConfigError, match=r"run\.json is damaged") as caught:
        lextune.run(config, out=folder, resume=True)
    assert "--out" in caught.value.problems[0].remedy


def other_file(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")


@pytest.mark.parametrize("spoil", [None, other_file])
def test_a_marker_that_a_kill_left_half_written_is_no_other_file(
    config: dict[str, Any], tmp_path: Path, spoil: Callable[[Path], None] | None
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / ".run.json.4711.tmp").write_bytes(b'{"ru')
    if spoil is not None:
        spoil(folder)
        with pytest.raises(ConfigError, match="holds other files"):
            lextune.run(config, out=folder, resume=True)
        assert (folder / "notes.txt").exists()
        return
    assert lextune.run(config, out=folder, resume=True).trained is not None
    assert json.loads((folder / "run.json").read_text())["run"]
    assert not (folder / ".run.json.4711.tmp").exists()


@pytest.mark.parametrize("broken", [False, True])
def test_a_method_that_trains_the_head_alone_is_watched_by_its_head(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    class Narrow(Method):
        def prepare(self, model: torch.nn.Module) -> list[ParameterGroup]:
            for name, parameter in model.named_parameters():
                parameter.requires_grad_(name.startswith("classifier."))
            trained = [one for one in model.parameters() if one.requires_grad]
            if broken:  # the optimiser moves copies, as when a model is moved after it was made
                trained = [torch.nn.Parameter(one.detach().clone()) for one in trained]
            return decayed_groups(trained, self.config.weight_decay)

    monkeypatch.setitem(methods._items, "narrow", Narrow)
    config["train"] |= {"method": "narrow", "learning_rate": 1e-2}
    run = lextune.run(config, out=tmp_path / "run")
    assert run.trained is not None
    measured = {one.name: one for one in run.trained.measurements}
    assert measured["changed_weight_tensors"].n == 2  # its weight and its bias
    assert measured["changed_weight_tensors"].value == (0 if broken else 2)
    status = {one.control: one.status for one in run.verdict.controls}
    assert status["weights_changed"] == ("fail" if broken else "pass")


def test_tokens_are_kept_for_a_resume_and_gone_when_the_run_is_finished(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(Heard):
        def bar(self, label: str, total: int, done: int = 0) -> Callable[[int], None]:
            if label == "train":
                raise KeyboardInterrupt
            return super().bar(label, total, done)

    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        lextune.run(config, out=out, listener=Stopped())
    assert len(list((out / "tokens").iterdir())) == 2  # train and validation
    half = out / ".verdict.json.4711.tmp"  # of a process that was killed
    half.write_bytes(b"half")

    def never(*_: object, **__: object) -> None:
        raise AssertionError("tokenised again")

    with monkeypatch.context() as patched:
        patched.setattr("lextune.tasks.text.tokens.open_atomic", never)
        run = lextune.run(config, out=out, resume=True)
    assert not half.exists()
    assert run.trained is not None
    assert not (out / "tokens").exists()


def test_baselines_of_many_rows_say_how_many_they_learnt_from(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lextune.evaluation.baselines.MOST_ROWS", 100)
    run = lextune.run(config, out=tmp_path / "run")
    assert run.evaluation is not None
    assert run.trained is not None
    (rows,) = (one.n for one in run.trained.measurements if one.name == "truncated_train_rows")
    for found in run.evaluation.baselines.values():
        learnt = next(one for one in found if one.name == "training_rows")
        assert (learnt.value, learnt.n) == (100, rows)


def test_a_private_training_states_what_it_spent_and_no_loss_of_single_rows(
    config: dict[str, Any], tmp_path: Path
) -> None:
    config["train"] |= {"method": "dp_sgd", "noise_multiplier": 2.0}
    run = lextune.run(config, out=tmp_path / "run", listener=Heard())
    assert run.trained is not None
    spent = run.trained.privacy
    assert spent is not None
    found = {one.name: one for one in run.trained.measurements}
    assert found["privacy_epsilon"].value == spent["epsilon"] > 0
    assert found["privacy_epsilon"].n == spent["rows"]
    assert found["privacy_delta"].value == spent["delta"] < 1 / spent["rows"]
    assert found["changed_weight_tensors"].value == found["changed_weight_tensors"].n > 0
    assert "first_training_loss" not in found
    config["train"] |= {"target_delta": 0.1}
    with pytest.raises(ConfigError, match=r"train\.target_delta"):
        lextune.run(config, out=tmp_path / "other", listener=Heard())
