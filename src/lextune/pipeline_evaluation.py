"""Scores tables of labelled rows, and measures a verified release on other data; it decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lextune.config import EvaluationConfig, RunConfig, load_config
from lextune.evidence.keys import load_trust
from lextune.extras import require
from lextune.listener import Listener
from lextune.records import Evaluation, Measurement
from lextune.release import read_release

if TYPE_CHECKING:
    from lextune.data.columns import Texts
    from lextune.data.inputs import Histories, Images, Sounds
    from lextune.data.prepare import Prepared
    from lextune.evaluation.kinds import Answers, Resampling, TrainingInputs
    from lextune.models.loading import LoadedModel
    from lextune.tasks.base import Task

    Inputs = Texts | Images | Sounds | Histories

#: What is done to rows before a model takes them, for progress bars.
ENCODING = {
    "text": "tokenise", "image": "decode", "audio": "decode", "record": "encode", "history": "encode",
}  # fmt: skip


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
    scored = told(scored, loaded, config)
    resampling = resampling_of(config.evaluation)
    found = measure(scored, loaded.task.metrics, resampling)
    found += cost_of_the_switch(loaded, scored, config.evaluation)
    return {
        "metrics": metrics_document(found),
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
    from lextune.evaluation.kinds import kinds

    ids, inputs = tuple(table["id"].to_pylist()), inputs_of(table, loaded.task.input_kind)
    kind = kinds.get(loaded.task.label_kind)
    labels = kind.labels(inputs, table["label"].to_pylist(), loaded.classes)
    groups = {
        name.removeprefix("group."): table[name].to_pylist()
        for name in table.column_names
        if name.startswith("group.")
    }
    if loaded.task.label_kind in ("class", "classes"):
        found: Any = _scores(loaded, inputs, batch_size, listener, folder)
    else:
        found = []
        advance = listener.bar("predict", len(inputs))
        for block in inputs.blocks():
            found += found_in(loaded, block, batch_size, advance)
    made: Answers = kind.holder(ids, labels, found, loaded.classes, groups)
    return made


def told(scored: Any, loaded: LoadedModel, config: RunConfig) -> Any:
    """The answers with what must be known to measure them.

    Of transcripts that is the form of texts, and who speaks, of items how often each was met in training.
    """
    import dataclasses

    if scored.kind == "items":
        counts = loaded.settings.get("item_counts")
        return dataclasses.replace(scored, counts=None if counts is None else _numbers(counts))
    if scored.kind != "transcript":
        return scored

    from lextune.evaluation.words import form_for

    wanted = config.evaluation.text_normalisation
    form = form_for(wanted, config.data.language, english_only=_hears_english_alone(loaded.model))
    return dataclasses.replace(scored, form=form, speaker=config.data.columns.speaker)


def _numbers(cell: str) -> Any:
    import json

    import numpy as np

    return np.array(json.loads(cell), np.int64)


def resampling_of(config: EvaluationConfig) -> Resampling:
    """How a config's intervals are drawn, and how long its lists are."""
    from lextune.evaluation.kinds import Resampling

    return Resampling(config.bootstrap_samples, config.seed, config.top_k)


def cost_of_the_switch(
    loaded: LoadedModel, scored: Any, config: EvaluationConfig
) -> list[Measurement]:
    """Of recommendations: what the same users get without personal features, and the difference; else nothing.

    The model is asked once, with an empty history, since it answers everybody alike then.
    """
    if scored.kind != "items":
        return []
    from lextune.evaluation.items import switched_off
    from lextune.histories import HistoryInput

    [found] = loaded.find([HistoryInput(())], config.batch_size, lambda _: None)
    usable = scored.keep(scored.finite)
    return switched_off(usable, None if found is None else found.scores, resampling_of(config))


def _hears_english_alone(model: Any) -> bool:
    """Of Whisper: its generation config says so; of other models nothing does."""
    return getattr(getattr(model, "generation_config", None), "is_multilingual", None) is False


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


