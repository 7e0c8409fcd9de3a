"""Scores tables of labelled rows, and measures a verified release on other data; it decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lextune.config import EvaluationConfig, RunConfig, load_config
from lextune.errors import Problem, VerificationError
from lextune.evidence.keys import load_trust
from lextune.extras import require
from lextune.files import read_regular
from lextune.labels import read_boxes, read_mask, read_spans
from lextune.listener import Listener
from lextune.records import Evaluation, Measurement
from lextune.release import read_release

if TYPE_CHECKING:
    from lextune.data.columns import Texts
    from lextune.data.inputs import Images
    from lextune.data.prepare import Prepared
    from lextune.evaluation.kinds import Answers, TrainingInputs
    from lextune.images import ImageInput
    from lextune.models.loading import LoadedModel
    from lextune.models.selection import SelectedModel
    from lextune.tasks.base import Task

    Inputs = Texts | Images
    Features = Callable[[Sequence[Any]], Any]

#: What is done to rows before a model takes them, for progress bars.
ENCODING = {"text": "tokenise", "image": "decode"}


def evaluate_release(
    folder: Path,
    data: str,
    overrides: Sequence[str] = (),
    trust: Path | None = None,
    listener: Listener | None = None,
) -> dict[str, Any]:
    """Verify a release, read labelled rows and measure.

    Args:
        folder: The release.
        data: As in `data.test`.
        overrides: `data.x=value` strings over the data section that the release was made with.
        trust: A trust file; None is the user's own.
        listener: Told what goes on.

    Returns:
        `metrics` (name to value, low, high, level, n), `rows`, `release`, `run`, `fingerprint`.

    Raises:
        VerificationError: The release does not verify.
        DataError: The data has faults, or a class that the model does not know.
    """
    from lextune.data.prepare import load_labelled
    from lextune.evaluation.evaluate import measure
    from lextune.evaluation.kinds import Resampling
    from lextune.models.loading import load_finished

    require("text")
    listener = listener or Listener()
    release = read_release(folder, load_trust(trust))
    config = load_config(release.config.for_other_data(), overrides)
    loaded = load_finished(release.files)
    kind = loaded.task.label_kind
    rows = load_labelled(
        (data,), config.data, loaded.classes, listener.tell, kind, loaded.task.input_kind
    )
    scored = score_table(loaded, rows.table, config.evaluation.batch_size, listener)
    resampling = Resampling(config.evaluation.bootstrap_samples, config.evaluation.seed)
    return {
        "metrics": metrics_document(measure(scored, loaded.task.metrics, resampling)),
        "rows": len(scored.ids),
        "release": release.name,
        "run": release.verification.evidence.run,
        "fingerprint": rows.fingerprint,
    }


def score_table(
    loaded: LoadedModel, table: Any, batch_size: int, listener: Listener, folder: Path | None = None
) -> Answers:
    """Predict a table of labelled rows (columns id, text, label, group.NAME), in its own order.

    Args:
        loaded: The model.
        table: As the data room makes it.
        batch_size: Rows predicted at a time.
        listener: Told what goes on.
        folder: On whose disk the tokenised rows lie meanwhile; None is the system's.
    """
    from lextune.data.inputs import inputs_of

    ids, inputs = tuple(table["id"].to_pylist()), inputs_of(table, loaded.task.input_kind)
    labels = known_labels(loaded.task, table, loaded.classes)
    groups = {
        name.removeprefix("group."): table[name].to_pylist()
        for name in table.column_names
        if name.startswith("group.")
    }
    if loaded.task.label_kind in ("class", "classes"):
        found: Any = _scores(loaded, inputs, batch_size, listener, folder)
    else:
        found = _found(loaded, inputs, batch_size, listener.bar("predict", len(inputs)))
    return answers(loaded.task, ids, labels, found, loaded.classes, groups)


def _scores(
    loaded: LoadedModel, inputs: Inputs, batch_size: int, listener: Listener, folder: Path | None
) -> Any:
    from lextune.evaluation.predict import score_rows

    words = ENCODING[loaded.task.input_kind]
    encoded = loaded.task.passing(loaded.encode, inputs, listener.bar(words, len(inputs)), folder)
    return score_rows(
        encoded.in_order(batch_size),
        lambda rows: loaded.scores(encoded, rows),
        len(encoded),
        len(loaded.classes),
        listener.bar("predict", len(encoded)),
    )


def _found(
    loaded: LoadedModel, inputs: Any, batch_size: int, advance: Callable[[int], None]
) -> list[Any]:
    """What the model finds in each input; of pixels no more than their counts is kept."""
    from lextune.evaluation.masks import summarise

    found: list[Any] = []
    for block in inputs.blocks():
        some = loaded.task.find(loaded, block, batch_size, advance)
        if loaded.task.label_kind == "mask":
            classes = loaded.classes
            some = [
                summarise(one, _truth(given, classes), len(classes))
                for one, given in zip(some, block, strict=True)
            ]
        found += some
    return found


def _truth(given: ImageInput, classes: Sequence[str]) -> Any:
    """The class number of each pixel, as the label of an image has it.

    Raises:
        VerificationError: The mask is not the one that was checked.
    """
    from lextune.evaluation.masks import in_classes
    from lextune.images import UnfitImageError
    from lextune.masks import load_mask

    mask = read_mask(given.label or "")
    try:
        values = load_mask(read_regular(Path(given.mask)), mask)
    except (OSError, UnfitImageError) as error:
        raise VerificationError(
            Problem(
                f"the mask {given.mask} is not the one that was checked",
                "run again from the config",
                "it was changed between the checks and its use",
            )
        ) from error
    return in_classes(values, mask, classes)


def known_labels(task: Task, table: Any, classes: Sequence[str]) -> Any:
    """The labels of a table's rows as answers of the task's kind hold them."""
    from lextune.data.inputs import inputs_of
    from lextune.evaluation.masks import layout

    if task.label_kind == "mask":
        return [layout(_truth(one, classes), len(classes)) for one in inputs_of(table, "image")]  # type: ignore[arg-type]
    cells = table["label"].to_pylist()
    if task.label_kind == "spans":
        return [read_spans(cell) for cell in cells]
    if task.label_kind == "boxes":
        return [read_boxes(cell) for cell in cells]
    numbers = task.numbers(cells, classes, None)
    return numbers > 0 if task.label_kind == "classes" else numbers


def answers(
    task: Task,
    ids: tuple[str, ...],
    labels: Any,
    found: Any,
    classes: tuple[str, ...],
    groups: Mapping[str, Sequence[str | None]],
) -> Answers:
    """Labels and predictions together, in the class of the task's kind."""
    from lextune.evaluation.boxes import ScoredBoxes
    from lextune.evaluation.masks import ScoredMasks
    from lextune.evaluation.predict import Scored
    from lextune.evaluation.sets import ScoredSets
    from lextune.evaluation.spans import ScoredSpans

    holders: dict[str, Any] = {
        "class": Scored, "classes": ScoredSets, "spans": ScoredSpans, "boxes": ScoredBoxes,
        "mask": ScoredMasks,
    }  # fmt: skip
    made: Answers = holders[task.label_kind](ids, labels, found, classes, groups)
    return made


