"""The pipeline's audit room: gives each audit the answers, its parameters and the model; it measures nothing itself."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lextune.audits.base import Audit, AuditInput, Labelled, Part, PartName, audits
from lextune.config import RunConfig
from lextune.errors import LextuneError
from lextune.listener import Listener
from lextune.pipeline_evaluation import (
    found_in,
    frozen_features,
    resampling_of,
    score_table,
    told,
)
from lextune.pipeline_folder import AUDIT_FOLDER
from lextune.records import AuditResult, Measurement, TrainedModel

if TYPE_CHECKING:
    from lextune.canaries import Canaries
    from lextune.models.loading import LoadedModel
    from lextune.pipeline import Walk
    from lextune.tasks.base import Task

#: So many steps that no checkpoint is written.
_NEVER = 2**31 - 1
#: Rows of validation that choose the epoch of a model that is trained again.
_VALIDATED = 128
#: Inputs that are encoded at a time, where nothing says how large they are.
_AT_ONCE = 256


class RunBench:
    """The model of a run and what it learnt from, as `audits.base.Bench` asks; all is made when it is first asked for.

    Args:
        config: Of the run.
        walk: The pretrained model and the parts.
        trained: What training said.
        files: Of the trained model, by name.
        answers: Of the test part.
        folder: Of the run.
        listener: Told what goes on.
    """

    def __init__(
        self, config: RunConfig, walk: Walk, trained: TrainedModel, files: Mapping[str, bytes],
        answers: Any, folder: Path, listener: Listener,
    ) -> None:  # fmt: skip
        self._config, self._selected, self._prepared = config, walk.selected, walk.prepared
        self._files, self._answers, self._listener = files, answers, listener
        self._features: dict[bool, Any] = {}
        self._parts: dict[tuple[PartName, int | None], Part] = {}
        self.trained = trained
        self.language: tuple[str, ...] = tuple(config.data.language)
        self.folder = folder / AUDIT_FOLDER

    @cached_property
    def loaded(self) -> LoadedModel:
        """The model, from the bytes that were hashed."""
        from lextune.models.loading import load_finished

        return load_finished(self._files)

    @property
    def task(self) -> Task:
        """Of the run."""
        from lextune.tasks.base import tasks

        return tasks.get(self._config.task)

    @property
    def canaries(self) -> Canaries | None:
        """What was planted."""
        return self._prepared.canaries

    @property
    def pretraining(self) -> tuple[float, str] | None:
        """As the catalogue has it."""
        from lextune.models.catalogue import catalogue

        entry = catalogue().get(self.trained.base.source)
        found = None if entry is None else entry.pretraining
        return None if found is None else (found.flops, found.source)

    @property
    def inputs(self) -> Sequence[Any]:
        """Of the test part."""
        found: Sequence[Any] = self._inputs("test")
        return found

    def _inputs(self, name: PartName, rows: Any = None) -> Any:
        from lextune.data.inputs import inputs_of

        return inputs_of(self._prepared.parts[name], self.task.input_kind, rows)

    def part(self, name: PartName, most: int | None = None) -> Part:
        """A part, or rows of it drawn with the seed of the evaluation."""
        table = self._prepared.parts[name]
        if most is not None and most >= len(table):
            most = None
        if (name, most) not in self._parts:
            self._parts[name, most] = self._made(name, table, most)
        return self._parts[name, most]

    def _few(self, name: PartName, most: int) -> Any:
        """The table of a part, or of so many rows of it, drawn with the seed of the evaluation."""
        table = self._prepared.parts[name]
        if len(table) <= most:
            return table
        draw = np.random.default_rng(self._config.evaluation.seed)
        return table.take(np.sort(draw.permutation(len(table))[:most]))

    def labelled(self, name: PartName) -> Labelled:
        """A part without the model's answers."""
        from lextune.evaluation.kinds import kinds

        table, inputs = self._prepared.parts[name], self._inputs(name)
        kind = kinds.get(self.task.label_kind)
        labels = kind.labels(inputs, table["label"].to_pylist(), self._answers.classes)
        return Labelled(tuple(table["id"].to_pylist()), inputs, labels)

    def _made(self, name: PartName, table: Any, most: int | None) -> Part:
        rows = np.arange(len(table))
        if most is not None:
            # a larger draw holds every smaller one
            draw = np.random.default_rng(self._config.evaluation.seed)
            rows = np.sort(draw.permutation(len(table))[:most])
        inputs = self._inputs(name, None if most is None else rows)
        if name == "test":
            mask = np.zeros(len(table), bool)
            mask[rows] = True
            return Part(self._answers.keep(mask), inputs, rows)
        return Part(self._answered(table.take(rows)), inputs, rows)

    def _answered(self, table: Any) -> Any:
        """Answers to a table of labelled rows."""
        batch = self._config.evaluation.batch_size
        return told(score_table(self.loaded, table, batch, Listener()), self.loaded, self._config)

    def _found(self, loaded: LoadedModel, inputs: Sequence[Any]) -> Any:
        """Scores, or what is found, a few inputs at a time."""
        from lextune.evaluation.predict import score_rows

        batch = self._config.evaluation.batch_size
        if self.task.label_kind in ("class", "classes"):
            found = np.full((len(inputs), len(loaded.classes)), np.nan)
            # images and sounds may be changed when they are asked for, and are large
            small = self.task.input_kind not in ("image", "audio")
            at_once = _AT_ONCE if small else batch
            for start in range(0, len(inputs), at_once):
                some = inputs[start : start + at_once]
                encoded = loaded.encode(some)
                found[start : start + len(some)] = score_rows(
                    encoded.in_order(batch), lambda rows, e=encoded: loaded.scores(e, rows),  # type: ignore[misc]
                    len(some), len(loaded.classes),
                )  # fmt: skip
            return found
        return found_in(loaded, inputs, batch, lambda _: None)

    def answer(self, inputs: Sequence[Any], like: Any) -> Any:
        """The model's answers to other inputs."""
        return self._like(self.loaded, inputs, like)

    def _like(self, loaded: LoadedModel, inputs: Sequence[Any], like: Any) -> Any:
        from lextune.evaluation.kinds import kinds

        kind = kinds.get(self.task.label_kind)
        found = self._found(loaded, inputs)
        made = kind.holder(like.ids, like.labels, found, loaded.classes, like.groups)
        return told(made, loaded, self._config)

    def answer_labelled(self, inputs: Sequence[Any], labels: Sequence[str]) -> Any:
        """The model's answers to rows that are in no part."""
        from lextune.evaluation.kinds import kinds

        kind, classes = kinds.get(self.task.label_kind), self.loaded.classes
        ids, truth = tuple(map(str, range(len(inputs)))), kind.labels(inputs, labels, classes)
        found = self._found(self.loaded, inputs)
        return told(kind.holder(ids, truth, found, classes, {}), self.loaded, self._config)

    def scores(self, inputs: Sequence[Any]) -> npt.NDArray[np.float64]:
        """Probabilities of inputs that nobody has labelled."""
        found: npt.NDArray[np.float64] = self._found(self.loaded, inputs)
        return found

    def features(self, inputs: Sequence[Any], *, base: bool = False) -> npt.NDArray[np.float32]:
        """Of the trained model, or of the pretrained one."""
        if base not in self._features:
            files = self._selected.files if base else self._files
            loaded = self.loaded
            self._features[base] = frozen_features(
                files, loaded.task, loaded.classes, loaded.settings,
                self._config.evaluation.batch_size, self._listener, loaded.max_length,
            )  # fmt: skip
        found: npt.NDArray[np.float32] = self._features[base](inputs)
        return found

    def row_errors(self, answers: Any) -> npt.NDArray[np.float64]:
        """How wrong each row is."""
        from lextune.evaluation.kinds import kinds

        return kinds.get(answers.kind).row_errors(answers)

    def headline(self, answers: Any) -> Measurement:
        """The first metric of the task."""
        from lextune.evaluation.kinds import kinds

        resampling = resampling_of(self._config.evaluation)
        metric = kinds.get(answers.kind).metrics.get(self.task.metrics[0])
        found: Measurement = metric(answers, resampling)[0]
        return found

    def refit(
        self, rows: npt.NDArray[np.int64], seed: int, labels: Sequence[str] | None = None
    ) -> Callable[[Sequence[Any], Any], Any]:
        """Train the pretrained model again as the run did."""
        loaded = self._trained_again(rows, seed, labels)
        return lambda inputs, like: self._like(loaded, inputs, like)

    def _trained_again(
        self, rows: npt.NDArray[np.int64], seed: int, labels: Sequence[str] | None
    ) -> LoadedModel:
        """As `fine_tune` does it, in a folder that is gone afterwards."""
        from lextune.data.binding import table_fingerprint
        from lextune.models.loading import load_finished
        from lextune.pipeline_folder import read_model_folder
        from lextune.pipeline_training import fine_tune

        table = self._prepared.parts["train"].take(rows)
        if labels is not None:
            table = _relabelled(table, labels)
        ref, given = self._prepared.ref, self._config
        parts = {"train": table, "validation": self._few("validation", _VALIDATED)}
        stated = {
            name: ref.splits[name].model_copy(
                update={"rows": len(one), "fingerprint": table_fingerprint(one)}
            )
            for name, one in parts.items()
        }
        prepared = dataclasses.replace(
            self._prepared,
            ref=ref.model_copy(update={"splits": {**ref.splits, **stated}}),
            parts={**self._prepared.parts, **parts},
        )
        train = given.train.model_copy(update={"seed": seed, "save_steps": _NEVER})
        scale = given.evaluation.model_copy(update={"temperature_scaling": "none"})
        config = given.model_copy(update={"train": train, "evaluation": scale})
        folder = self.folder / "again"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        made = fine_tune(
            config, self._selected, prepared, folder, resume=False, listener=Listener()
        )
        loaded = load_finished(read_model_folder(folder / made.folder, made.files))
        shutil.rmtree(folder, ignore_errors=True)
        return loaded

    def read(self, source: str) -> Part:
        """Other labelled data."""
        from lextune.config import load_config
        from lextune.data.inputs import inputs_of
        from lextune.data.prepare import load_labelled

        config = load_config(self._config.for_other_data())
        kinds_of = (self.task.label_kind, self.task.input_kind)
        rows = load_labelled(
            (source,), config.data, self.loaded.classes, self._listener.tell, *kinds_of
        )
        inputs: Any = inputs_of(rows.table, self.task.input_kind)
        answers = self._answered(rows.table)
        return Part(answers, inputs, np.arange(len(rows.table)))

    def unlabelled(self, source: str) -> Sequence[Any]:
        """Other data; of texts without their labels."""
        if self.task.input_kind != "text":
            return self.read(source).inputs
        from lextune.config import load_config
        from lextune.data.dataset import read_options
        from lextune.data.findings import Findings
        from lextune.data.formats import ReadContext
        from lextune.data.prepare import stream_rows

        data = load_config(self._config.for_other_data()).data
        options = dataclasses.replace(
            read_options(data, "class", "text"), label=None, others=(), optional=(), options={},
            everything=False,
        )  # fmt: skip
        context = ReadContext(options, Findings(stop_at_error=True))
        texts = (row.values[options.text] for row in stream_rows(source, context=context))
        return [text for text in texts if text is not None]

    def tell(self, text: str) -> None:
        """A line for whoever watches."""
        self._listener.tell(text)

    def bar(self, words: str, total: int) -> Callable[[int], None]:
        """A progress bar."""
        return self._listener.bar(words, total)