def found_in(
    loaded: LoadedModel, block: Sequence[Any], batch_size: int, advance: Callable[[int], None]
) -> list[Any]:
    """What answers hold of some inputs."""
    from lextune.evaluation.kinds import kinds

    reduce = kinds.get(loaded.task.label_kind).reduce
    if reduce is None:
        return loaded.find(block, batch_size, advance)
    found: list[Any] = []
    for start in range(0, len(block), _REDUCED_AT_ONCE):
        some = block[start : start + _REDUCED_AT_ONCE]
        for one, given in zip(some, loaded.find(some, batch_size, advance), strict=True):
            found.append(reduce(given, one, loaded.classes))
    return found


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
        from lextune.evaluation.predict import write_predictions

        predictions = write_predictions(scored, folder, "test")
        resampling = resampling_of(self.config)
        evaluation = evaluate(
            scored, predictions, self.task.metrics, resampling, leaked=self.leaked
        )
        return compare(
            evaluation, scored, inputs, self.learnt, self.task.baselines, resampling,
            lambda name: tell(f"baseline {name}"), headline=self.task.metrics[0],
        )  # fmt: skip


def try_measuring(
    config: RunConfig, prepared: Prepared, train: int, test: int, folder: Path, listener: Listener,
    features: Any = None, zero_shot: Any = None,
) -> float:  # fmt: skip
    """Seconds of measuring made-up answers to the first `test` test rows, with baselines of the first `train` rows.

    A baseline needs rows of two classes: where the first rows have one, they are given labels in turn.
    """
    import numpy as np

    from lextune.data.inputs import inputs_of
    from lextune.evaluation.kinds import TrainingInputs, kinds
    from lextune.tasks.base import tasks

    task, classes = tasks.get(config.task), prepared.ref.classes
    kind = kinds.get(task.label_kind)
    few, measured = prepared.parts["train"][:train], prepared.parts["test"][:test]
    asked = inputs_of(measured, task.input_kind)
    labels = kind.labels(asked, measured["label"].to_pylist(), classes)
    found = kind.made_up(labels, len(classes))
    scored = kind.holder(tuple(measured["id"].to_pylist()), labels, found, classes, {})
    start = time.perf_counter()
    texts = inputs_of(few, task.input_kind)
    taught = kind.labels(texts, few["label"].to_pylist(), classes)
    if task.label_kind == "class" and len(set(taught.tolist())) < 2:
        taught = np.arange(len(texts)) % len(classes)
    learnt = TrainingInputs(texts, taught, len(texts), features, zero_shot)
    measuring = Measuring(task, learnt, frozenset(), config.evaluation)
    measuring(scored, asked, folder / "predictions", listener.tell)
    return time.perf_counter() - start


def training_inputs(
    task: Task, table: Any, classes: Sequence[str], seed: int, features: Any = None, zero_shot: Any = None
) -> TrainingInputs:  # fmt: skip
    """What the baselines learn from: the training part, or so many of its rows as they take, drawn with the seed.

    Args:
        task: Whose labels they are.
        table: The training part.
        classes: In the order of the model's outputs.
        seed: Of the drawing.
        features: As of `TrainingInputs`.
        zero_shot: The same.
    """
    import numpy as np

    from lextune.data.audio.speakers import SPEAKERS
    from lextune.data.columns import Names, Texts
    from lextune.data.inputs import inputs_of
    from lextune.data.splits import sample
    from lextune.evaluation.baselines import MOST_IMAGES, MOST_ROWS
    from lextune.evaluation.kinds import TrainingInputs, kinds

    cells = table["label"].combine_chunks().dictionary_encode()
    one = task.label_kind == "class"
    numbers = cells.indices.to_numpy() if one else np.zeros(len(table), np.int64)
    names = cells.dictionary.to_pylist() if one else [""]
    ids = np.array(table["id"].to_pylist(), np.bytes_)
    most = MOST_IMAGES if task.input_kind in ("image", "audio") else MOST_ROWS
    rows = sample(ids, Names(names, numbers.astype(np.int32)), most, seed)
    inputs = inputs_of(table, task.input_kind, rows)
    labels = kinds.get(task.label_kind).labels(inputs, list(Texts(table["label"], rows)), classes)
    speakers = next(
        (f"group.{one}" for one in SPEAKERS if f"group.{one}" in table.column_names), None
    )
    known = None if speakers is None else table[speakers].take(rows).to_pylist()
    return TrainingInputs(inputs, labels, len(table), features, zero_shot, known)