@dataclass(frozen=True)
class Measuring:
    """How predictions of the test part are measured, and beside what.

    Attributes:
        task: Names the metrics and the baselines.
        learnt: What the baselines learn from.
        leaked: Ids of test rows that also stand elsewhere.
        config: The config's evaluation section.
    """

    task: Task
    learnt: TrainingInputs
    leaked: frozenset[str]
    config: EvaluationConfig

    def __call__(
        self, scored: Answers, inputs: Any, folder: Path, tell: Callable[[str], None]
    ) -> Evaluation:
        """Write the predictions into `folder`, and measure them; `inputs` are those of the test part."""
        from lextune.evaluation.evaluate import compare, evaluate
        from lextune.evaluation.kinds import Resampling
        from lextune.evaluation.predict import write_predictions

        predictions = write_predictions(scored, folder, "test")
        resampling = Resampling(self.config.bootstrap_samples, self.config.seed)
        evaluation = evaluate(
            scored, predictions, self.task.metrics, resampling, leaked=self.leaked
        )
        return compare(
            evaluation, scored, inputs, self.learnt, self.task.baselines, resampling,
            lambda name: tell(f"baseline {name}"),
        )  # fmt: skip


def try_measuring(
    config: RunConfig, prepared: Prepared, train: int, test: int, folder: Path, listener: Listener,
    features: Features | None = None,
) -> float:  # fmt: skip
    """Seconds of measuring made-up answers to the first `test` test rows, with baselines of the first `train` rows.

    A baseline needs rows of two classes: where the first rows have one, they are given labels in turn.
    """
    import numpy as np

    from lextune.data.inputs import inputs_of
    from lextune.evaluation.kinds import TrainingInputs
    from lextune.tasks.base import tasks

    task, classes = tasks.get(config.task), prepared.ref.classes
    few, measured = prepared.parts["train"][:train], prepared.parts["test"][:test]
    labels = known_labels(task, measured, classes)
    found = _made_up(task, measured, labels, classes)
    scored = answers(task, tuple(measured["id"].to_pylist()), labels, found, classes, {})
    start = time.perf_counter()
    texts = inputs_of(few, task.input_kind)
    taught = known_labels(task, few, classes)
    if task.label_kind == "class" and len(set(taught.tolist())) < 2:
        taught = np.arange(len(texts)) % len(classes)
    learnt = TrainingInputs(texts, taught, len(texts), features)
    measuring = Measuring(task, learnt, frozenset(), config.evaluation)
    measuring(scored, inputs_of(measured, task.input_kind), folder / "predictions", listener.tell)
    return time.perf_counter() - start


