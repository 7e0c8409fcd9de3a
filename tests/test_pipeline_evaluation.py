"""Tables of images become answers of their task's kind, and the frozen model's features stand in the images' order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image

import tiny
from lextune.config import load_config
from lextune.evaluation.boxes import ScoredBoxes
from lextune.evaluation.evaluate import compare, evaluate, measure
from lextune.evaluation.kinds import Resampling
from lextune.evaluation.masks import ScoredMasks, read_truth
from lextune.files import sha256
from lextune.images import ImageInput
from lextune.labels import Box, Mask, write_boxes, write_mask
from lextune.listener import Listener
from lextune.models.loading import LoadedModel, load_pretrained
from lextune.pipeline_evaluation import (
    frozen_features,
    score_table,
    training_inputs,
)
from lextune.records import Predictions
from lextune.tasks.base import tasks
from lextune.tasks.vision.found import VOID, FoundMask

CLASSES = ("a", "b", "c")
DRAWS = Resampling(50, 0)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tiny.write_tiny_network(tmp_path_factory.mktemp("network"))
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def table(folder: Path, kind: str) -> Any:
    """Six images of three colours and two shapes, and their labels."""
    columns: dict[str, list[str]] = {name: [] for name in ("id", "text", "label", "image", "mask")}
    for number in range(6):
        colour = list(tiny.COLOURS)[number % 3]
        path = folder / f"{number}.png"
        image = tiny.draw_image(colour, number)[0].resize((40, 30 + 10 * (number % 2)))
        image.save(path)
        name, mask, label = CLASSES[number % 3], "", CLASSES[number % 3]
        if kind == "boxes":
            label = write_boxes([Box(2, 3, 20, 22, name)])
        if kind == "mask":
            values = np.full((image.height, 40), 7, np.uint8)
            values[:4] = 9  # void
            path_of_mask = folder / f"{number}-mask.png"
            Image.fromarray(values).save(path_of_mask)
            mask = str(path_of_mask)
            label = write_mask(
                Mask(sha256(path_of_mask.read_bytes()), (40, image.height), {"7": name})
            )
        digest = f"sha256:{sha256(path.read_bytes())}"
        row = (f"r{number}", digest, label, str(path), mask)
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    return pa.table(columns)


def loaded(name: str, network: dict[str, bytes], classes: tuple[str, ...] = CLASSES) -> LoadedModel:
    torch.manual_seed(0)
    made = load_pretrained(network, tasks.get(name), classes, max_length=32, dropout=0.0)
    made.model.eval()
    return made


def probed(network: dict[str, bytes], model: LoadedModel, batch_size: int) -> Any:
    return frozen_features(
        network, model.task, model.classes, model.settings, batch_size, Listener()
    )


@pytest.mark.parametrize(
    ("name", "holder"), [("object_detection", ScoredBoxes), ("semantic_segmentation", ScoredMasks)]
)
def test_a_table_of_images_is_answered_and_measured(
    name: str, holder: type, network: dict[str, bytes], tmp_path: Path
) -> None:
    model = loaded(name, network)
    rows = table(tmp_path, model.task.label_kind)
    scored = score_table(model, rows, 4, Listener())
    assert isinstance(scored, holder)
    assert scored.ids == tuple(f"r{number}" for number in range(6))
    assert scored.finite.all()
    found = measure(scored, model.task.metrics, DRAWS)
    headline = next(one for one in found if one.name == model.task.metrics[0])
    assert headline.value is not None
    assert headline.n == 6
    assert set(scored.columns()) >= {"label", "prediction"}


def test_masks_are_those_of_the_images_in_the_models_numbers(
    network: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that says what the truth is has an overlap of 1, whatever the order of its classes."""
    model = loaded("semantic_segmentation", network, ("c", "b", "a"))

    def find(_: Any, inputs: list[ImageInput], *__: object) -> list[FoundMask]:
        truths = [read_truth(one, model.classes) for one in inputs]
        assert all((one == VOID).any() for one in truths)
        given = [np.where(one == VOID, 0, one).astype(np.uint8) for one in truths]
        return [FoundMask(one, 1.0, np.full_like(one, 255)) for one in given]

    monkeypatch.setattr(type(model.task), "find", lambda self, *given: find(*given))
    scored = score_table(model, table(tmp_path, "mask"), 4, Listener())
    values = {one.name: one.value for one in measure(scored, ("mean_iou", "iou"), DRAWS)}
    assert values == {"mean_iou": 1.0, "iou.a": 1.0, "iou.b": 1.0, "iou.c": 1.0}


