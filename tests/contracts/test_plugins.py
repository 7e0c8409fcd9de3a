"""Every plugin of every kind, picked up from its registry and tried; a newcomer is tried without a line here."""

from __future__ import annotations

import dataclasses
import inspect
import io
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import tiny
import tiny_speech
from bench import CLASSES, Bench, StopAt, same, weights
from lextune.audio import AudioInput
from lextune.audits.base import AuditInput, audits
from lextune.config import ColumnsConfig, DataConfig, QualityConfig, load_config
from lextune.config_training import TrainConfig
from lextune.data.dataset import load_rows, read_options
from lextune.data.findings import Findings
from lextune.data.formats import ReadContext, ReadOptions, Source, formats
from lextune.data.opening import read_source
from lextune.data.personal.base import recognisers
from lextune.data.quality.base import QualityInput, quality_checks, run_checks
from lextune.data.quality.results import QualityResult
from lextune.data.quality.screening import screens
from lextune.errors import LextuneError
from lextune.evaluation.baselines import baselines
from lextune.evaluation.kinds import Resampling, TrainingInputs, kinds
from lextune.evaluation.metrics import metrics
from lextune.evaluation.predict import Scored
from lextune.evidence.documents.base import documents
from lextune.features import write_features
from lextune.files import sha256
from lextune.histories import Event, HistoryInput
from lextune.images import ImageInput
from lextune.labels import Mask, write_mask
from lextune.models.conversions.base import converters
from lextune.models.initial import initial_files
from lextune.models.loading import LoadedModel, load_finished
from lextune.policy.packs import list_packs, load_pack
from lextune.records import AuditResult, Measurement
from lextune.registry import Registry
from lextune.tasks.attribution.explaining import explain
from lextune.tasks.base import model_info, tasks
from lextune.tasks.counting import operations
from lextune.training.loop import Trainer
from lextune.training.methods.base import methods

REGISTRIES: dict[str, Registry[Any]] = {
    "task": tasks, "audit": audits, "metric": metrics, "baseline": baselines, "method": methods,
    "format": formats, "recogniser": recognisers, "converter": converters,
    "quality_check": quality_checks, "screen": screens, "document": documents,
}  # fmt: skip


def sound(measurements: Any) -> None:
    """What each measurement must keep, whoever made it."""
    for one in measurements:
        assert isinstance(one, Measurement)
        assert one.name
        assert one.unit
        assert Measurement.model_validate_json(one.model_dump_json()) == one
        if one.value is None:
            assert one.interval is None or one.interval.method != "exact"
            assert one.problem, f"{one.name} is null without saying why"
        else:
            assert math.isfinite(one.value)
            assert (one.problem is None) or (one.interval is None)
        if one.interval is not None:
            assert one.interval.low <= one.interval.high
            assert one.interval.method
        if one.value is not None and one.unit == "proportion" and "difference" not in one.name:
            assert -1 <= one.value <= 2


@pytest.mark.parametrize("kind", REGISTRIES)
def test_every_registry_has_plugins_that_say_what_they_are(kind: str) -> None:
    registry = REGISTRIES[kind]
    assert registry.names()
    for name, plugin in registry:
        assert name == name.lower()
        assert inspect.getdoc(plugin), name
        module = sys.modules[getattr(plugin, "__module__", type(plugin).__module__)]
        assert module.__doc__, name


@st.composite
def predictions(draw: st.DrawFn) -> Scored:
    """Any predictions: no rows, one class only, ties, missing groups."""
    classes, rows = draw(st.integers(2, 4)), draw(st.integers(0, 12))
    labels = draw(st.lists(st.integers(0, classes - 1), min_size=rows, max_size=rows))
    raw = draw(
        st.lists(
            st.lists(st.integers(1, 9), min_size=classes, max_size=classes),
            min_size=rows,
            max_size=rows,
        )
    )
    array = np.array(raw, float).reshape(rows, classes)
    scores = array / array.sum(axis=1, keepdims=True) if rows else array
    groups = draw(st.lists(st.sampled_from(["a", "b", "", None]), min_size=rows, max_size=rows))
    names = tuple(f"c{i}" for i in range(classes))
    ids = tuple(f"r{i}" for i in range(rows))
    return Scored(ids, np.array(labels, np.int64), scores, names, {"g": groups})


