"""A checkpoint is whole or not there, holds all that the next step depends on, and is checked before use."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lextune.errors import DataError, EnvironmentProblem
from lextune.training.checkpoints import Checkpoints, Progress


class Small:
    """A model with dropout and an optimiser, one step at a time."""

    def __init__(self, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.model = torch.nn.Sequential(
            torch.nn.Linear(4, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 2)
        )
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.1, fused=True)

    def step(self) -> None:
        loss = self.model(torch.rand(3, 4)).square().sum()
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()

    def state(self) -> list[torch.Tensor]:
        return [one.detach().clone() for one in self.model.parameters()]


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Checkpoints, Small, Progress]:
    """Two steps done, a checkpoint after each."""
    small, progress = Small(), Progress("mine", "fp32")
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    for _ in range(2):
        small.step()
        progress.step += 1
        checkpoints.save(small.model, small.optimizer, progress)
    return checkpoints, small, progress


def names(checkpoints: Checkpoints) -> list[str]:
    return sorted(os.listdir(checkpoints.folder))


def test_what_is_restored_goes_on_exactly_as_what_was_saved(
    saved: tuple[Checkpoints, Small, Progress],
) -> None:
    checkpoints, small, progress = saved
    other = Small(seed=99)
    torch.manual_seed(1234)
    assert checkpoints.restore(other.model, other.optimizer, "mine") == progress
    for _ in range(3):
        other.step()
    assert checkpoints.restore(small.model, small.optimizer, "mine") == progress
    for _ in range(3):
        small.step()
    for one, two in zip(small.state(), other.state(), strict=True):
        assert torch.equal(one, two)


def test_progress_survives_whole(tmp_path: Path) -> None:
    small = Small()
    small.step()
    progress = Progress(
        "mine", "bf16", step=7, epoch=1, step_of_epoch=3, best_loss=0.25, best_epoch=1, waiting=1,
        best_sha256="a" * 64, first_loss=0.7, recent=[0.1, 0.2], seconds=1.5,
        history=[{"validation_loss": float("inf"), "step": 4.0}],
    )  # fmt: skip
    assert {f.name for f in dataclasses.fields(progress)} == set(vars(progress))
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(small.model, small.optimizer, progress)
    assert checkpoints.restore(small.model, small.optimizer, "mine") == progress


def test_without_a_checkpoint_there_is_nothing_to_restore(tmp_path: Path) -> None:
    small = Small()
    before = small.state()
    checkpoints = Checkpoints(tmp_path / "new" / "folder")
    assert checkpoints.newest() is None
    assert checkpoints.restore(small.model, small.optimizer, "mine") is None
    assert all(torch.equal(a, b) for a, b in zip(before, small.state(), strict=True))


def test_the_newest_two_are_kept(saved: tuple[Checkpoints, Small, Progress]) -> None:
    checkpoints, small, progress = saved
    for step in (9, 10, 100):
        progress.step = step
        checkpoints.save(small.model, small.optimizer, progress)
    assert names(checkpoints) == ["step-00000010", "step-00000100"]
    newest = checkpoints.newest()
    assert newest is not None
    assert newest.name == "step-00000100"


def test_nothing_is_pickled(saved: tuple[Checkpoints, Small, Progress]) -> None:
    newest = saved[0].newest()
    assert newest is not None
    assert names(Checkpoints(newest)) == [
        "model.safetensors", "optimizer.safetensors", "random.safetensors", "state.json"
    ]  # fmt: skip


def test_the_same_step_saved_twice_holds_the_later_state(
    saved: tuple[Checkpoints, Small, Progress],
) -> None:
    checkpoints, small, progress = saved
    progress.epoch, progress.step_of_epoch = 1, 0
    checkpoints.save(small.model, small.optimizer, progress)
    found = checkpoints.restore(small.model, small.optimizer, "mine")
    assert found is not None
    assert found.epoch == 1
    assert names(checkpoints) == ["step-00000001", "step-00000002"]


def test_another_identity_is_refused(saved: tuple[Checkpoints, Small, Progress]) -> None:
    checkpoints, small, _ = saved
    before = small.state()
    with pytest.raises(DataError, match="another config, data or base model"):
        checkpoints.restore(small.model, small.optimizer, "theirs")
    assert all(torch.equal(a, b) for a, b in zip(before, small.state(), strict=True))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def edit(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        state = json.loads((folder / "state.json").read_text())
        change(state)
        (folder / "state.json").write_text(json.dumps(state))

    return apply


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: flip(folder / "model.safetensors"),
        lambda folder: flip(folder / "optimizer.safetensors"),
        lambda folder: flip(folder / "random.safetensors"),
        lambda folder: (folder / "model.safetensors").write_bytes(b""),
        lambda folder: (folder / "random.safetensors").unlink(),
        lambda folder: (folder / "state.json").write_text("{"),
        lambda folder: (folder / "state.json").write_text("[]"),
        lambda folder: (folder / "state.json").write_text("{}"),
        lambda folder: (folder / "state.json").write_bytes(b"\xff"),
        edit(lambda state: state["progress"].update(strange=1)),  # type: ignore[attr-defined]
        edit(lambda state: state["sha256"].pop("model.safetensors")),  # type: ignore[attr-defined]
        edit(lambda state: state.pop("sha256")),
    ],
)
def test_a_damaged_checkpoint_is_refused_and_the_one_before_it_still_works(
    saved: tuple[Checkpoints, Small, Progress], spoil: Callable[[Path], None]
) -> None:
    checkpoints, small, _ = saved
    newest = checkpoints.newest()
    assert newest is not None
    spoil(newest)
    with pytest.raises(DataError, match="is damaged") as caught:
        checkpoints.restore(small.model, small.optimizer, "mine")
    assert "remove that folder" in caught.value.problems[0].remedy
    shutil.rmtree(newest)
    found = checkpoints.restore(small.model, small.optimizer, "mine")
    assert found is not None
    assert found.step == 1


def test_a_checkpoint_of_another_version_says_so(
    saved: tuple[Checkpoints, Small, Progress],
) -> None:
    checkpoints, small, _ = saved
    newest = checkpoints.newest()
    assert newest is not None
    edit(lambda state: state.update(schema="lextune.checkpoint/v9"))(newest)
    with pytest.raises(DataError, match="another version of lextune"):
        checkpoints.restore(small.model, small.optimizer, "mine")


@pytest.mark.parametrize("call", ["fsync", "replace", "rename", "mkdir"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_full_disk_leaves_the_previous_checkpoint_whole(
    saved: tuple[Checkpoints, Small, Progress], monkeypatch: pytest.MonkeyPatch, call: str, nth: int
) -> None:
    checkpoints, small, progress = saved
    before = small.state()
    real, calls = getattr(os, call), iter(range(1, 1000))

    def full(*arguments: object, **named: object) -> object:
        if next(calls) == nth:
            raise OSError(errno.ENOSPC, "full")
        return real(*arguments, **named)

    monkeypatch.setattr(os, call, full)
    small.step()
    progress.step = 3
    if (call, nth) in {("mkdir", 2), ("mkdir", 3), ("rename", 3)}:  # there are not so many
        checkpoints.save(small.model, small.optimizer, progress)
        return
    with pytest.raises(EnvironmentProblem, match="no space left") as caught:
        checkpoints.save(small.model, small.optimizer, progress)
    assert "--resume" in caught.value.problems[0].remedy
    monkeypatch.undo()
    assert not [name for name in names(checkpoints) if name.endswith(".tmp")]
    other = Small(seed=5)
    found = checkpoints.restore(other.model, other.optimizer, "mine")
    assert found is not None
    if found.step == 2:
        assert all(torch.equal(a, b) for a, b in zip(before, other.state(), strict=True))
    else:  # the new one had its place already when an older one could not be set aside
        assert (found.step, call) == (3, "rename")
    checkpoints.save(small.model, small.optimizer, progress)  # there is room again
    assert names(checkpoints) == ["step-00000002", "step-00000003"]


class Killed(BaseException):
    """Nothing is done after it, not even tidying up."""


def dies_at(nth: int, patch: pytest.MonkeyPatch) -> list[int]:
    """From its nth change of the file system on, the process does nothing any more."""
    done: list[int] = []

    def wrap(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            done.append(1)
            if len(done) >= nth:
                raise Killed
            return real(*arguments, **named)

        return call

    for name in ("rename", "replace", "mkdir", "unlink", "rmdir", "fsync"):
        patch.setattr(os, name, wrap(getattr(os, name)))
    scan = os.scandir
    # Folders list their files in any order; this one puts state.json last, so it is also removed last.
    patch.setattr(os, "scandir", lambda path: Listing(sorted(scan(path), key=lambda e: e.name)))
    return done


class Listing(list[os.DirEntry[str]]):
    """What os.scandir gives, in an order of its own."""

    def __enter__(self) -> Listing:
        return self

    def __exit__(self, *exception: object) -> None:
        self.clear()


@pytest.mark.parametrize("again", [True, False])
def test_killed_at_any_point_of_a_save_the_newest_checkpoint_is_whole(
    saved: tuple[Checkpoints, Small, Progress], tmp_path: Path, again: bool
) -> None:
    checkpoints, small, progress = saved
    if not again:  # otherwise the step that was saved last is saved once more, as at an epoch's end
        small.step()
        progress.step = 3
    progress.epoch = 1
    points = 0
    for nth in range(1, 200):
        folder = Path(shutil.copytree(checkpoints.folder, tmp_path / f"copy-{nth}"))
        copied = Checkpoints(folder)
        with pytest.MonkeyPatch.context() as patch:
            done = dies_at(nth, patch)
            try:
                copied.save(small.model, small.optimizer, progress)
            except Killed:
                points += 1
            else:
                assert len(done) < nth
                break
        other = Small(seed=5)
        found = Checkpoints(folder).restore(other.model, other.optimizer, "mine")
        assert found is not None
        assert (found.step, found.epoch) in {(1, 0), (2, 0), (progress.step, 1)}
        Checkpoints(folder).save(small.model, small.optimizer, progress)
        assert names(Checkpoints(folder))[-1] == f"step-{progress.step:08d}"
        assert len(names(Checkpoints(folder))) <= 3
    assert points > 15


def test_what_a_killed_process_left_is_swept_away(
    saved: tuple[Checkpoints, Small, Progress],
) -> None:
    checkpoints, small, progress = saved
    for name in (".step-00000003.tmp", ".step-00000001.old", "step-00000007"):
        (checkpoints.folder / name).mkdir()
        (checkpoints.folder / name / "model.safetensors").write_bytes(b"half")
    newest = checkpoints.newest()
    assert newest is not None
    assert newest.name == "step-00000002"  # a folder without state.json is none
    progress.step = 3
    checkpoints.save(small.model, small.optimizer, progress)
    assert not [name for name in names(checkpoints) if name.startswith(".")]
    (checkpoints.folder / ".best.safetensors.4711.tmp").write_bytes(b"half")
    assert not [name for name in names(Checkpoints(checkpoints.folder)) if name.startswith(".")]