def test_features_are_those_of_the_pretrained_model_in_the_images_order(
    network: dict[str, bytes], tmp_path: Path
) -> None:
    model = loaded("image_classification", network)
    rows = table(tmp_path, "class")
    with torch.no_grad():
        for one in model.model.parameters():
            one.add_(1)  # as training would
    features = probed(network, model, 2)
    learnt = training_inputs(model.task, rows, CLASSES, 0, features)
    found = features(learnt.inputs)
    fresh = loaded("image_classification", network)
    encoded = fresh.encode(list(learnt.inputs))
    with torch.inference_mode():
        batch = fresh.task.collate(encoded, np.arange(6))
        expected = fresh.task.features(fresh.model, batch).numpy()
    np.testing.assert_allclose(found, expected, atol=0.02 * float(np.abs(expected).max()))
    np.testing.assert_allclose(
        features(learnt.inputs[3:5]), expected[3:5], atol=0.02 * float(np.abs(expected).max())
    )


def test_a_classifier_of_images_stands_beside_its_linear_probe(
    network: dict[str, bytes], tmp_path: Path
) -> None:
    model = loaded("image_classification", network)
    rows = table(tmp_path, "class")
    scored = score_table(model, rows, 4, Listener())
    features = probed(network, model, 4)
    learnt = training_inputs(model.task, rows, CLASSES, 0, features)
    file = Predictions(path="p", sha256="0" * 64, split="test", rows=6, classes=CLASSES)
    evaluation = evaluate(scored, file, model.task.metrics, DRAWS)
    done = compare(evaluation, scored, learnt.inputs, learnt, ("linear_probe",), DRAWS)
    assert {one.name for one in done.baselines["linear_probe"]} >= {"accuracy", "training_rows"}
    assert any(one.name == "accuracy_minus_linear_probe" for one in done.measurements)


def test_the_form_of_texts_is_chosen_by_language_and_model() -> None:
    from types import SimpleNamespace

    from lextune.evaluation.transcripts import ScoredTranscripts
    from lextune.pipeline_evaluation import told

    def form(wanted, language, multilingual):
        config = load_config(
            {"task": "speech_to_text", "model": {"source": "x"},
             "data": {"train": "x.csv", "language": language, "columns": {"speaker": "who"}},
             "evaluation": {"text_normalisation": wanted}}, [],
        )  # fmt: skip
        model = SimpleNamespace(generation_config=SimpleNamespace(is_multilingual=multilingual))
        answers = ScoredTranscripts((), [], [], (), {})
        made = told(answers, SimpleNamespace(model=model), config)
        assert made.speaker == "who"
        return made.form

    assert form("auto", [], False) == "english"
    assert form("auto", [], True) == "basic"
    assert form("auto", ["en"], True) == "english"
    assert form("none", ["en"], False) == "none"


def test_the_untouched_model_is_asked_for_the_same_rows(tmp_path) -> None:
    import tiny_speech
    from lextune.audio import AudioInput
    from lextune.pipeline_evaluation import untouched
    from lextune.serving.sounds import silence
    from lextune.tasks.base import tasks

    folder = tiny_speech.write_tiny_whisper(tmp_path / "model")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    ask = untouched(
        files, tasks.get("speech_to_text"), (), {"language": "en"}, 64, 4, Listener()
    )  # fmt: skip
    given = [AudioInput("", "", data=silence(seconds)) for seconds in (1.0, 2.0)]
    found = ask(given)
    assert len(found) == 2
    assert found == ask(given)