@pytest.mark.parametrize("name", metrics.names())
@settings(max_examples=12, deadline=None)
@given(scored=predictions())
def test_every_metric_measures_any_predictions_soundly(name: str, scored: Scored) -> None:
    found = metrics.get(name)(scored, Resampling(20, 0))
    assert found
    assert {one.name.partition(".")[0] for one in found} == {name}
    sound(found)
    assert metrics.get(name)(scored, Resampling(20, 0)) == found


@pytest.mark.parametrize("name", audits.names())
@settings(max_examples=12, deadline=None)
@given(scored=predictions())
def test_every_audit_measures_any_predictions_soundly(name: str, scored: Scored) -> None:
    one = audits.get(name)
    given_ = AuditInput(scored, samples=20, seed=0, parameters=one.parameters())
    before = (scored.labels.copy(), scored.scores.copy())
    found = one(given_)
    assert isinstance(found, AuditResult)
    assert found.audit == name
    assert found.version
    assert found.status in ("complete", "not_applicable")
    assert bool(found.measurements) is (found.status == "complete")
    sound(found.measurements)
    assert all(one.gives(each.name) for each in found.measurements if each.group is None)
    assert AuditResult.model_validate_json(found.model_dump_json()) == found
    assert audits.get(name)(given_) == found
    np.testing.assert_array_equal(before[0], given_.labels)
    np.testing.assert_array_equal(before[1], given_.scores)


@pytest.mark.parametrize("name", audits.names())
def test_no_audit_counts_a_row_without_a_score(name: str) -> None:
    scores = np.array([[0.5, 0.5], [math.nan, 0.5]])
    one = audits.get(name)
    answers = Scored(("r", "s"), np.array([0, 1]), scores, ("a", "b"), {"g": ["x", "y"]})
    given_ = AuditInput(answers, samples=20, parameters=one.parameters())
    if one.idle(given_):
        return
    with pytest.raises(ValueError, match="finite"):
        one(given_)


def lengths(inputs: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([[len(one), one.count("l"), one.count(" ")] for one in inputs], np.float64)


def tone(pitch: str) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, tiny.draw_sound(pitch, 1), 16_000, format="WAV", subtype="PCM_16")
    return stream.getvalue()


@pytest.mark.parametrize("name", baselines.names())
def test_every_baseline_scores_every_row_in_every_class(name: str) -> None:
    texts = ["fine film", "fine plot", "dull film", "dull plot"]
    taught = TrainingInputs(texts, np.array([0, 0, 2, 2]), 4, lengths)
    asked: list[Any] = ["fine", "", "new words", "dull"]
    if name == "mfcc_svm":
        asked = [AudioInput("", "", data=tone(pitch)) for pitch in ("low", "high", "low", "middle")]
        taught = dataclasses.replace(taught, inputs=[asked[0], asked[2], asked[1], asked[3]])
    if name == "hist_gradient_boosting":
        asked = [write_features({"text": one}) for one in asked]
        taught = dataclasses.replace(
            taught, inputs=[write_features({"text": one}) for one in texts]
        )
    for _ in range(2):
        scores = baselines.get(name)(taught, asked, 3)
        assert scores.shape == (4, 3)
        assert np.isfinite(scores).all()
        np.testing.assert_allclose(scores.sum(axis=1), 1)
        assert (scores[:, 1] == 0).all()
    again = baselines.get(name)(taught, asked, 3)
    np.testing.assert_array_equal(scores, again)


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench.make(tmp_path_factory.mktemp("reviews"))


def trained_by(name: str, reviews: Bench, folder: Path, callbacks: Any = ()) -> Trainer:
    reviews.settings = {"method": name, "epochs": 2, "learning_rate": 5e-3}
    if "noise_multiplier" in methods.get(name).settings:
        reviews.settings["noise_multiplier"] = 1.0  # so that no accountant has to seek it
    return reviews.trainer(folder, callbacks)


