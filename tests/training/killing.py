"""Trains in forked children that are killed at chosen or random moments; prints what the survivor has as JSON.

Run as a script by test_kills.py: torch is imported once, and each child begins from there.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# A child has none of the threads that a tokenizer of its parent left waiting.
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import torch

from bench import Bench
from lextune.errors import EnvironmentProblem
from lextune.training.callbacks import TrainerLog
from lextune.training.privacy import secret

# Noise of a private training is never the same twice: here both trainings begin with one secret.
secret.fresh = lambda: bytes(range(32))

KILL, STOP, FULL, DONE = "killed", "interrupted", "full", "done"


class Slow:
    """Gives whoever kills the time to do so where a step takes no time."""

    def on_start(self, steps: int, done: int) -> None: ...
    def on_epoch(self, epoch: int, figures: dict[str, float]) -> None: ...
    def on_step(self, step: int, figures: dict[str, float]) -> None:
        time.sleep(0.002)


def train(bench: Bench, folder: Path, prepare: Callable[[], None]) -> int:
    """In the child: go on from what is there; the exit code says how it ended."""
    torch.set_num_threads(1)
    try:
        log = [TrainerLog(folder / "log.jsonl"), Slow()]
        trainer = bench.trainer(folder / "checkpoints", log)
        prepare()
        bench.run(trainer, resume=True)
    except KeyboardInterrupt:
        return 130
    except EnvironmentProblem as error:
        return 28 if "no space left" in str(error) else 1
    state = trainer.model.state_dict()
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode() + state[name].numpy().tobytes())
    (folder / "digest").write_text(digest.hexdigest())
    return 0


def child(
    bench: Bench, folder: Path, prepare: Callable[[], None] = lambda: None,
    end: tuple[int, float, signal.Signals] | None = None,
) -> str:  # fmt: skip
    """One attempt, perhaps ended from outside: so many seconds after a step stands in the log."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = train(bench, folder, prepare)
        finally:
            os._exit(code)
    if end is not None:
        step, seconds, number = end
        while not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            log = folder / "log.jsonl"
            if log.exists() and f'"step": {step},' in log.read_text():
                break
            time.sleep(0.001)
        time.sleep(seconds)
        os.kill(pid, number)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return KILL
    return {0: DONE, 28: FULL, 130: STOP}[os.WEXITSTATUS(status)]


def kill_at(nth: int) -> Callable[[], None]:
    """The child kills itself just before its nth change of the file system."""

    def prepare() -> None:
        left = iter(range(nth - 1, -1, -1))

        def wrap(real: Callable[..., object]) -> Callable[..., object]:
            def call(*arguments: object, **named: object) -> object:
                if next(left, -1) == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **named)

            return call

        for name in ("rename", "replace", "mkdir", "unlink", "rmdir", "fsync"):
            setattr(os, name, wrap(getattr(os, name)))

    return prepare


def limit_files(size: int) -> Callable[[], None]:
    """No file of the child may grow beyond so many bytes."""

    def prepare() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return prepare


def until_done(attempt: Callable[[], str], most: int) -> list[str]:
    """Attempts until one ends by itself."""
    ends: list[str] = []
    while len(ends) < most and DONE not in ends:
        ends.append(attempt())
    return ends


def result(folder: Path, ends: list[str]) -> dict[str, Any]:
    """How the attempts ended, the digest of the weights, and the log."""
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return {
        "ends": ends,
        "digest": (folder / "digest").read_text(),
        "steps": [one["step"] for one in log if one["event"] == "step"],
        "losses": [one["loss"] for one in log if one["event"] == "step"],
        "epochs": [one["epoch"] for one in log if one["event"] == "epoch"],
        "left": sorted(os.listdir(folder / "checkpoints")),
    }


def main(root: Path, kind: str, settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The unbroken run, and the one that was disturbed in the asked way."""
    bench = Bench.make(root)
    bench.settings = {"save_steps": 2, **settings}
    bench.trainer(root / "warm")  # what a method imports is imported once
    folder, whole = root / "disturbed", root / "unbroken"
    folder.mkdir()
    whole.mkdir()
    unbroken = result(whole, [child(bench, whole)])
    draw = random.Random(11)
    if kind == "random":
        ends = [
            child(bench, folder, end=(step, draw.random() / 50, signal.SIGKILL))
            for step in sorted(draw.sample(range(2, unbroken["steps"][-1] - 3), 5))
        ]
    elif kind == "files":
        ends = until_done(lambda: child(bench, folder, kill_at(draw.randint(1, 55))), most=200)
    elif kind == "full":
        ends = [child(bench, folder, kill_at(120)), child(bench, folder, limit_files(150_000))]
    else:
        ends = [child(bench, folder, end=(step, 0.0, signal.SIGINT)) for step in (7, 19)]
    if DONE not in ends:
        ends.append(child(bench, folder))
    return {"unbroken": unbroken, "disturbed": result(folder, ends)}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]))))
