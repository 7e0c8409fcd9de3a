from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lextune.config import load_config
from lextune.errors import DataError, ModelError
from lextune.features import write_features
from lextune.models.initial import initial_files
from lextune.models.loading import load_finished, load_pretrained
from lextune.tasks.base import Grows, Pretrains, Scores, model_info, tasks
from lextune.tasks.behaviour_prediction import BehaviourPrediction
from visits import draw_visits

TASK = BehaviourPrediction("behaviour_prediction")
CLASSES = ("no", "yes")
CONFIG = {"task": "behaviour_prediction", "model": {"source": "auto"}, "data": {"train": ["x"]}}


def texts(count: int = 200, seed: int = 0, *, events: bool = False) -> tuple[list[str], list[str]]:
    rows = draw_visits(count, seed, events=events)
    labels = [row.pop("bought") for row in rows]
    return [write_features(row) for row in rows], labels


def settings(rows: list[str], **train: object) -> dict[str, str]:
    return TASK.settings(load_config({**CONFIG, "train": train}), rows, [])


def test_the_task_is_known_by_name_and_says_what_it_can() -> None:
    assert tasks.get("behaviour_prediction").input_kind == "record"
    assert isinstance(TASK, Scores)
    assert isinstance(TASK, Pretrains)
    assert isinstance(TASK, Grows)


@pytest.mark.parametrize("events", [False, True])
def test_a_transformer_learns_and_answers_the_same_when_it_is_loaded(*, events: bool) -> None:
    rows, labels = texts(events=events)
    files, chosen = initial_files("init:tabular-transformer"), settings(rows, hidden_size=16)
    torch.manual_seed(0)
    loaded = load_pretrained(files, TASK, CLASSES, max_length=64, dropout=0.0, settings=chosen)
    assert loaded.new_tensors == {name for name, _ in loaded.model.named_parameters()}
    encoded, numbers = loaded.encode(rows), TASK.numbers(labels, CLASSES)
    everything = np.arange(len(rows))
    optimizer = torch.optim.AdamW(loaded.model.parameters(), lr=1e-2)
    losses = []
    for _ in range(20):
        logits = TASK.logits(loaded.model, TASK.collate(encoded, everything))
        loss = TASK.loss(logits, TASK.targets(numbers, encoded, everything))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[0] == pytest.approx(TASK.blind_loss(2), abs=0.2)
    assert losses[-1] < 0.5 * losses[0]
    loaded.model.eval()
    info = model_info("behaviour_prediction", CLASSES, 64, "fp32", chosen)
    written = TASK.export(loaded.model, files, info)
    finished = load_finished(written)
    again = finished.encode(rows)
    expected = loaded.scores(encoded, everything)
    np.testing.assert_allclose(finished.scores(again, everything), expected, atol=1e-6)
    # alone or among longer rows a row is answered alike
    one = [finished.scores(again, np.array([row]))[0] for row in range(8)]
    np.testing.assert_allclose(np.stack(one), expected[:8], atol=1e-5)
    assert json.loads(written["config.json"])["hidden_size"] == 16


def test_a_trained_folder_is_a_pretrained_model_of_the_same_columns_alone() -> None:
    rows, _ = texts()
    files, chosen = initial_files("init:tabular-transformer"), settings(rows)
    torch.manual_seed(0)
    first = load_pretrained(files, TASK, CLASSES, max_length=64, dropout=0.0, settings=chosen)
    info = model_info("behaviour_prediction", CLASSES, 64, "fp32", chosen)
    written = TASK.export(first.model, files, info)
    others, _ = texts(seed=5)  # other quantiles and perhaps categories: those of the weights count
    newer = settings(others)
    assert newer["columns"] != chosen["columns"]
    again = load_pretrained(written, TASK, CLASSES, max_length=64, dropout=0.0, settings=newer)
    assert again.new_tensors == frozenset()
    assert TASK.masking(again.model, written, newer, load_config(CONFIG).train) is None
    same = json.loads(TASK.export(again.model, written, {**info, "settings": newer})["lextune.json"])  # fmt: skip
    assert same["settings"]["columns"] == chosen["columns"]
    other = load_pretrained(written, TASK, ("a", "b", "c"), max_length=64, dropout=0.0, settings=newer)  # fmt: skip
    assert other.new_tensors == {"head.weight", "head.bias"}
    lacking = [write_features({"pages": "1"})]
    with pytest.raises(ModelError, match="other columns than the data"):
        load_pretrained(written, TASK, CLASSES, max_length=64, dropout=0.0, settings=settings(lacking))  # fmt: skip
    with pytest.raises(ModelError, match="another size"):
        load_pretrained(
            written, TASK, CLASSES, max_length=64, dropout=0.0,
            settings=settings(others, hidden_size=32),
        )  # fmt: skip