def frozen_features(
    files: Mapping[str, bytes], task: Task, classes: Sequence[str], settings: Mapping[str, str],
    batch_size: int, listener: Listener, max_length: int = 1,
) -> Callable[[Sequence[Any]], Any]:  # fmt: skip
    """What the pretrained model, before any training, gives its head.

    It is built when it is first asked.

    Args:
        files: Of the pretrained model.
        task: Of the model.
        classes: In the order of the model's outputs.
        settings: What was decided about encoding.
        batch_size: Inputs in a forward pass.
        listener: Told how far it is.
        max_length: Tokens of a text; nothing else has any.
    """
    from functools import cache

    from lextune.models.loading import load_pretrained

    @cache
    def base() -> LoadedModel:
        made = load_pretrained(
            files, task, classes, max_length=max_length, dropout=0.0, settings=settings
        )
        made.model.eval()
        task.fit(made.model, frozen_norms=True)
        return made

    def features(inputs: Sequence[Any]) -> Any:
        import numpy as np
        import torch

        from lextune.training.machine import choose_precision

        found, loaded, half = [], base(), choose_precision("auto") == "bf16"
        advance = listener.bar("features", len(inputs))
        for start in range(0, len(inputs), _FEATURES_AT_ONCE):
            encoded = loaded.encode(inputs[start : start + _FEATURES_AT_ONCE])
            order, made = [], []
            for rows in encoded.in_order(batch_size):
                with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
                    given = task.features(loaded.model, task.collate(encoded, rows))
                order.append(rows)
                made.append(given.float().numpy())
                advance(len(rows))
            found.append(np.concatenate(made)[np.argsort(np.concatenate(order))])
        return np.concatenate(found)

    return features


def untouched(
    files: Mapping[str, bytes], task: Task, classes: Sequence[str], settings: Mapping[str, str],
    max_length: int, batch_size: int, listener: Listener,
) -> Callable[[Sequence[Any]], list[Any]]:  # fmt: skip
    """What the pretrained model, before any training, finds in inputs: the same as the model is asked for.

    It is built when it is first asked. Where it has no head of its own it has nothing to say: its transcripts are empty.

    Args:
        files: Of the pretrained model.
        task: Of the model.
        classes: In the order of the model's outputs.
        settings: What was decided about encoding.
        max_length: As the model was trained with.
        batch_size: Inputs in a forward pass.
        listener: Told how far it is.
    """

    def zero_shot(inputs: Sequence[Any]) -> list[Any]:
        from lextune.models.loading import load_pretrained
        from lextune.tasks.audio.found import FoundTranscript

        loaded = load_pretrained(
            files, task, classes, max_length=max_length, dropout=0.0, settings=settings
        )
        if loaded.new_tensors:
            return [FoundTranscript("", 0.0, ())] * len(inputs)
        loaded.model.eval()
        task.fit(loaded.model, frozen_norms=True)
        advance = listener.bar("zero-shot", len(inputs))
        found: list[Any] = []
        for start in range(0, len(inputs), _FEATURES_AT_ONCE):
            found += loaded.find(inputs[start : start + _FEATURES_AT_ONCE], batch_size, advance)
        return found

    return zero_shot


#: Inputs of which all that is found, and images of which the decoded pixels, are in memory at a time.
_REDUCED_AT_ONCE, _FEATURES_AT_ONCE = 16, 256


#: The baseline that is a model of its own, the difference to it, and how it is released.
_TREES = "average_precision_minus_hist_gradient_boosting"


def better_baseline(evaluation: Evaluation) -> str | None:
    """A sentence on gradient boosting where its average precision is higher than the model's, and how to release it."""
    for one in evaluation.measurements:
        if one.name == _TREES and one.value is not None and one.value < 0:
            sure = one.interval is not None and one.interval.high < 0
            return (
                f"gradient boosting has {-one.value:.4f} more average precision than the model on the same rows"
                f"{'' if sure else ', which may be chance'}; to release it instead, set model.source: "
                "init:hist-gradient-boosting"
            )
    return None


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