@pytest.mark.parametrize("name", methods.names())
def test_every_method_trains_something_and_nothing_twice(
    name: str, reviews: Bench, tmp_path: Path
) -> None:
    trainer = trained_by(name, reviews, tmp_path)
    groups = trainer.optimizer.param_groups
    trained = [one for group in groups for one in group["params"]]
    assert trained
    assert len({id(one) for one in trained}) == len(trained)
    needing = [one for one in trainer.model.parameters() if one.requires_grad]
    assert {id(one) for one in trained} == {id(one) for one in needing}
    assert all(0 < group["lr_scale"] <= 1 for group in groups)
    assert methods.get(name).settings <= set(TrainConfig.model_fields)
    before = [one.detach().clone() for one in trained]
    outcome = reviews.run(trainer)
    assert outcome.steps == 20
    assert all(not torch.equal(a, b) for a, b in zip(before, trained, strict=True))


@pytest.mark.parametrize("name", methods.names())
def test_every_method_goes_on_where_it_stopped_to_the_same_bits(
    name: str, reviews: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a method may draw a secret for each run; here two runs are to have the same
    monkeypatch.setattr("lextune.training.privacy.secret.fresh", lambda: bytes(range(32)))
    whole = trained_by(name, reviews, tmp_path / "whole")
    reviews.run(whole)
    with pytest.raises(KeyboardInterrupt):
        reviews.run(trained_by(name, reviews, tmp_path / "part", [StopAt(14)]))
    monkeypatch.undo()
    again = trained_by(name, reviews, tmp_path / "part")
    reviews.run(again, resume=True)
    assert same(weights(whole), weights(again))


@pytest.mark.parametrize("name", methods.names())
def test_every_method_leaves_a_model_that_transformers_loads(
    name: str, reviews: Bench, tmp_path: Path
) -> None:
    from transformers import AutoModelForSequenceClassification

    trainer = trained_by(name, reviews, tmp_path / "c")
    reviews.run(trainer)
    model, task = trainer.model.eval(), reviews.task
    for file, data in task.export(
        model, reviews.files, model_info("sentiment", CLASSES, 32, "fp32")
    ).items():
        (tmp_path / file).write_bytes(data)
    loaded, report = AutoModelForSequenceClassification.from_pretrained(
        tmp_path, output_loading_info=True
    )
    assert not any(report.values())
    batch = task.collate(reviews.part(reviews.rows).encoded, np.arange(5))
    with torch.inference_mode():
        expected, found = task.logits(model, batch), task.logits(loaded.eval(), batch)
    assert torch.equal(expected, found)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tiny.write_tiny_bert(tmp_path_factory.mktemp("bert"))
    return {one.name: one.read_bytes() for one in folder.iterdir()}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tiny.write_tiny_network(tmp_path_factory.mktemp("network"))
    return {one.name: one.read_bytes() for one in folder.iterdir()}


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tiny_speech.write_tiny_whisper(tmp_path_factory.mktemp("whisper"))
    return {one.name: one.read_bytes() for one in folder.iterdir()}


#: Labels of three texts or images, by kind.
LABELS = {
    "class": ["c", "a", "b"],
    "classes": ['["a","c"]', "[]", '["b"]'],
    "spans": ['[[0,9,"a"]]', '[[3,13,"b"]]', "[]"],
    "transcript": ["low", "two words", "high"],
    "items": ['["c"]', '["a","b"]', '["b"]'],
    "boxes": ['[[2,3,20,22,"a"]]', '[[4,4,30,16,"b"],[6,2,18,28,"c"]]', "[]"],
}


def labelled_inputs(task: Any, folder: Path) -> tuple[list[Any], list[str]]:
    """Three rows that the task takes, with their labels."""
    if task.input_kind == "text":
        return ["wonderful film", "an awful plot", "again"], LABELS[task.label_kind]
    if task.input_kind == "record":
        return [write_features({"n": n, "c": "xy"[n % 2]}) for n in range(3)], LABELS["class"]
    if task.input_kind == "history":
        events = [Event(name, float(place)) for place, name in enumerate("abcab")]
        return [HistoryInput(tuple(events[start:])) for start in (0, 3, 5)], LABELS["items"]
    if task.input_kind == "audio":
        cells = LABELS[task.label_kind]
        return [
            AudioInput("", "", label, data=tone(pitch))
            for pitch, label in zip(tiny.PITCHES, cells, strict=True)
        ], cells
    inputs, labels = [], []
    for number, colour in enumerate(tiny.COLOURS):
        path = folder / f"{colour}.png"
        tiny.draw_image(colour, number)[0].save(path)
        label, mask = "", ""
        if task.label_kind == "mask":
            mask = str(folder / f"{colour}-mask.png")
            values = np.full((32, 40), number, np.uint8)
            values[:4] = 9  # void
            Image.fromarray(values).save(mask)
            label = write_mask(
                Mask(sha256(Path(mask).read_bytes()), (40, 32), {str(number): "abc"[number]})
            )
        else:
            label = LABELS[task.label_kind][number]
        inputs.append(ImageInput(str(path), sha256(path.read_bytes()), label, mask))
        labels.append(label)
    return inputs, labels


@pytest.mark.parametrize("name", tasks.names())
def test_every_task_builds_learns_exports_and_loads(
    name: str, bert: dict[str, bytes], network: dict[str, bytes], whisper: dict[str, bytes], tmp_path: Path
) -> None:  # fmt: skip
    task = tasks.get(name)
    initial = initial_files("init:tabular-transformer")
    pretrained = {
        "text": bert, "image": network, "audio": whisper, "history": bert, "record": initial,
    }[task.input_kind]  # fmt: skip
    assert (task.name, bool(task.pipeline_tag)) == (name, True)
    kind = kinds.get(task.label_kind)
    assert set(task.metrics) <= set(kind.metrics.names())
    assert set(task.baselines) <= set(kind.baselines.names())
    classes = ("a", "b", "c")
    outputs = task.outputs(classes)
    inputs, cells = labelled_inputs(task, tmp_path)
    config = load_config(
        {
            "task": name,
            "model": {"source": "auto"},
            "data": {"train": ["x"]},
            "train": {"dropout": 0.0},
        }
    )
    chosen = task.settings(config, inputs, cells)
    encoded = task.encoder(pretrained, 32, chosen)(inputs)
    assert len(encoded) == len(encoded.lengths) >= len(inputs)
    torch.manual_seed(0)
    model, new = task.build(pretrained, classes, dropout=0.0, new_head=True, settings=chosen)
    assert bool(new) is (task.label_kind != "transcript")  # the head
    assert new <= set(model.state_dict())
    task.fit(model, frozen_norms=True)
    rows = np.array([2, 0, 1])
    labels = task.numbers(cells, classes, encoded)
    seen = task.epoch(encoded, config.train, 0)
    taught = task.targets(labels, seen, rows)
    model.train()
    logits = task.logits(model, task.collate(seen, rows))
    assert task.accepts(logits, taught, len(outputs))
    loss = task.loss(logits, taught)
    assert 0 < float(loss.detach()) < 3 * task.blind_loss(len(outputs))
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(one.grad is not None for one in model.parameters() if one.requires_grad)
    right, of = task.right(logits, taught)
    assert 0 <= right <= of
    assert task.size(taught, None) > 0
    model.eval()
    info = model_info(name, classes, 32, "fp32", chosen)
    files = task.export(model, pretrained, info)
    assert not any(file.endswith((".bin", ".pt", ".pkl")) for file in files)
    assert json.loads(files["lextune.json"])["task"] == name
    finished = load_finished(files)
    if task.label_kind not in ("boxes", "mask", "transcript", "items"):
        with torch.inference_mode():
            expected = task.decode(task.logits(model, task.collate(encoded, rows)))
        np.testing.assert_allclose(finished.scores(encoded, rows), expected, atol=1e-6)
        assert task.unsure(expected).shape == (len(task.items(encoded, rows)),)
        assert float(loss.detach()) == pytest.approx(task.blind_loss(len(outputs)), abs=0.2)
    else:
        done: list[int] = []
        assert len(task.find(finished, inputs, 2, done.append)) == len(inputs)
        assert sum(done) == len(inputs)
    count_and_explain(finished, inputs)


def count_and_explain(finished: LoadedModel, inputs: list[Any]) -> None:
    """Passes take operations; where answers are classes, every kind of input has parts, and what each moved is a number."""
    forward = operations(finished, inputs, backward=False)
    assert 0 < forward < operations(finished, inputs, backward=True)
    if finished.task.label_kind not in ("class", "classes"):
        return

    def scores(some: Sequence[Any]) -> Any:
        return finished.scores(finished.encode(list(some)), np.arange(len(some)))

    for method in ("auto", "occlusion"):
        found = explain(finished, inputs[0], 1, scores, method=method, most=4)  # type: ignore[arg-type]
        assert len(found.parts) == len(found.weights) >= 2
        assert np.isfinite(found.weights).all()
        assert found.complete


@pytest.mark.parametrize("name", tasks.names())
def test_no_task_imports_torch_with_its_module(name: str) -> None:
    import subprocess

    module = type(tasks.get(name)).__module__
    code = (
        f"import sys, {module}; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    paths = {"PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=paths, check=False)
    assert done.returncode == 0


def read_all(name: str, path: Path) -> tuple[int, str]:
    """How many rows a reader gave, and what it said was wrong."""
    context = ReadContext(ReadOptions(format=name), Findings())
    try:
        rows = len(list(read_source(Source(str(path), path), context)))
    except LextuneError as error:
        return 0, str(error)
    return rows, " ".join(sorted(context.findings.error_kinds()))


@pytest.mark.parametrize("name", formats.names())
@pytest.mark.parametrize(
    "data", [b"", b"\0" * 100, b"\xff\xfe\xfd", b'{"text": 1', b"PAR1....PAR1"]
)
def test_every_reader_refuses_rubbish_by_name(name: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "rubbish"
    path.write_bytes(data)
    rows, told = read_all(name, path)
    assert told or (rows == 0 and data == b"")


@pytest.mark.parametrize("name", formats.names())
def test_every_reader_says_that_a_file_is_gone(name: str, tmp_path: Path) -> None:
    rows, told = read_all(name, tmp_path / "gone")
    assert rows == 0
    assert told


def test_no_suffix_has_two_readers() -> None:
    suffixes = [one for _, known in formats for one in known.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert all(one.startswith(".") and one == one.lower() for one in suffixes)


def pack_names() -> list[str]:
    folder = Path(__file__).resolve().parents[2] / "src" / "lextune" / "policies"
    return sorted(path.stem for path in folder.glob("*.yaml"))


@pytest.mark.parametrize("name", pack_names())
def test_every_shipped_pack_parses_and_speaks_two_languages(name: str) -> None:
    pack = load_pack(name)
    assert pack.id == name
    assert pack in list_packs()
    assert pack.controls
    ids = [control.id for control in pack.controls]
    assert len(set(ids)) == len(ids)
    for control in pack.controls:
        assert control.citation
        for texts in (control.titles, control.remedy):
            assert texts.en
            assert any("\u4e00" <= sign <= "\u9fff" for sign in texts.zh), control.id


@pytest.mark.parametrize("kind", ["class", "classes"])
@pytest.mark.parametrize("name", quality_checks.names())
def test_every_quality_check_measures_or_says_why_not_and_changes_nothing(
    name: str, kind: str, tmp_path: Path
) -> None:
    path, words = tmp_path / "rows.csv", tmp_path / "words.txt"
    words.write_text("zebra\n")
    texts = [f"a text with the number {n} and a zebra, told at some length" for n in range(40)]
    rows = [f'"{text}",{"ab"[n % 2]},{"ns"[n % 2]}' for n, text in enumerate([*texts, "", "ok"])]
    path.write_text("\n".join(["text,label,place", *rows]) + "\n")
    quality = QualityConfig(checks=(name,), keyword_lists=(str(words),))
    config = DataConfig(
        train=(str(path),), columns=ColumnsConfig(group=("place",)), quality=quality
    )
    context = ReadContext(read_options(config), Findings())
    read = dataclasses.replace(load_rows(config.train, config, context), kind=kind)
    before = (read.ids.tobytes(), read.digests.tobytes(), list(read.texts))
    given = QualityInput({"train": read, "test": read.take(np.arange(10))}, read, quality)
    result, *rest = run_checks(given, context.findings)
    assert rest == []
    assert result.check == name
    assert result.status in {"complete", "not_applicable"}, result.reason
    assert bool(result.reason) is (result.status == "not_applicable")
    sound(result.measurements)
    written = result.model_dump_json() + str(context.findings.problems())
    assert "a text with" not in written
    assert QualityResult.model_validate_json(result.model_dump_json()) == result
    assert before == (read.ids.tobytes(), read.digests.tobytes(), list(read.texts))