def run_audit(
    name: str, config: RunConfig, answers: Any, bench: RunBench | None, listener: Listener
) -> AuditResult:
    """One audit; a crash is recorded as one, and proves nothing.

    Args:
        name: Of the audit.
        config: Of the run, with the parameters of every audit.
        answers: Of the test part; None where the evaluation crashed.
        bench: The model and its run.
        listener: Told what goes on.
    """
    one = audits.get(name)
    if answers is None:
        return crashed(one, "there are no predictions to audit")
    given = AuditInput(
        answers=answers, samples=config.evaluation.bootstrap_samples, seed=config.evaluation.seed,
        parameters=parameters_of(config, one), bench=bench,
    )  # fmt: skip
    try:
        return one(given)
    except (LextuneError, MemoryError):
        raise
    except Exception as error:
        listener.tell(f"the audit {name} crashed: {type(error).__name__}")
        return crashed(one, type(error).__name__)


def crashed(one: Audit, why: str) -> AuditResult:
    """The result of an audit that measured nothing because something broke."""
    return AuditResult(
        audit=one.name, version=one.version, status="crashed", parameters={}, measurements=(),
        findings=(why,),
    )  # fmt: skip


def parameters_of(config: RunConfig, one: Audit) -> Any:
    """The audit's parameters as the config states them, with its defaults."""
    return one.parameters.model_validate(config.audit_parameters.get(one.name, {}))


def _relabelled(table: Any, labels: Sequence[str]) -> Any:
    """A table of rows with other label cells."""
    import pyarrow as pa

    place = table.column_names.index("label")
    return table.set_column(place, "label", pa.array(list(labels), table["label"].type))
