"""A run that is killed, at any moment and however often, ends with the bytes of the unbroken one."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lextune.cli import main

if TYPE_CHECKING:
    from workshop import Workshop

COMMAND = [sys.executable, "-c", "from lextune.cli import main; main()"]


def write_config(workshop: Workshop, folder: Path, **train: object) -> Path:
    """A config whose training saves often, with dropout, so that the random state matters."""
    settings = {"epochs": 3, "save_steps": 4, "dropout": 0.1, "early_stopping_patience": 3, **train}
    path = folder / "config.json"
    path.write_text(json.dumps(workshop.config(train=settings)))
    return path


def weights(out: Path) -> bytes:
    """The trained weights of a finished run."""
    return (out / "model" / "model.safetensors").read_bytes()


@pytest.fixture
def unbroken(workshop: Workshop, tmp_path: Path) -> tuple[Path, Path]:
    """The config, and the folder of a run that nobody disturbed."""
    config = write_config(workshop, tmp_path)
    assert main(["run", str(config), "--out", str(tmp_path / "unbroken")]) == 0
    return config, tmp_path / "unbroken"


def lines_of(out: Path) -> list[dict[str, float]]:
    """The step lines of the training log."""
    log = out / "trainer_log.jsonl"
    found = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [line for line in found if line["event"] == "step"]


def wait_for_step(out: Path, step: int, process: subprocess.Popen[bytes]) -> None:
    """Until the log shows that step, or the process ends."""
    log = out / "trainer_log.jsonl"
    deadline = time.monotonic() + 180  # a busy machine may take long to begin
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return
        if log.exists() and log.read_bytes().count(b'"event": "step"') >= step:
            return
        time.sleep(0.005)
    raise AssertionError(f"step {step} never came")


@pytest.mark.slow
def test_killed_three_times_it_ends_with_the_same_weights(
    unbroken: tuple[Path, Path], tmp_path: Path
) -> None:
    config, whole = unbroken
    out, draw = tmp_path / "killed", random.Random(3)
    total = len(lines_of(whole))
    kills = 0
    for step in sorted(draw.sample(range(2, total - 2), 3)):
        arguments = ["run", str(config), "--out", str(out), "--resume"]
        with subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.DEVNULL) as process:
            wait_for_step(out, step, process)
            time.sleep(draw.random() / 50)  # anywhere: inside a step, or inside a checkpoint
            process.kill()
        kills += process.returncode == -signal.SIGKILL
    assert kills >= 2
    assert not list(out.glob("release/*"))
    assert main(["run", str(config), "--out", str(out), "--resume"]) == 0
    assert weights(out) == weights(whole)
    # every step stands once in the log, with the loss and the rate of the unbroken run
    assert lines_of(out) == lines_of(whole)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_polite_signal_saves_and_the_rest_follows(
    unbroken: tuple[Path, Path], tmp_path: Path, number: signal.Signals
) -> None:
    config, whole = unbroken
    out = tmp_path / "stopped"
    arguments = ["run", str(config), "--out", str(out)]
    with subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.PIPE) as process:
        wait_for_step(out, 6, process)
        os.kill(process.pid, number)
        _, told = process.communicate()
    assert process.returncode == 130
    assert b"--resume" in told
    done = len(lines_of(out))
    saved = sorted((out / "checkpoints").glob("step-*"))[-1]
    assert int(saved.name.removeprefix("step-")) == done
    assert main(["run", str(config), "--out", str(out)]) == 2  # not without --resume
    assert main(["run", str(config), "--out", str(out), "--resume"]) == 0
    assert weights(out) == weights(whole)
    assert lines_of(out) == lines_of(whole)


@pytest.mark.parametrize("epoch_end", [True, False])
def test_stopped_between_or_inside_epochs_the_rows_come_in_the_same_order(
    unbroken: tuple[Path, Path], workshop: Workshop, tmp_path: Path, epoch_end: bool
) -> None:
    config, whole = unbroken
    steps = len(lines_of(whole))
    stop = steps // 3 if epoch_end else steps // 3 + 5
    out = tmp_path / "stopped"
    from lextune.training.loop import Trainer

    step = Trainer._step

    def interrupt(self: Trainer, *arguments: object) -> None:
        if self.progress.step == stop:
            self.checkpoints.save(self.model, self.optimizer, self.progress)
            raise KeyboardInterrupt
        step(self, *arguments)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "_step", interrupt)
        assert main(["run", str(config), "--out", str(out)]) == 130
    assert main(["run", str(config), "--out", str(out), "--resume"]) == 0
    assert weights(out) == weights(whole)


def test_a_checkpoint_of_another_config_is_refused(
    unbroken: tuple[Path, Path], workshop: Workshop, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    _, whole = unbroken
    (whole / "release" / "tiny-1.2.3").rename(tmp_path / "elsewhere")
    config = write_config(workshop, tmp_path, learning_rate=1e-3)
    assert main(["run", str(config), "--out", str(whole), "--resume"]) == 2
    assert "belongs to another config" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_refused(
    unbroken: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, whole = unbroken
    (whole / "release" / "tiny-1.2.3").rename(tmp_path / "elsewhere")
    newest = sorted((whole / "checkpoints").glob("step-*"))[-1]
    data = bytearray((newest / "optimizer.safetensors").read_bytes())
    data[-1] ^= 1
    (newest / "optimizer.safetensors").write_bytes(data)
    assert main(["run", str(config), "--out", str(whole), "--resume"]) == 2
    assert "is damaged" in capsys.readouterr().err


def test_the_same_config_gives_the_same_weights(
    unbroken: tuple[Path, Path], tmp_path: Path
) -> None:
    config, whole = unbroken
    assert main(["run", str(config), "--out", str(tmp_path / "again")]) == 0
    assert weights(tmp_path / "again") == weights(whole)


@pytest.mark.slow
@pytest.mark.parametrize(
    "place",
    [
        "pipeline._Job._measured",
        "pipeline_audits.run_audit",
        "release.decide_dossier",
        "release.sign_release",
        "release.verify_release",
    ],
)
def test_killed_in_a_later_room_it_releases_after_resume(
    unbroken: tuple[Path, Path], tmp_path: Path, place: str
) -> None:
    config, whole = unbroken
    out = tmp_path / "killed"
    code = (
        "import os, lextune.pipeline, lextune.pipeline_audits, lextune.release; from lextune.cli import main\n"
        f"lextune.{place} = lambda *a, **k: os.kill(os.getpid(), 9)\nmain()"
    )
    arguments = ["run", str(config), "--out", str(out)]
    killed = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert not (out / "release" / "tiny-1.2.3").exists()
    assert main([*arguments, "--resume"]) == 0
    assert weights(out) == weights(whole)
    assert [path.name for path in (out / "release").iterdir()] == ["tiny-1.2.3"]
    assert main(["verify", str(out / "release" / "tiny-1.2.3")]) == 0


@pytest.mark.slow
def test_a_polite_signal_in_a_later_room_ends_as_interrupted(
    unbroken: tuple[Path, Path], tmp_path: Path
) -> None:
    config, _ = unbroken
    out = tmp_path / "stopped"
    code = (
        "import os, signal, time, lextune.pipeline_audits; from lextune.cli import main\n"
        "def stop(*_):\n    os.kill(os.getpid(), signal.SIGTERM)\n    time.sleep(60)\n"
        "lextune.pipeline_audits.run_audit = stop\nmain()"
    )
    arguments = ["run", str(config), "--out", str(out)]
    stopped = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, check=False
    )
    assert stopped.returncode == 130
    assert main(["runs", "show", json.loads((out / "run.json").read_text())["run"], "--json"]) == 0
    assert main([*arguments, "--resume"]) == 0
