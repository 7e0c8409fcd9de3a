"""Recommendation from settings to answers, on made-up people of two tastes; new items and new people have a place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny
from lextune.config import load_config
from lextune.errors import ConfigError, ModelError
from lextune.histories import Event, HistoryInput, write_items
from lextune.models.loading import LoadedModel, load_finished, load_pretrained
from lextune.tasks.base import model_info, tasks
from lextune.training.loop import Rows, Trainer
from tiny_events import EACH, NEW, TASTES, People, made_up_people

TASK = tasks.get("recommendation")


def labels(people: Sequence[HistoryInput]) -> list[str]:
    return [write_items(one.targets or ()) for one in people]


def config(**train: Any) -> Any:
    usual = {"epochs": 12, "batch_size": 16, "learning_rate": 5e-3, "dropout": 0.1, "max_length": 32,
             "precision": "fp32", "hidden_size": 32, "early_stopping_patience": 12}  # fmt: skip
    return load_config(
        {
            "task": "recommendation",
            "model": {"source": "auto"},
            "data": {"train": ["x"]},
            "train": usual | train,
        }
    )


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tiny.write_tiny_bert(tmp_path_factory.mktemp("bert"))
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def rows_of(loaded: LoadedModel, people: People) -> Rows:
    encoded = loaded.encode(people)
    ids = [str(number) for number in range(len(people))]
    return Rows(encoded, TASK.numbers(labels(people), loaded.classes, encoded), ids)


@pytest.fixture(scope="module")
def trained(bert: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """A finished model, from the files that a release would have."""
    wanted, people = config(), made_up_people(160, seed=1)
    settings = TASK.settings(wanted, people, labels(people))
    classes = tuple(sorted(people.items))
    torch.manual_seed(0)
    loaded = load_pretrained(bert, TASK, classes, max_length=32, dropout=0.1, settings=settings)
    trainer = Trainer(TASK, loaded.model, wanted.train, tmp_path_factory.mktemp("c"), identity="x")
    trainer.run(
        rows_of(loaded, people), rows_of(loaded, made_up_people(60, seed=2)), len(classes),
        resume=False,
    )  # fmt: skip
    info = model_info("recommendation", classes, 32, "fp32", settings)
    return load_finished(TASK.export(loaded.model, bert, info))


def test_settings_say_what_items_are_and_which_have_no_event() -> None:
    people = made_up_people(160, seed=1)
    found = TASK.settings(config(num_attention_heads=4), people, labels(people))
    assert json.loads(found["items"]) == people.items
    assert list(json.loads(found["items"])) == sorted(people.items)
    new = [f"{taste}{number:02}" for taste in sorted(TASTES) for number in range(EACH, EACH + NEW)]
    assert json.loads(found["cold"]) == new
    sizes = (found["hidden_size"], found["num_hidden_layers"], found["num_attention_heads"])
    assert sizes == ("32", "2", "4")


def test_items_that_nobody_describes_are_known_by_their_ids() -> None:
    people = made_up_people(4, seed=1)
    del people.items
    found = TASK.settings(config(), people, labels(people))
    items = json.loads(found["items"])
    assert set(items.values()) == {""}
    assert set(items) == {one.item for given in people for one in given.events} | {
        name for given in people for name in given.targets or ()
    }


def test_methods_and_sizes_that_do_not_fit_are_refused() -> None:
    people = made_up_people(4, seed=1)
    for method in ("head", "lora", "layerwise"):
        with pytest.raises(ConfigError, match="which recommendation does not have"):
            TASK.settings(config(method=method), people, labels(people))
    with pytest.raises(ConfigError, match="share evenly"):
        TASK.settings(config(hidden_size=36, num_attention_heads=8), people, labels(people))


def ranks(found: Any, wanted: int) -> int:
    return int((found.scores > found.scores[wanted]).sum())


def test_people_get_what_is_of_their_taste_and_nothing_that_they_had(trained: LoadedModel) -> None:
    people = made_up_people(60, seed=3)
    done: list[int] = []
    found = trained.find(people, 16, done.append)
    assert sum(done) == len(people)
    for given, one in zip(people, found, strict=True):
        taste = given.events[0].item.rstrip("0123456789")
        had = {event.item for event in given.events}
        assert {
            name
            for name, score in zip(trained.classes, one.scores, strict=True)
            if score == -np.inf
        } == had
        best = [trained.classes[place] for place in np.argsort(-one.scores)[:8]]
        assert all(name.startswith(taste) for name in best)


def test_a_new_item_with_words_of_the_liked_taste_is_recommended(trained: LoadedModel) -> None:
    """Nobody took it in training: its text alone says what it is like."""
    places = {name: number for number, name in enumerate(trained.classes)}
    people = made_up_people(60, seed=3)
    within = []
    for given, one in zip(people, trained.find(people, 16), strict=True):
        taste = given.events[0].item.rstrip("0123456789")
        other = "bad" if taste == "good" else "good"
        for number in range(EACH, EACH + NEW):
            mine, theirs = places[f"{taste}{number}"], places[f"{other}{number}"]
            within.append(ranks(one, mine) < EACH + NEW)  # among as many as there are of the taste
            assert one.scores[mine] > one.scores[theirs]
    assert np.mean(within) > 0.9


def test_a_new_person_gets_what_most_people_take(trained: LoadedModel) -> None:
    nobody, strange = HistoryInput(()), HistoryInput((Event("unheard", 1.0),))
    found = trained.find([nobody, strange], 2)
    np.testing.assert_array_equal(found[0].scores, found[1].scores)
    assert np.isfinite(found[0].scores).all()
    best = {trained.classes[place] for place in np.argsort(-found[0].scores)[:2]}
    assert best == {"good00", "bad00"}


def test_an_answer_does_not_depend_on_who_is_asked_beside(trained: LoadedModel) -> None:
    people = [*made_up_people(8, seed=4), HistoryInput(())]
    together = trained.find(people, 9)
    for given, one in zip(people, together, strict=True):
        alone = trained.find([given], 1)[0]
        np.testing.assert_allclose(alone.scores, one.scores, atol=1e-5)


def test_an_item_of_an_event_that_is_no_longer_read_is_not_recommended_again(
    trained: LoadedModel,
) -> None:
    events = [Event("good05", 0.0), *(Event("good01", 1.0 + n) for n in range(40))]
    found = trained.find([HistoryInput(tuple(events))], 1)[0]
    assert found.scores[trained.classes.index("good05")] == -np.inf


def test_scores_that_are_no_numbers_are_no_answer(trained: LoadedModel) -> None:
    info = model_info("recommendation", trained.classes, 32, "fp32", trained.settings)
    broken = load_finished(TASK.export(trained.model, {}, info))
    with torch.no_grad():
        broken.model.popularity[3] = float("nan")
    assert broken.find([HistoryInput(())], 1) == [None]


def test_training_goes_on_where_it_stopped_to_the_same_bits(
    bert: dict[str, bytes], tmp_path: Path
) -> None:
    from bench import StopAt, same, weights

    wanted, people = config(epochs=2), made_up_people(48, seed=1)
    settings = TASK.settings(wanted, people, labels(people))
    classes = tuple(sorted(people.items))

    def trainer(folder: Path, callbacks: Any = ()) -> tuple[Trainer, Rows]:
        torch.manual_seed(0)
        loaded = load_pretrained(bert, TASK, classes, max_length=32, dropout=0.1, settings=settings)
        made = Trainer(TASK, loaded.model, wanted.train, folder, identity="x", callbacks=callbacks)
        return made, rows_of(loaded, people)

    whole, rows = trainer(tmp_path / "whole")
    whole.run(rows, rows, len(classes), resume=False)
    part, rows = trainer(tmp_path / "part", [StopAt(4)])
    with pytest.raises(KeyboardInterrupt):
        part.run(rows, rows, len(classes), resume=False)
    again, rows = trainer(tmp_path / "part")
    again.run(rows, rows, len(classes), resume=True)
    assert same(weights(whole), weights(again))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_over_what_is_taught(smoothing: float) -> None:
    scores = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    taught = torch.tensor([0, -1, 3, 2, -1])
    found = TASK.loss(scores, taught, label_smoothing=smoothing)
    usual = torch.nn.functional.cross_entropy(scores, taught, ignore_index=-1, label_smoothing=smoothing)  # fmt: skip
    torch.testing.assert_close(found, usual)
    assert TASK.size(taught, None) == 3
    assert TASK.loss(scores, torch.full((5,), -1)) == 0
    cold = scores.clone()
    cold[:, 1] = -float("inf")  # an item without a training event
    assert torch.isfinite(TASK.loss(cold, taught, label_smoothing=smoothing))


def test_files_that_do_not_belong_together_are_refused(trained: LoadedModel) -> None:
    info = model_info("recommendation", trained.classes, 32, "fp32", trained.settings)
    files = TASK.export(trained.model, {}, info)
    for name, data, told in (
        ("config.json", b'{"model_type": "bert"}', "no recommender"),
        ("model.safetensors", files["model.safetensors"][:100], "damaged"),
        ("lextune.json", json.dumps({**info, "settings": {}}).encode(), "no items"),
        ("lextune.json", json.dumps({**info, "classes": ["a"]}).encode(), "54 items|can be"),
    ):
        with pytest.raises(ModelError, match=told):
            load_finished({**files, name: data})
