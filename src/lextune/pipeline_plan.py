"""Says before anything is spent what a run would use, how long it would take, and which duties bind it; it trains nothing.

The first rooms are walked as a run walks them, in a folder that is removed again. Then a few steps are
taken, and what they took is multiplied.
"""

from __future__ import annotations

import dataclasses
import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lextune.config import RunConfig
from lextune.extras import require
from lextune.listener import Listener
from lextune.pipeline import Walk, peak_memory, walk_first_rooms
from lextune.pipeline_config import load_run_config
from lextune.policy.core_facts import TASK
from lextune.policy.needs import Need, needs, to_come, undecided
from lextune.policy.packs import load_pack
from lextune.policy.timeline import Event
from lextune.policy.verdict import exit_code
from lextune.policy.wording import Language
from lextune.records import ControlResult, ModelRef, Verdict

#: At most so many rows of train are tokenised and tried, and of test measured.
_SAMPLE = 1024
#: The cheap baselines are tried on so many rows, and on twice as many.
_FEW = 1000
#: Utterances that the pretrained model is asked for: each takes as long as several rows of other kinds.
_HEARD = 16


@dataclass(frozen=True)
class Plan:
    """What a run of this config would do.

    Attributes:
        config: With every default, and the day filled in.
        model: The chosen pretrained model.
        rows: Rows of each part.
        verdict: Every control as it stands before training: what is not measured yet is insufficient.
        blocked: Controls that refuse the run whatever is trained; then nothing was tried, and there are no figures.
        needs: Papers that people must bring before the open controls can be met.
        to_come: Duties that bind only after the day.
        undecided: (pack, control) of the controls of which a fact must be declared before anybody knows whether they
            apply.
        steps: Optimiser steps, if no early stop ends the training.
        precision: In which matrices are multiplied on this machine.
        seconds: What each part of the run would take.
        peak_memory_bytes: Largest resident memory of this process so far; what else it did before counts too.
    """

    config: RunConfig
    model: ModelRef
    rows: Mapping[str, int]
    verdict: Verdict
    blocked: tuple[ControlResult, ...]
    needs: tuple[Need, ...] = ()
    to_come: tuple[Event, ...] = ()
    undecided: frozenset[tuple[str, str]] = frozenset()
    steps: int | None = None
    precision: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_memory_bytes: int | None = None

    @property
    def total_seconds(self) -> float | None:
        """Of the whole run."""
        return sum(self.seconds.values()) if self.seconds else None

    @property
    def code(self) -> int:
        """The exit code of a process that stops at this plan: that of the refusal, where there is one for sure."""
        return int(exit_code(self.verdict)) if self.blocked else 0

    def document(self) -> dict[str, Any]:
        """What `lextune plan --json` prints."""
        total = self.total_seconds
        return {
            "model": self.model.model_dump(mode="json", exclude={"files"}),
            "rows": dict(self.rows),
            "steps": self.steps,
            "precision": self.precision,
            "seconds": {name: round(one, 2) for name, one in self.seconds.items()},
            "total_seconds": None if total is None else round(total, 1),
            "peak_memory_bytes": self.peak_memory_bytes,
            "audits_not_in_total": list(self.config.audits),
            "controls": [one.model_dump(mode="json") for one in self.verdict.controls],
            "blocked": [f"{one.pack}/{one.control}" for one in self.blocked],
            "needs": [one._asdict() for one in self.needs],
            "to_come": [
                {
                    "day": str(one.day),
                    "control": f"{one.pack}/{one.control.id}",
                    "applies": one.applies,
                }
                for one in self.to_come
            ],
        }


