"""The arrow of a run as one function: each room's records go to the next, and each leaves a signed statement.

It holds no knowledge of its own: what a room does is in the room.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lextune import release as releasing
from lextune.config import RunConfig
from lextune.errors import LextuneError
from lextune.evidence.dossier import Dossier
from lextune.evidence.keys import Signer, Trust, load_or_create_key, load_trust
from lextune.evidence.statements import make_statement
from lextune.extras import install_command, missing, require
from lextune.files import (
    home_folder,
)
from lextune.impact import note_verified
from lextune.labels import InputKind
from lextune.listener import Listener
from lextune.pipeline_config import load_run_config
from lextune.pipeline_deciding import Papers, read_papers, read_profiles, record_verdict
from lextune.pipeline_evaluation import (
    Measuring,
    better_baseline,
    cost_of_the_switch,
    frozen_features,
    metrics_document,
    score_table,
    told,
    training_inputs,
    untouched,
)
from lextune.pipeline_folder import (
    AUDIT_FOLDER,
    open_run_folder,
    read_model_folder,
    run_folder,
    run_name,
)
from lextune.pipeline_report import write_report, write_verdict
from lextune.pipeline_report_audits import Judged
from lextune.pipeline_subjects import index_subjects, make_gate
from lextune.policy.packs import Pack, load_pack
from lextune.policy.uses import Use, uses
from lextune.policy.verdict import blocks_release, exit_code
from lextune.policy.wording import Language
from lextune.records import (
    AuditResult,
    ControlResult,
    Evaluation,
    FileDigest,
    Measurement,
    Predictions,
    Record,
    Subject,
    TrainedModel,
    Verdict,
)
from lextune.store.runs import RunStore
from lextune.tasks.text.tokens import TOKENS_FOLDER

if TYPE_CHECKING:
    from lextune.data.prepare import Prepared
    from lextune.evaluation.kinds import Answers
    from lextune.models.selection import SelectedModel


@dataclass(frozen=True)
class Run:
    """A finished run, released or refused.

    Attributes:
        id: As in every statement.
        folder: With dossier, model, log and checkpoints.
        release: The release's folder, or None when it was refused.
        verdict: Every control.
        blocked: The controls that refuse the release; of a run that was refused before training, those that
            no training could have mended.
        trained: What training says of itself; None where the run was refused before it.
        evaluation: Metrics of the model and of the baselines; None where there is no model.
        audits: What each audit measured.
        seconds: Wall time of the whole run.
        report: The page that people look at, outside dossier and release; None where none was written.
        input_kind: What the model reads.
        uses: Measurement to the controls that read it, each with its status.
        told: The verdict in the language that was asked for; what is signed is `verdict`.
    """

    id: str
    folder: Path
    release: Path | None
    verdict: Verdict
    blocked: tuple[ControlResult, ...]
    seconds: float
    trained: TrainedModel | None = None
    evaluation: Evaluation | None = None
    audits: tuple[AuditResult, ...] = ()
    report: Path | None = None
    input_kind: InputKind = "text"
    uses: Mapping[str, tuple[Use, ...]] = field(default_factory=dict)
    told: Verdict | None = None

    @property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """The model's metrics by name; empty where the run was refused before training."""
        return metrics_document(self.evaluation.measurements) if self.evaluation else {}

    @property
    def crashed(self) -> tuple[str, ...]:
        """Rooms that did not complete: none of what they should have said counts, and nothing is released."""
        rooms = [f"The audit {one.audit}" for one in self.audits if one.status == "crashed"]
        if self.evaluation is not None and self.evaluation.status == "crashed":
            rooms.insert(0, "The evaluation")
        return tuple(rooms)

    def document(self) -> dict[str, Any]:
        """What `lextune run --json` prints."""
        baselines = self.evaluation.baselines if self.evaluation else {}
        return {
            "run": self.id,
            "folder": str(self.folder),
            "release": str(self.release) if self.release else None,
            "report": str(self.report) if self.report else None,
            "verdict": self.verdict.model_dump(mode="json"),
            "metrics": self.metrics,
            "baselines": {name: metrics_document(found) for name, found in baselines.items()},
            "audits": {
                one.audit: {
                    "status": one.status,
                    "metrics": metrics_document([m for m in one.measurements if m.group is None]),
                }
                for one in self.audits
            },
            "seconds": round(self.seconds, 3),
            "train_samples_per_second": (
                self.trained.cost["train_samples_per_second"] if self.trained else None
            ),
        }


