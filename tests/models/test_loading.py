"""A model is loaded from the bytes that were hashed, and gives the same scores after export."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from lextune.errors import ConfigError, VerificationError
from lextune.models import loading
from lextune.tasks.base import model_info, tasks
from lextune.tasks.text import task as text_task

CLASSES = ("bad", "good", "so-so")
TEXTS = ["a wonderful film", "awful", "the plot was " + "very " * 30 + "boring", ""]
Files = dict[str, bytes]


@pytest.fixture
def pretrained(files: Files) -> loading.LoadedModel:
    torch.manual_seed(3)
    loaded = loading.load_pretrained(
        files, tasks.get("sentiment"), CLASSES, max_length=24, dropout=0.0
    )
    with torch.no_grad():
        for parameter in loaded.model.parameters():  # as if it had been trained
            parameter.add_(torch.randn_like(parameter) * 0.05)
    loaded.model.eval()
    return loaded


@pytest.fixture
def exported(pretrained: loading.LoadedModel, files: Files) -> Files:
    info = model_info("sentiment", CLASSES, 24, "fp32")
    return pretrained.task.export(pretrained.model, files, info)


def all_scores(loaded: loading.LoadedModel) -> np.ndarray:
    encoded = loaded.encode(TEXTS)
    return np.concatenate([loaded.scores(encoded, np.array([row])) for row in range(len(TEXTS))])


def test_after_export_and_loading_the_scores_are_equal(
    pretrained: loading.LoadedModel, exported: Files
) -> None:
    finished = loading.load_finished(exported)
    assert finished.classes == CLASSES
    assert finished.max_length == 24
    assert not finished.model.training
    np.testing.assert_allclose(all_scores(finished), all_scores(pretrained), atol=1e-6)


def test_transformers_loads_the_folder_as_it_is_with_equal_logits(
    pretrained: loading.LoadedModel, exported: Files, tmp_path: Path
) -> None:
    for name, data in exported.items():
        (tmp_path / name).write_bytes(data)
    library = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert library.config.id2label == dict(enumerate(CLASSES))
    encoded = loading.load_finished(exported).encode(TEXTS)
    for row, text in enumerate(TEXTS):
        batch = tokenizer(text, truncation=True, max_length=24, return_tensors="pt")
        ids = encoded.ids[encoded.offsets[row] : encoded.offsets[row + 1]]
        assert batch["input_ids"][0].tolist() == ids.tolist()
        with torch.inference_mode():
            theirs = library(**batch).logits
            ours = pretrained.task.logits(
                pretrained.model, pretrained.task.collate(encoded, np.array([row]))
            )
        torch.testing.assert_close(theirs, ours, atol=1e-6, rtol=1e-5)


def in_bf16(exported: Files) -> loading.LoadedModel:
    info = json.loads(exported["lextune.json"]) | {"precision": "bf16"}
    return loading.load_finished(exported | {"lextune.json": json.dumps(info).encode()})


def test_bf16_is_used_when_the_model_was_trained_so(
    exported: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_task, "_NEAR", 0.0)
    half = in_bf16(exported)
    assert half.precision == "bf16"
    full = loading.load_finished(exported)
    difference = np.abs(all_scores(half) - all_scores(full)).max()
    assert 0 < difference < 0.05


def test_rows_near_a_tie_get_their_scores_from_fp32(
    exported: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = np.array([[0.50, 0.46, 0.04], [0.90, 0.06, 0.04], [0.10, 0.43, 0.47], [0.2, 0.5, 0.3]])
    full = half[:, [1, 0, 2]]

    def scores(self: object, encoded: object, rows: np.ndarray, precision: str) -> np.ndarray:
        return (half if precision == "bf16" else full)[rows].astype(np.float32)

    monkeypatch.setattr(loading.LoadedModel, "_scores", scores)
    loaded = in_bf16(exported)
    found = loaded.scores(loaded.encode(TEXTS), np.array([3, 0, 1, 2]))
    np.testing.assert_allclose(found, [half[3], full[0], half[1], full[2]], rtol=1e-6)


def test_a_score_that_is_no_number_stays_none(exported: Files) -> None:
    broken = in_bf16(exported)
    with torch.no_grad():
        broken.model.classifier.bias.fill_(float("nan"))
    assert np.isnan(all_scores(broken)).all()


@pytest.mark.parametrize(
    "content",
    [None, b"", b"{", b"[]", b"{}", b'"lextune.model/v1"', b'{"schema": "lextune.model/v2"}'],
)
def test_an_unknown_or_missing_schema_is_refused(exported: Files, content: bytes | None) -> None:
    given = {name: data for name, data in exported.items() if name != "lextune.json"}
    if content is not None:
        given["lextune.json"] = content
    with pytest.raises(VerificationError, match=r"lextune\.json") as caught:
        loading.load_finished(given)
    assert caught.value.exit_code == 5


def test_an_unknown_task_is_named(exported: Files) -> None:
    info = json.loads(exported["lextune.json"]) | {"task": "sentimnet"}
    with pytest.raises(ConfigError, match="did you mean 'sentiment'"):
        loading.load_finished(exported | {"lextune.json": json.dumps(info).encode()})


@pytest.mark.parametrize(("asked", "effective"), [(16, 16), (64, 64), (512, 64)])
def test_a_model_knows_at_how_many_tokens_it_really_cuts(
    files: Files, asked: int, effective: int
) -> None:
    loaded = loading.load_pretrained(
        files, tasks.get("sentiment"), CLASSES, max_length=asked, dropout=0.0
    )
    assert loaded.max_length == effective
    assert loaded.encode(["very " * 200]).lengths.tolist() == [effective]


@pytest.mark.parametrize("key", ["task", "classes", "max_length", "precision"])
def test_a_lextune_json_that_lacks_a_field_is_refused(exported: Files, key: str) -> None:
    info = json.loads(exported["lextune.json"])
    del info[key]
    with pytest.raises(VerificationError, match=r"lextune\.json"):
        loading.load_finished(exported | {"lextune.json": json.dumps(info).encode()})