def plan(
    config: RunConfig | str | Path | Mapping[str, Any],
    *,
    overrides: Sequence[str] = (),
    listener: Listener | None = None,
    language: Language = "en",
) -> Plan:
    """Plan a run: read model and data, decide what can be decided, try a few steps; nothing is kept.

    Args:
        config: As for `lextune.run`.
        overrides: `a.b=value` strings over the config.
        listener: Told what goes on.
        language: Of what is said of the law.

    Raises:
        LextuneError: What would stop the run before training.
    """
    started = time.perf_counter()
    listener = listener or Listener()
    if isinstance(config, RunConfig):
        config = config.model_dump(mode="json")
    config = load_run_config(config, overrides, listener.tell)
    require("text")
    require("data")
    packs = [load_pack(name) for name in config.policy.packs]
    with tempfile.TemporaryDirectory(prefix="lextune-plan-") as folder:
        walk = walk_first_rooms(config, Path(folder), packs, listener, language)
        before = time.perf_counter() - started
        rows = {name: len(table) for name, table in walk.prepared.parts.items()}
        day, known = walk.verdict.as_of, {**config.use, TASK: config.task}
        made = Plan(
            config, walk.selected.ref, rows, walk.verdict, walk.blocked,
            tuple(needs(walk.verdict, packs, known)), tuple(to_come(packs, known, day)), frozenset(undecided(packs, known)),
        )  # fmt: skip
        if walk.blocked:
            return made
        return _with_figures(made, walk, before, Path(folder), listener)


def _with_figures(made: Plan, walk: Walk, before: float, folder: Path, listener: Listener) -> Plan:
    from lextune.pipeline_training import try_training

    listener.stage("try")
    config, rows = made.config.train, made.rows
    tried = try_training(made.config, walk.selected, walk.prepared, folder, _SAMPLE, listener)
    measured = tried.rehearsal
    step_rows = config.batch_size * config.gradient_accumulation_steps
    steps = math.ceil(rows["train"] / step_rows) * config.epochs
    encoded_once = rows["train"] + rows["validation"] if tried.features_once else 0
    saves = steps // config.save_steps + 2 * config.epochs  # the best weights of an epoch, too
    seconds = {
        "select_and_prepare": before,
        "load": tried.load_seconds,
        "tokenise": sum(rows.values()) * tried.tokenise_seconds,
        "train": (config.epochs + tried.pretrain_epochs) * rows["train"] * measured.train_seconds
        + encoded_once * measured.forward_seconds,
        "validate": config.epochs * rows["validation"] * measured.validation_seconds,
        "save": saves * measured.save_seconds,
        "predict": rows["test"] * measured.forward_seconds,
        "measure": _measuring_seconds(made, walk, folder, listener),
    }
    return dataclasses.replace(
        made, steps=steps, precision=tried.precision, seconds=seconds,
        peak_memory_bytes=peak_memory(),
    )  # fmt: skip


def _measuring_seconds(made: Plan, walk: Walk, folder: Path, listener: Listener) -> float:
    """Metrics and baselines, tried on few training rows and on twice as many, and carried on in a straight line."""
    from lextune.data.inputs import inputs_of
    from lextune.evaluation.baselines import MOST_ROWS
    from lextune.pipeline_evaluation import frozen_features, try_measuring, untouched
    from lextune.tasks.base import tasks

    prepared, task = walk.prepared, tasks.get(made.config.task)
    classes, config = prepared.ref.classes, made.config.evaluation
    in_files = task.input_kind in ("image", "audio")
    inputs = inputs_of(prepared.parts["train"], task.input_kind)
    settings = task.settings(made.config, inputs, ()) if in_files else {}
    features = frozen_features(
        walk.selected.files, task, classes, settings, config.batch_size, listener
    )
    zero_shot = untouched(
        walk.selected.files, task, classes, settings, made.config.train.max_length, config.batch_size,
        listener,
    )  # fmt: skip
    sample = _HEARD if task.label_kind == "transcript" else _SAMPLE
    train, test = min(made.rows["train"], MOST_ROWS), min(made.rows["test"], sample)
    sizes = [max(2, min(size, train // 2 * factor)) for size, factor in ((_FEW, 1), (2 * _FEW, 2))]
    taken = []
    for size in (sizes[0], *sizes):  # the first one loads what the baselines need
        listener.tell(f"trying the baselines on {size:,} rows")
        taken.append(
            try_measuring(made.config, prepared, size, test, folder, listener, features, zero_shot)
        )
    loading, few, more = taken[0] - min(taken[:2]), *taken[1:]
    each = max(0.0, more - few) / max(1, sizes[1] - sizes[0])
    fixed = max(0.0, few - each * sizes[0])
    return loading + fixed * made.rows["test"] / test + each * train
