"""Saves and restores a training state whole or not at all, without pickles; it knows nothing of how training goes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from lextune.errors import DataError, Problem
from lextune.files import disk_problems, remove_unfinished, sha256, sync_folder, write_atomic
from lextune.tasks.tensors import distinct_tensors, load_distinct
from lextune.training.averaging import Average

_SCHEMA = "lextune.checkpoint/v1"
_KEEP = 2
_MODEL, _OPTIMIZER, _RANDOM = "model.safetensors", "optimizer.safetensors", "random.safetensors"
_AVERAGE, _METHOD = "average.safetensors", "method.safetensors"


@dataclass
class Progress:
    """Where training stands; everything that is not a tensor.

    Attributes:
        identity: Digest of the config, data and base model that this training belongs to.
        step: Optimiser steps done.
        epoch: Epoch of the next step, from 0.
        step_of_epoch: Optimiser steps of that epoch done.
        best_loss: Lowest validation loss so far, None before the first.
        best_epoch: The epoch after which it was measured, from 1.
        waiting: Epochs since then.
        first_loss: Training loss of the first step.
        recent: Training losses of the last steps.
        best_sha256: Of the file with the weights of `best_epoch`.
        seconds: Time spent in steps so far.
        history: What was measured after each epoch.
    """

    identity: str
    precision: str
    step: int = 0
    epoch: int = 0
    step_of_epoch: int = 0
    best_loss: float | None = None
    best_epoch: int = 0
    best_sha256: str = ""
    waiting: int = 0
    first_loss: float | None = None
    recent: list[float] = field(default_factory=list)
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)


class Checkpoints:
    """The checkpoints of one run, in a folder of their own.

    A checkpoint is a folder `step-N` that appears by one rename after all its bytes are on disk, and goes
    by one rename before any of them is removed, so that a process killed at any moment leaves only whole ones.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with disk_problems(folder):
            folder.mkdir(parents=True, exist_ok=True)
        remove_unfinished(folder)

    def save(
        self, model: torch.nn.Module, optimizer: torch.optim.Optimizer, progress: Progress,
        average: Average | None = None, method: Mapping[str, torch.Tensor] = MappingProxyType({}),
        keep: int = _KEEP,
    ) -> None:  # fmt: skip
        """Write the state after `progress.step`, then remove all but the newest `keep`.

        Parameters that need no gradient are left out: they are those of the base model.
        """
        target = self.folder / f"step-{progress.step:08d}"
        temporary = self.folder / f".{target.name}.tmp"
        parts = {
            _MODEL: _contiguous(distinct_tensors(model, frozen=False)),
            _OPTIMIZER: _optimizer_tensors(model, optimizer),
            _RANDOM: _random_state(),
        }
        if average is not None:
            parts[_AVERAGE] = _contiguous(average.tensors)
        if method:
            parts[_METHOD] = dict(method)
        digests = {}
        self._sweep()
        with disk_problems(target):
            try:
                temporary.mkdir()
                for name, part in parts.items():
                    data = save(
                        part
                    )  # one part at a time: together they are three times the weights
                    digests[name] = sha256(data)
                    write_atomic(temporary / name, data)
                    del data
                state = {"schema": _SCHEMA, "progress": asdict(progress), "sha256": digests}
                write_atomic(temporary / "state.json", json.dumps(state).encode())
                self._set_aside(target)
                os.rename(temporary, target)
            except BaseException:
                shutil.rmtree(temporary, ignore_errors=True)
                raise
            for old in self._complete()[:-keep]:
                self._set_aside(old)
            sync_folder(self.folder)
        self._sweep()

    def _set_aside(self, path: Path) -> None:
        if path.exists():
            os.rename(path, path.with_name(f".{path.name}.old"))

    def _sweep(self) -> None:
        """Remove what is set aside, and what a killed process left half written."""
        for rest in self.folder.glob(".step-*"):
            shutil.rmtree(rest, ignore_errors=True)

    def newest(self) -> Path | None:
        """The newest whole checkpoint, or None."""
        found = self._complete()
        return found[-1] if found else None

    def _complete(self) -> list[Path]:
        return sorted(
            path for path in self.folder.glob("step-*") if (path / "state.json").is_file()
        )

    def restore(
        self, model: torch.nn.Module, optimizer: torch.optim.Optimizer, identity: str,
        average: Average | None = None,
        method: Callable[[Mapping[str, torch.Tensor]], None] | None = None,
    ) -> Progress | None:  # fmt: skip
        """Put the newest checkpoint's state into model, optimizer, average, method and torch's generators.

        Returns:
            None when there is no checkpoint.

        Raises:
            DataError: The newest checkpoint belongs to another config, data or base model, or is damaged.
        """
        path = self.newest()
        if path is None:
            return None
        progress, tensors = _read(path)
        if progress.identity != identity:
            raise DataError(
                Problem(
                    f"the checkpoint {path} belongs to another config, data or base model",
                    "resume with the config and data it was made with, or choose another --out",
                )
            )
        load_distinct(model, tensors[_MODEL])
        _restore_optimizer(model, optimizer, tensors[_OPTIMIZER])
        _restore_random(tensors[_RANDOM])
        if average is not None:
            for name, tensor in average.tensors.items():
                tensor.copy_(tensors[_AVERAGE][name])
        if method is not None and _METHOD in tensors:
            method(tensors[_METHOD])
        return progress


def _read(path: Path) -> tuple[Progress, dict[str, dict[str, torch.Tensor]]]:
    damaged = Problem(
        f"the checkpoint {path} is damaged", "remove that folder, then run with --resume again"
    )
    try:
        state = json.loads((path / "state.json").read_bytes())
        if state["schema"] != _SCHEMA:
            raise DataError(
                Problem(
                    f"the checkpoint {path} was written by another version of lextune",
                    "resume with that version, or choose another --out",
                )
            )
        tensors = {}
        beside = [name for name in (_AVERAGE, _METHOD) if name in state["sha256"]]
        for name in (_MODEL, _OPTIMIZER, _RANDOM, *beside):
            data = (path / name).read_bytes()
            if sha256(data) != state["sha256"][name]:
                raise DataError(damaged)
            tensors[name] = load(data)
        return Progress(**state["progress"]), tensors
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise DataError(damaged) from error


def _contiguous(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.contiguous() for name, tensor in state.items()}


def _optimizer_tensors(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> dict[str, torch.Tensor]:
    names: dict[torch.Tensor, str] = {
        parameter: name for name, parameter in model.named_parameters()
    }
    return {
        f"{names[parameter]}|{key}": value.detach().contiguous()
        for parameter, state in optimizer.state.items()
        for key, value in state.items()
    }


def _restore_optimizer(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]
) -> None:
    parameters = dict(model.named_parameters())
    # torch keeps the step counter on the CPU, but for an optimiser whose kernel runs on the device
    on_device = any(
        group.get("fused") or group.get("capturable") for group in optimizer.param_groups
    )
    for name, tensor in tensors.items():
        key_of, _, key = name.rpartition("|")
        parameter = parameters[key_of]
        moved = on_device or key != "step"
        place = tensor.to(parameter.device) if moved else tensor
        if place.shape == parameter.shape:
            # a fused kernel walks through memory: state and parameter must lie alike in it
            place = torch.empty_like(parameter, dtype=place.dtype).copy_(place)
        optimizer.state[parameter][key] = place


def _random_state() -> dict[str, torch.Tensor]:
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def _restore_random(state: dict[str, torch.Tensor]) -> None:
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
