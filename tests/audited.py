"""A tiny model, really trained, with the bench that its audits get, and a bench of functions; it knows no audit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import tiny
from lextune.audits.base import AuditInput, Labelled, Part, audits
from lextune.brought import Brought
from lextune.canaries import Canaries
from lextune.evaluation.predict import Scored
from lextune.evidence.dossier import Dossier
from lextune.evidence.keys import Signer, Trust
from lextune.listener import Listener
from lextune.pipeline import _Job
from lextune.pipeline_audits import RunBench, parameters_of
from lextune.pipeline_config import load_run_config
from lextune.pipeline_deciding import Papers
from lextune.pipeline_folder import read_model_folder
from lextune.policy.packs import load_pack
from lextune.records import AuditResult, Measurement
from lextune.tasks.base import tasks


@dataclass(frozen=True)
class Audited:
    """A run up to its audits."""

    config: Any
    answers: Any
    bench: RunBench

    def audit(self, name: str, **parameters: Any) -> AuditResult:
        """What the audit says, with these parameters and its defaults."""
        one = audits.get(name)
        stated = {**parameters_of(self.config, one).model_dump(mode="json"), **parameters}
        given = AuditInput(
            answers=self.answers, samples=self.config.evaluation.bootstrap_samples,
            seed=self.config.evaluation.seed, parameters=one.parameters.model_validate(stated),
            bench=self.bench,
        )  # fmt: skip
        return one(given)


def audited(folder: Path, config: Mapping[str, Any], overrides: Sequence[str] = ()) -> Audited:
    """Walk a config up to the audits: a few seconds with `tiny.tiny_config`. Keep it for a module's tests."""
    checked = load_run_config(config, overrides)
    job, signer = _Job(checked, folder / "run", False, Listener()), Signer.ephemeral()
    packs = [load_pack(name) for name in checked.policy.packs]
    job.folder.mkdir(parents=True)
    dossier = Dossier.create(job.folder / "dossier", "audited", signer)
    walk = job.first_rooms(dossier, packs, Trust.of(signer), Papers((), Brought()))
    trained = job._train(dossier, walk.selected, walk.prepared)
    _, answers = job._evaluate(dossier, walk, trained)
    files = read_model_folder(job.folder / trained.folder, trained.files)
    bench = RunBench(checked, walk, trained, files, answers, job.folder, job.listener)
    return Audited(checked, answers, bench)


def audited_reviews(folder: Path, rows: int = 400, overrides: Sequence[str] = ()) -> Audited:
    """A tiny encoder on easy reviews: two classes, a group column `place`."""
    config = tiny.tiny_config(
        tiny.write_tiny_bert(folder / "model"), tiny.write_reviews(folder / "reviews.csv", rows)
    )
    config["policy"] = {"packs": ["house"]}
    return audited(folder, config, ["audits=[]", *overrides])


@dataclass
class MadeUpBench:
    """A bench whose model is a function of one input, for audits that need no real one.

    Attributes:
        score: From an input to its probabilities.
        parts: Of train, validation and test.
    """

    score: Callable[[Any], Sequence[float]]
    inputs: Sequence[Any]
    parts: Mapping[str, Part] = field(default_factory=dict)
    task: Any = field(default_factory=lambda: tasks.get("sentiment"))
    language: tuple[str, ...] = ()
    canaries: Canaries | None = None
    pretraining: tuple[float, str] | None = None
    trained: Any = None
    loaded: Any = None
    folder: Path = Path()
    fitted: Callable[[Any, int, Any], Any] | None = None
    embedded: Callable[[Any], Sequence[float]] | None = None

    def part(self, name: str, most: int | None = None) -> Part:
        found = self.parts[name]
        if most is None or most >= len(found.rows):
            return found
        mask = np.arange(len(found.rows)) < most
        return Part(found.answers.keep(mask), found.inputs[:most], found.rows[:most])

    def labelled(self, name: str) -> Labelled:
        found = self.parts[name]
        return Labelled(found.answers.ids, found.inputs, found.answers.labels)

    def scores(self, inputs: Sequence[Any]) -> Any:
        return np.array([self.score(one) for one in inputs], float)

    def answer(self, inputs: Sequence[Any], like: Any) -> Scored:
        return Scored(like.ids, like.labels, self.scores(inputs), like.classes, like.groups)

    def answer_labelled(self, inputs: Sequence[Any], labels: Sequence[str]) -> Scored:
        classes = self.parts["train"].answers.classes
        numbers = np.array([classes.index(one) for one in labels])
        ids = tuple(map(str, range(len(inputs))))
        return Scored(ids, numbers, self.scores(inputs), classes, {})

    def features(self, inputs: Sequence[Any], *, base: bool = False) -> Any:
        assert self.embedded is not None
        return np.array([self.embedded(one) for one in inputs], np.float32)

    def row_errors(self, answers: Any) -> Any:
        return (~answers.right).astype(float)

    def headline(self, answers: Any) -> Measurement:
        right = int(answers.right.sum())
        return Measurement.exact(
            "accuracy", right / len(answers.ids), n=len(answers.ids), unit="proportion"
        )

    def refit(self, rows: Any, seed: int, labels: Any = None) -> Any:
        assert self.fitted is not None
        return self.fitted(rows, seed, labels)

    def read(self, source: str) -> Part:
        return self.parts[source]

    def unlabelled(self, source: str) -> Sequence[Any]:
        return self.parts[source].inputs

    def tell(self, text: str) -> None: ...
    def bar(self, words: str, total: int) -> Callable[[int], None]:
        return lambda _: None