def run(
    config: RunConfig | str | Path | Mapping[str, Any],
    *,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    resume: bool = False,
    listener: Listener | None = None,
    language: Language = "en",
) -> Run:
    """Walk a config through every room, from the pretrained model to a signed release or a reasoned refusal.

    Args:
        config: A RunConfig, a YAML or JSON file, or the config as plain data.
        out: The run's folder; `runs/NAME-VERSION` by default. It must be new, unless `resume`.
        overrides: `a.b=value` strings over the config.
        resume: Go on with an interrupted run in `out`.
        listener: Told what goes on.
        language: In which `run.told` gives the verdict.

    Returns:
        The run. A refusal is no exception: `run.release` is None and `run.verdict` says why.

    Raises:
        LextuneError: What stopped the run before there was a verdict.
    """
    if isinstance(config, RunConfig):
        config = config.model_dump(mode="json")  # it may have been made without a look at the packs
    config = load_run_config(config, overrides, (listener or Listener()).tell)
    job = _Job(config, run_folder(config, out), resume, listener or Listener(), language)
    return job.run()


def _require_needs(config: RunConfig) -> None:
    """What task, training method and redaction need is looked for before any work."""
    from lextune.data.redaction.rows import make_redaction
    from lextune.tasks.base import tasks
    from lextune.training.methods.base import methods

    for name in ("text", "data"):
        require(name)
    if tasks.get(config.task).input_kind == "image":
        require("vision")
    extra = methods.get(config.train.method).extra
    if extra is not None:
        require(extra)
    make_redaction(config.data)


@dataclass(frozen=True)
class Walk:
    """What the rooms before training left.

    Attributes:
        verdict: Over their statements; what is not measured yet is insufficient.
        blocked: The controls that refuse the run whatever is trained.
    """

    selected: SelectedModel
    prepared: Prepared
    verdict: Verdict
    blocked: tuple[ControlResult, ...]


def walk_first_rooms(
    config: RunConfig,
    folder: Path,
    packs: Sequence[Pack],
    listener: Listener,
    language: Language = "en",
) -> Walk:
    """Walk the rooms before training as a run does, for nothing but to look at what they say.

    Args:
        config: Checked.
        folder: For a dossier that nobody is to trust: its key is thrown away.
        packs: Those of the config.
        listener: Told what goes on.
        language: Of the verdict.
    """
    _require_needs(config)
    job, signer = _Job(config, folder, False, listener, language), Signer.ephemeral()
    # whoever has no key yet trusts nobody, and needs to trust nobody where nothing signed is brought
    signed = config.policy.waivers or config.policy.attestations or config.policy.facts
    trust = load_trust() if signed else Trust.of(signer)
    dossier = Dossier.create(folder / "dossier", "plan", signer)
    return job.first_rooms(dossier, packs, trust, job.read_papers(packs, trust), language)