def test_trees_answer_the_same_when_they_are_loaded_and_damaged_ones_are_refused() -> None:
    import safetensors.torch

    rows, labels = texts()
    files, chosen = initial_files("init:hist-gradient-boosting"), settings(rows)
    loaded = load_pretrained(files, TASK, CLASSES, max_length=64, dropout=0.0, settings=chosen)
    encoded, numbers = loaded.encode(rows), TASK.numbers(labels, CLASSES)
    model, grown = TASK.grow(encoded, numbers, files, 0)
    assert grown["iterations"] > 1
    info = model_info("behaviour_prediction", CLASSES, 64, "fp32", chosen)
    written = TASK.export(model, files, info)
    assert set(written) == {"config.json", "model.safetensors", "lextune.json"}
    finished = load_finished(written)
    everything = np.arange(len(rows))
    scores = finished.scores(finished.encode(rows), everything)
    expected = TASK.decode(TASK.logits(model, TASK.collate(encoded, everything)))
    np.testing.assert_array_equal(scores, expected)
    assert (scores.argmax(1) == numbers).mean() > 0.9
    state = safetensors.torch.load(written["model.safetensors"])
    for name, value in [("left", 0), ("right", 10**6), ("roots", -1), ("category_set", 10**6)]:
        broken = {key: one.clone() for key, one in state.items()}
        broken[name][:] = value
        damaged = {**written, "model.safetensors": safetensors.torch.save(broken)}
        with pytest.raises(ModelError, match="do not fit"):
            load_finished(damaged)
    for config in (
        {},
        {"arrays": {"trees": 1}},
        {"arrays": {**json.loads(written["config.json"])["arrays"], "nodes": 10**9}},
    ):
        text = json.dumps({"model_type": "hist-gradient-boosting", **config}).encode()
        with pytest.raises(ModelError, match="do not fit"):
            load_finished({**written, "config.json": text})  # fmt: skip


def test_trees_do_not_read_events() -> None:
    rows, labels = texts(events=True)
    files = initial_files("init:hist-gradient-boosting")
    encoded = TASK.encoder(files, 64, settings(rows))(rows)
    with pytest.raises(ModelError, match="does not read lists of events"):
        TASK.grow(encoded, TASK.numbers(labels, CLASSES), files, 0)


def test_what_a_request_asks_must_be_what_was_taught() -> None:
    rows, _ = texts(50)
    encode = TASK.encoder(initial_files("init:tabular-transformer"), 64, settings(rows))
    known = json.loads(rows[0])
    encode([write_features({**known, "month": "a new one", "pages": None})])
    with pytest.raises(DataError, match="lacks the features 'pages'"):
        encode([write_features({name: one for name, one in known.items() if name != "pages"})])
    with pytest.raises(DataError, match="unknown features 'shoe'"):
        encode([write_features({**known, "shoe": "9"})])
    with pytest.raises(DataError, match="'pages' is no finite number"):
        encode([write_features({**known, "pages": "inf"})])


@pytest.mark.parametrize(
    "sizes", [{"hidden_size": 30, "num_attention_heads": 4}, {"hidden_size": 9}]
)
def test_heads_must_share_the_width(sizes: dict[str, int]) -> None:
    rows, _ = texts(50)
    chosen = settings(rows, **sizes)
    with pytest.raises(ModelError, match="attention heads"):
        TASK.build(initial_files("init:tabular-transformer"), CLASSES, dropout=0.0, new_head=True, settings=chosen)  # fmt: skip


@pytest.mark.shared
def test_trees_of_online_shoppers_answer_as_scikit_learn_does(shared: Path) -> None:
    from lextune.tasks.tabular.columns import decide_columns
    from lextune.tasks.tabular.encoding import encode
    from lextune.tasks.tabular.trees import GROWTH, exported, grow, matrix_of

    path = next((shared / "data/behaviour_prediction/online_shoppers").glob("*.csv"))
    with open(path, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    labels = np.array([row.pop("Revenue") == "TRUE" for row in rows], np.int64)
    written = [write_features({k: v or None for k, v in row.items()}) for row in rows]
    columns = decide_columns(written[:8000])
    assert {one.name for one in columns if one.kind == "category"} == {"Month", "VisitorType", "Weekend"}  # fmt: skip
    cells = encode(written, columns, 1).cells
    model = grow(encode(written[:8000], columns, 1).cells, labels[:8000], GROWTH, 42)
    found = exported(model)(torch.from_numpy(matrix_of(cells))).softmax(-1).numpy()
    assert np.abs(found - model.predict_proba(matrix_of(cells))).max() < 1e-6