def _made_up(task: Task, table: Any, labels: Any, classes: Sequence[str]) -> Any:
    """Answers without a model: whatever comes, for classes, and just what the labels say elsewhere."""
    import numpy as np

    from lextune.data.inputs import inputs_of
    from lextune.evaluation.masks import summarise
    from lextune.tasks.text.tagging import ScoredSpan
    from lextune.tasks.vision.found import VOID, FoundMask, ScoredBox

    if task.label_kind == "spans":
        return [
            tuple(ScoredSpan(start, end, name, 1.0) for start, end, name in spans)
            for spans in labels
        ]
    if task.label_kind == "boxes":
        return [tuple(ScoredBox(*box[:4], box.type, 1.0) for box in boxes) for boxes in labels]
    if task.label_kind == "mask":
        truths = [_truth(one, classes) for one in inputs_of(table, "image")]  # type: ignore[arg-type]
        return [
            summarise(FoundMask(np.where(one == VOID, 0, one), 1.0, np.full_like(one, 255)), one, len(classes))
            for one in truths
        ]  # fmt: skip
    return np.random.default_rng(0).dirichlet(np.ones(len(classes)), len(labels))


def training_inputs(
    task: Task, table: Any, classes: Sequence[str], seed: int, features: Features | None = None
) -> TrainingInputs:
    """What the baselines learn from: the training part, or so many of its rows as they take, drawn with the seed."""
    import numpy as np

    from lextune.data.columns import Names
    from lextune.data.inputs import inputs_of
    from lextune.data.splits import sample
    from lextune.evaluation.baselines import MOST_ROWS
    from lextune.evaluation.kinds import TrainingInputs

    cells = table["label"].combine_chunks().dictionary_encode()
    one = task.label_kind == "class"
    numbers = cells.indices.to_numpy() if one else np.zeros(len(table), np.int64)
    names = cells.dictionary.to_pylist() if one else [""]
    ids = np.array(table["id"].to_pylist(), np.bytes_)
    rows = sample(ids, Names(names, numbers.astype(np.int32)), MOST_ROWS, seed)
    labels = known_labels(task, table.take(rows), classes)
    return TrainingInputs(inputs_of(table, task.input_kind, rows), labels, len(table), features)


def pretrained_features(
    selected: SelectedModel, task: Task, classes: Sequence[str], settings: Mapping[str, str], config: EvaluationConfig
) -> Features | None:  # fmt: skip
    """What the chosen model says of inputs before it is trained; None where no baseline of the task asks for it.

    The model is loaded at the first call.
    """
    if "linear_probe" not in task.baselines:
        return None
    import functools

    import numpy as np

    from lextune.models.loading import load_pretrained

    @functools.cache
    def model() -> LoadedModel:
        loaded = load_pretrained(
            selected.files, task, classes, max_length=1, dropout=None, settings=settings
        )
        loaded.model.eval()
        task.fit(loaded.model, frozen_norms=True)
        return loaded

    def features(inputs: Sequence[Any]) -> Any:
        found = []
        for start in range(0, len(inputs), config.batch_size):
            encoded = model().encode(inputs[start : start + config.batch_size])
            found += [
                (rows + start, model().features(encoded, rows)) for rows in encoded.in_order(config.batch_size)
            ]  # fmt: skip
        order = np.argsort(np.concatenate([rows for rows, _ in found]))
        return np.concatenate([one for _, one in found])[order]

    return features


def metrics_document(measurements: Sequence[Measurement]) -> dict[str, dict[str, Any]]:
    """Name (with its group in brackets) to value, low, high, level, n."""
    found = {}
    for one in measurements:
        name = f"{one.name}[{one.group}]" if one.group else one.name
        interval = one.interval
        found[name] = {
            "value": one.value,
            "low": interval.low if interval else None,
            "high": interval.high if interval else None,
            "level": interval.level if interval else None,
            "n": one.n,
        }
    return found