@dataclass
class _Job:
    """One run under way; the methods are the rooms in their order."""

    config: RunConfig
    folder: Path
    resume: bool
    listener: Listener
    language: Language = "en"
    started: float = field(default_factory=time.perf_counter)

    def run(self) -> Run:
        _require_needs(self.config)
        packs = [load_pack(name) for name in self.config.policy.packs]
        signer = load_or_create_key()
        trust = load_trust()
        papers = self.read_papers(packs, trust)
        run_id = open_run_folder(self.config, self.folder, resume=self.resume)
        with RunStore(home_folder()) as store:
            store.start(run_id, run_name(self.config), self.config.task, self.folder.resolve())
            try:
                dossier = self._open_dossier(run_id, signer)
                finished = self._rooms(dossier, packs, signer, trust, papers)
            except KeyboardInterrupt:
                store.finish(run_id, "interrupted", problem="stopped by a signal")
                raise
            except LextuneError as error:
                store.finish(run_id, "failed", problem=error.problems[0].fact)
                raise
            except BaseException as error:
                store.finish(run_id, "failed", problem=type(error).__name__)
                raise
            from lextune.data.kept import KEPT_FOLDER

            for name in (TOKENS_FOLDER, KEPT_FOLDER):
                shutil.rmtree(self.folder / name, ignore_errors=True)
            words = {"pass": "released", "fail": "refused", "insufficient": "insufficient"}
            store.finish(
                run_id,
                words[finished.verdict.outcome],
                release=finished.release.resolve() if finished.release else None,
                metrics=finished.metrics,
            )
        note_verified(finished.release or self.folder)
        if self.language == "en":
            return replace(finished, told=finished.verdict)
        told = releasing.decide_dossier(
            dossier.statements(), self.config, packs, trust, self.language
        )
        return replace(finished, told=told)

    def _rooms(
        self,
        dossier: Dossier,
        packs: Sequence[Pack],
        signer: Signer,
        trust: Trust,
        papers: Papers,
    ) -> Run:
        walk = self.first_rooms(dossier, packs, trust, papers)
        index_subjects(dossier.run_id, walk.prepared.subjects)
        if walk.blocked:
            record_verdict(dossier, packs, walk.verdict)
            write_verdict(self.folder, trust, self.listener)
            return Run(
                dossier.run_id, self.folder, None, walk.verdict, walk.blocked, self._seconds()
            )
        from lextune.tasks.base import tasks

        trained = self._train(dossier, walk.selected, walk.prepared)
        evaluation, scored = self._evaluate(dossier, walk, trained)
        audits = self._audit(dossier, walk, trained, evaluation, scored)
        self.listener.stage("decide")
        verdict = releasing.decide_dossier(dossier.statements(), self.config, packs, trust)
        record_verdict(dossier, packs, verdict)
        write_verdict(self.folder, trust, self.listener)
        readers = uses(verdict, packs)
        judged = Judged(verdict, readers, audits, trained.privacy)
        report = self._report(dossier, walk, trained, (evaluation, scored), judged)
        release = None
        if verdict.outcome == "pass":
            self.listener.stage("release")
            release = releasing.build_release(
                self.folder, dossier, self.config, verdict, signer, trust
            )
        blocked = tuple(one for one in verdict.controls if blocks_release(one))
        return Run(
            dossier.run_id, self.folder, release, verdict, blocked, self._seconds(),
            trained, evaluation, audits, report, tasks.get(self.config.task).input_kind,
            readers,
        )  # fmt: skip

    def first_rooms(
        self, dossier: Dossier, packs: Sequence[Pack], trust: Trust, papers: Papers,
        language: Language = "en",
    ) -> Walk:  # fmt: skip
        """All that is done before training."""
        self._config_room(dossier, packs)
        papers.into(dossier)
        selected = self._select(dossier)
        prepared = self._prepare(dossier)
        verdict, blocked = releasing.decide_dossier_so_far(
            dossier.statements(), self.config, packs, trust, language
        )
        return Walk(selected, prepared, verdict, blocked)

    def _seconds(self) -> float:
        return time.perf_counter() - self.started

    def read_papers(self, packs: Sequence[Pack], trust: Trust) -> Papers:
        """What the config names of signed papers and documents, each opened once."""
        policy = self.config.policy
        documents = {name: (one.path, one.expires) for name, one in policy.documents.items()}
        found = read_papers(policy.waivers, policy.attestations, documents, packs, trust)
        facts = tuple(data for _, data in read_profiles(policy.facts, trust))
        return replace(found, facts=facts)

    def _open_dossier(self, run_id: str, signer: Signer) -> Dossier:
        """A new dossier; that of an interrupted run is set aside, since all rooms are walked again."""
        folder = self.folder / "dossier"
        if folder.exists():
            number = 1
            while (aside := self.folder / f"dossier.interrupted-{number}").exists():
                number += 1
            folder.rename(aside)
        return Dossier.create(folder, run_id, signer)

    def _config_room(self, dossier: Dossier, packs: Sequence[Pack]) -> None:
        record = self.config.model_dump(mode="json")
        text = _yaml(record)
        files = [dossier.write_file("config.yaml", text)]
        files += [dossier.write_file(f"packs/{pack.id}.yaml", pack.text) for pack in packs]
        dossier.append("config", make_statement("config", _inside(files), {"record": record}))

    def _select(self, dossier: Dossier) -> SelectedModel:
        from lextune.models.selection import select

        self.listener.stage("select")
        language = next(iter(self.config.data.language), None)
        selected = select(self.config.model, self.config.task, self.listener.tell, language)
        dossier.append(
            "select", make_statement("select", selected.ref.files, {"record": _dump(selected.ref)})
        )
        return selected

    def _prepare(self, dossier: Dossier) -> Prepared:
        from lextune.data.prepare import prepare
        from lextune.tasks.base import tasks

        self.listener.stage("prepare")
        task = tasks.get(self.config.task)
        gate = make_gate(self.config.data, self.config.policy.as_of)
        prepared = prepare(
            self.config.data, self.listener.tell, self.folder, task.label_kind, gate, task.input_kind
        )  # fmt: skip
        for problem in prepared.report.problems:
            if problem.severity == "warning":
                self.listener.tell(f"{problem}: {problem.remedy}")
        if prepared.leaked_ids:
            self.listener.tell(
                f"{len(prepared.leaked_ids)} test rows also stand in train or validation; a control "
                "may refuse the release. Remedy: data.leakage: drop_from_train"
            )
        report = json.dumps(prepared.report.document(), indent=1, ensure_ascii=False).encode()
        files = _inside([dossier.write_file("data_report.json", report)])
        files += _inside(self._report_page(dossier, prepared))
        parts = [
            Subject(name=f"data/{name}", digest={"sha256": split.fingerprint})
            for name, split in prepared.ref.splits.items()
        ]
        predicate = {
            "record": _dump(prepared.ref),
            "measurements": _dumps(prepared.measurements),
            "leaked_ids": list(prepared.leaked_ids),
        }
        dossier.append("prepare", make_statement("prepare", [*files, *parts], predicate))
        return prepared

    def _report_page(self, dossier: Dossier, prepared: Prepared) -> list[FileDigest]:
        """The data report to look at; a run goes on without it where its libraries are not installed."""
        if missing("report"):
            self.listener.tell(
                f"the data report is written as JSON only. Remedy: {install_command('report')}"
            )
            return []
        from lextune.data.report.page import make_page

        document = {**prepared.report.document(), "reference": _dump(prepared.ref)}
        return [dossier.write_file("data_report.html", make_page(document).encode())]

    def _train(self, dossier: Dossier, selected: SelectedModel, prepared: Prepared) -> TrainedModel:
        from lextune.pipeline_training import fine_tune

        self.listener.stage("train")
        trained = fine_tune(
            self.config, selected, prepared, self.folder, resume=self.resume, listener=self.listener
        )
        predicate = {"record": _dump(trained), "measurements": _dumps(trained.measurements)}
        dossier.append("train", make_statement("train", trained.files, predicate))
        return trained

    def _evaluate(
        self, dossier: Dossier, walk: Walk, trained: TrainedModel
    ) -> tuple[Evaluation, Answers | None]:
        """Measure the bytes that training left; a crash is recorded as one, and proves nothing."""
        self.listener.stage("evaluate")
        files = read_model_folder(self.folder / trained.folder, trained.files)
        try:
            evaluation, scored = self._measured(dossier, walk, files)
        except (LextuneError, MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:
            self.listener.tell(f"the evaluation crashed: {type(error).__name__}")
            evaluation, scored = _crashed_evaluation(error), None
            shutil.rmtree(
                dossier.folder / "predictions", ignore_errors=True
            )  # no statement names it
        subjects = [*trained.files]
        if evaluation.predictions is not None:
            made = evaluation.predictions
            subjects.append(_digest_of(dossier, made))
        predicate = {
            "status": evaluation.status,
            "record": _dump(evaluation),
            "measurements": _dumps(evaluation.measurements),
        }
        dossier.append("evaluate", make_statement("evaluate", subjects, predicate))
        return evaluation, scored

    def _report(
        self, dossier: Dossier, walk: Walk, trained: TrainedModel,
        measured: tuple[Evaluation, Answers | None], judged: Judged,
    ) -> Path | None:  # fmt: skip
        """The page that people look at; no statement names it."""
        about, table = (run_name(self.config), dossier.run_id), walk.prepared.parts["test"]
        files = read_model_folder(self.folder / trained.folder, trained.files)
        return write_report(self.folder, about, files, table, measured, self.listener, judged)

    def _measured(
        self, dossier: Dossier, walk: Walk, files: Mapping[str, bytes]
    ) -> tuple[Evaluation, Answers]:
        from lextune.data.binding import check_tables
        from lextune.data.inputs import inputs_of
        from lextune.models.loading import load_finished

        prepared = walk.prepared
        loaded, test = load_finished(files), prepared.parts["test"]
        check_tables({"test": test}, prepared.ref.splits)
        config = self.config.evaluation
        scored = score_table(loaded, test, config.batch_size, self.listener, self.folder)
        scored = told(scored, loaded, self.config)
        features = frozen_features(
            walk.selected.files, loaded.task, loaded.classes, loaded.settings, config.batch_size,
            self.listener,
        )  # fmt: skip
        zero_shot = untouched(
            walk.selected.files, loaded.task, loaded.classes, loaded.settings, loaded.max_length,
            config.batch_size, self.listener,
        )  # fmt: skip
        learnt = training_inputs(
            loaded.task, prepared.parts["train"] if prepared.known is None else prepared.known,
            loaded.classes, config.seed, features, zero_shot,
        )  # fmt: skip
        measuring = Measuring(loaded.task, learnt, frozenset(prepared.leaked_ids), config)
        evaluation = measuring(
            scored,
            inputs_of(test, loaded.task.input_kind),
            dossier.folder / "predictions",
            self.listener.tell,
        )
        cost = cost_of_the_switch(loaded, scored, config)
        measurements = (*evaluation.measurements, *cost)
        if better := better_baseline(evaluation):
            self.listener.tell(better)
        return evaluation.model_copy(update={"measurements": measurements}), scored

    def _audit(
        self, dossier: Dossier, walk: Walk, trained: TrainedModel, evaluation: Evaluation,
        scored: Answers | None,
    ) -> tuple[AuditResult, ...]:  # fmt: skip
        from lextune.pipeline_audits import RunBench, run_audit

        self.listener.stage("audit")
        results, subjects, bench = [], [], None
        if evaluation.predictions is not None:
            subjects = [_digest_of(dossier, evaluation.predictions)]
        if scored is not None:
            files = read_model_folder(self.folder / trained.folder, trained.files)
            bench = RunBench(self.config, walk, trained, files, scored, self.folder, self.listener)
        for name in dict.fromkeys(self.config.audits):
            self.listener.tell(name)
            result = run_audit(name, self.config, scored, bench, self.listener)
            predicate = {
                "status": result.status if result.status != "not_applicable" else "complete",
                "record": _dump(result),
                "measurements": _dumps(result.measurements),
            }
            statement = make_statement("audit", subjects, predicate)
            dossier.append(f"audit-{name.replace('_', '-')}", statement)
            results.append(result)
        shutil.rmtree(self.folder / AUDIT_FOLDER, ignore_errors=True)
        return tuple(results)


def _yaml(record: Mapping[str, Any]) -> bytes:
    import yaml

    return yaml.safe_dump(record, sort_keys=False, allow_unicode=True).encode()


def _dump(record: Record) -> dict[str, Any]:
    return record.model_dump(mode="json")


def _dumps(measurements: Sequence[Measurement]) -> list[dict[str, Any]]:
    return [one.model_dump(mode="json") for one in measurements]


def _inside(files: Sequence[FileDigest]) -> list[FileDigest]:
    """Files of the dossier by their path in the release."""
    return [one.model_copy(update={"path": f"dossier/{one.path}"}) for one in files]


def _digest_of(dossier: Dossier, predictions: Predictions) -> FileDigest:
    size = (dossier.folder / predictions.path).stat().st_size
    return FileDigest(path=f"dossier/{predictions.path}", sha256=predictions.sha256, size=size)


def _crashed_evaluation(error: Exception) -> Evaluation:
    return Evaluation(
        status="crashed",
        split="test",
        predictions=None,
        measurements=(),
        baselines={},
        problem=f"{type(error).__name__} while evaluating",
    )


def verdict_exit(finished: Run) -> int:
    """The exit code of a process that stops after this run."""
    return int(exit_code(finished.verdict))


def peak_memory() -> int:
    """Largest resident size of this process so far, in bytes (Linux counts in KiB, macOS in bytes)."""
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
