"""Loading refuses what does not verify; predicting keeps order, threads apart and memory flat."""

from __future__ import annotations

import csv
import itertools
import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lextune
import packs
import tiny
from lextune import extras
from lextune.cli import main
from lextune.errors import ConfigError, ExitCode, MissingExtraError, ModelError, VerificationError
from lextune.evidence.keys import load_or_create_key, load_trust
from lextune.models.loading import LoadedModel
from lextune.release import read_release
from lextune.serving import predictor as module
from lextune.serving.predictor import Prediction, Predictor, load_release
from lextune.tasks.base import Encoded, tasks

_QUICK = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
WORDS = {**dict.fromkeys(tiny.GOOD, "positive"), **dict.fromkeys(tiny.BAD, "negative")}


def texts_of(count: int) -> tuple[list[str], list[str]]:
    """Texts of very different lengths, and their classes."""
    told = [word for word, _ in zip(itertools.cycle(WORDS), range(count), strict=False)]
    texts = [f"{'the film was ' * (index % 5)}{word}" for index, word in enumerate(told)]
    return texts, [WORDS[word] for word in told]


class FakeModel:
    """A loaded model of two classes whose score of `positive` is the text's length over 100."""

    classes = ("negative", "positive")
    task = tasks.get("sentiment")

    def __init__(self, value: float | None = None) -> None:
        self.value = value
        self.inside = self.most = self.rows = 0

    def encode(self, texts: list[str]) -> Encoded:
        lengths = np.array([len(text) for text in texts], np.int64)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        return Encoded(np.zeros(int(offsets[-1]), np.int32), offsets, 0, 0)

    def scores(self, encoded: Encoded, rows: Any) -> Any:
        self.inside += 1
        self.most = max(self.most, self.inside)
        time.sleep(0.002)
        self.rows += len(rows)
        self.inside -= 1
        share = (
            encoded.lengths[rows] / 100 if self.value is None else np.full(len(rows), self.value)
        )
        return np.stack([1 - share, share], axis=1).astype(np.float32)


@pytest.fixture
def fake(released: Any) -> tuple[Predictor, FakeModel]:
    model = FakeModel()
    loaded: Any = model
    return Predictor(read_release(released.folder, released.trust), loaded), model


def test_the_predictor_says_what_it_is(predictor: Predictor, released: Any) -> None:
    assert (predictor.name, predictor.version) == ("tiny", "1.2.3")
    assert predictor.task == "sentiment"
    assert predictor.classes == ("negative", "positive")
    assert predictor.config.data.columns.text == "text"
    assert predictor.verification.verified
    assert predictor.run_id.startswith("tiny-1.2.3-")


def test_the_release_digest_is_that_of_the_last_statement(
    predictor: Predictor, released: Any
) -> None:
    from lextune.files import digest_file

    last = max((released.folder / "dossier" / "statements").iterdir())
    assert last.name.endswith("-release.dsse.json")
    assert predictor.release_digest == digest_file(last).sha256


def test_labels_come_in_the_order_of_the_texts(predictor: Predictor) -> None:
    texts, labels = texts_of(50)
    found = predictor.predict(texts, batch_size=7)
    assert [one.label for one in found] == labels


def test_scores_are_probabilities_and_the_label_has_the_highest(predictor: Predictor) -> None:
    for one in predictor.predict(texts_of(10)[0]):
        assert tuple(one.scores) == predictor.classes
        assert sum(one.scores.values()) == pytest.approx(1)
        assert one.score == one.scores[one.label] == max(one.scores.values())


def test_scores_are_those_of_transformers(predictor: Predictor, released: Any) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(released.folder / "tokenizer.json"), pad_token="[PAD]"
    )
    model = AutoModelForSequenceClassification.from_pretrained(released.folder)
    texts = texts_of(9)[0]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        logits = model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    expected = logits.softmax(-1).numpy()
    found = np.array([list(one.scores.values()) for one in predictor.predict(texts)])
    np.testing.assert_allclose(found, expected, atol=1e-5)


@_QUICK
@given(order=st.permutations(range(12)), batch_size=st.integers(1, 13))
def test_no_order_and_no_batch_size_changes_an_answer(
    predictor: Predictor, order: list[int], batch_size: int
) -> None:
    texts = texts_of(12)[0]
    straight = predictor.predict(texts)
    mixed = predictor.predict([texts[index] for index in order], batch_size)
    for index, one in zip(order, mixed, strict=True):
        assert one.label == straight[index].label
        assert one.score == pytest.approx(straight[index].score, abs=1e-5)


def test_no_texts_give_no_predictions(predictor: Predictor) -> None:
    assert predictor.predict([]) == []


def test_an_empty_and_an_endless_text_are_answered(predictor: Predictor) -> None:
    assert len(predictor.predict(["", "film " * 10_000])) == 2


@pytest.mark.parametrize(
    ("texts", "fact"),
    [
        (["good", None], "item 1 is no text"),
        ([b"good"], "item 0 is no text"),
        ([1] * 8, "items 0, 1, 2, 3, 4 and 3 more are no text"),
        (["good", "half \ud83d"], "item 1 is no valid Unicode"),
        ("a lonely secret", "the texts are one text, not a list"),
    ],
)
def test_what_is_no_text_is_refused_by_its_place(
    predictor: Predictor, texts: Any, fact: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        predictor.predict(texts)
    assert caught.value.problems[0].fact == fact
    assert "secret" not in str(caught.value)


def test_a_batch_of_none_is_refused_with_all_else(predictor: Predictor) -> None:
    broken: Any = [None]
    with pytest.raises(ConfigError) as caught:
        predictor.predict(broken, batch_size=0)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_never_an_answer(
    fake: tuple[Predictor, FakeModel], value: float
) -> None:
    fake[1].value = value
    with pytest.raises(ModelError, match="not a finite number"):
        fake[0].predict(["a"])


def test_a_prediction_is_frozen(predictor: Predictor) -> None:
    from pydantic import ValidationError

    one: Any = predictor.predict(["superb"])[0]
    assert isinstance(one, Prediction)
    with pytest.raises(ValidationError):
        one.label = "other"


def test_threads_get_their_own_answers(predictor: Predictor) -> None:
    texts, labels = texts_of(40)

    def ask(start: int) -> list[str]:
        return [one.label for one in predictor.predict(texts[start : start + 8], batch_size=3)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, [0, 8, 16, 24, 32] * 4))
    assert found == [labels[start : start + 8] for start in [0, 8, 16, 24, 32] * 4]


def test_only_one_thread_is_in_the_model(fake: tuple[Predictor, FakeModel]) -> None:
    asked = threading.Barrier(6)

    def ask(_: int) -> int:
        asked.wait()
        return len(fake[0].predict(["a", "bb", "ccc", "d"], batch_size=1))

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(ask, range(6))) == [4] * 6
    assert (fake[1].most, fake[1].rows) == (1, 24)


@_QUICK
@given(count=st.integers(0, 25), chunk=st.integers(1, 9))
def test_a_stream_keeps_rows_and_order(
    fake: tuple[Predictor, FakeModel], count: int, chunk: int
) -> None:
    found = list(fake[0].predict_stream(range(count), lambda row: "x" * row, chunk))
    assert [row for row, _ in found] == list(range(count))
    assert [one.scores["positive"] for _, one in found] == pytest.approx(
        [row / 100 for row in range(count)]
    )


def test_a_stream_without_end_reads_no_more_than_a_chunk_ahead(
    fake: tuple[Predictor, FakeModel],
) -> None:
    read = 0

    def rows() -> Iterator[int]:
        nonlocal read
        while True:
            read += 1
            yield read

    for number, (row, _) in enumerate(fake[0].predict_stream(rows(), str, chunk=10), start=1):
        assert row == number
        assert read - number < 10
        if number == 95:
            break


@pytest.mark.parametrize("broken", ["rows", "text_of"])
def test_a_stream_yields_what_came_before_a_failure(
    fake: tuple[Predictor, FakeModel], broken: str
) -> None:
    def rows() -> Iterator[int]:
        yield from range(7)
        if broken == "rows":
            raise OSError("gone")
        yield 7

    def text_of(row: int) -> str:
        if row == 7:
            raise OSError("gone")
        return "x"

    found: list[int] = []
    with pytest.raises(OSError, match="gone"):
        found.extend(row for row, _ in fake[0].predict_stream(rows(), text_of, chunk=5))
    assert found == list(range(7))


def test_a_stream_in_chunks_of_none_is_refused(predictor: Predictor) -> None:
    with pytest.raises(ConfigError, match="chunk is 0"):
        next(predictor.predict_stream(["a"], str, chunk=0))


def _edit(folder: Path) -> None:
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def _relabel(folder: Path) -> None:
    path = folder / "lextune.json"
    path.write_bytes(path.read_bytes().replace(b'"negative"', b'"NEGATIVE"'))


def _link(folder: Path) -> None:
    path = folder / "tokenizer.json"
    path.rename(folder.parent / "elsewhere.json")
    path.symlink_to(folder.parent / "elsewhere.json")


TAMPERED = {
    "weights edited": _edit,
    "classes renamed": _relabel,
    "file added": lambda folder: (folder / "modeling.py").write_text("print()"),
    "file removed": lambda folder: (folder / "config.json").unlink(),
    "file replaced by a link": _link,
    "statement removed": lambda folder: max((folder / "dossier/statements").iterdir()).unlink(),
    "dossier removed": lambda folder: (folder / "dossier").rename(folder.parent / "dossier"),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_tampered_release_is_refused_before_anything_is_loaded(
    copied: Path, released: Any, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(module, "load_finished", lambda _: pytest.fail("it was loaded"))
    TAMPERED[how](copied)
    with pytest.raises(VerificationError) as caught:
        load_release(copied, released.trust)
    assert caught.value.exit_code == ExitCode.UNVERIFIED == 5
    assert all(problem.remedy for problem in caught.value.problems)


def test_an_untouched_copy_is_loaded(copied: Path, released: Any) -> None:
    assert load_release(copied, released.trust).predict(["superb"])[0].label == "positive"


def test_a_stranger_s_release_is_refused(released: Any, home: Path) -> None:
    load_or_create_key()
    with pytest.raises(VerificationError):
        load_release(released.folder, load_trust(home / "trust.json"))


def test_a_user_without_a_trust_file_trusts_nobody(released: Any) -> None:
    with pytest.raises(VerificationError, match=r"trust\.json cannot be read"):
        lextune.load_release(released.folder)


def test_the_user_s_own_trust_file_is_the_default(
    released: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEXTUNE_HOME", str(released.home))
    assert lextune.load_release(str(released.folder)).name == "tiny"


def test_what_is_loaded_is_what_was_hashed(
    copied: Path, released: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_then_swap(folder: Path, trust: Any) -> Any:
        found = read_release(folder, trust)
        for path in folder.iterdir():
            if path.is_file():
                path.write_bytes(b"swapped")
        return found

    monkeypatch.setattr(module, "read_release", read_then_swap)
    found = load_release(copied, released.trust)
    assert found.predict(["superb"])[0].label == "positive"


def test_a_missing_extra_names_its_command(released: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=re.escape(extras.install_command("text"))):
        load_release(released.folder, released.trust)


def test_the_weights_are_not_kept_twice(predictor: Predictor) -> None:
    kept = vars(predictor)
    assert isinstance(kept["_loaded"], LoadedModel)
    assert not any("safetensors" in name for name in predictor.verification.evidence.documents)
    assert not any(hasattr(value, "files") and hasattr(value, "config") for value in kept.values())


def write_release(folder: Path, task: str, rows: list[dict[str, Any]]) -> Path:
    """A release of a tiny model that has learnt these rows by heart: judged by no house rule."""
    data = folder / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    config = tiny.tiny_config(tiny.write_tiny_bert(folder / "bert"), data)
    config["data"] = {
        "train": str(data),
        "test": str(data),
        "validation": str(data),
        "licence": "CC0-1.0",
    }
    config |= {"task": task, "policy": {"packs": [str(only_weights(folder))]}, "audits": []}
    config["train"] |= {"epochs": 80, "learning_rate": 5e-3, "early_stopping_patience": 80}
    finished = lextune.run(config, out=folder / "run")
    assert finished.release is not None
    return finished.release


def only_weights(folder: Path) -> Path:
    """A pack that asks for nothing but changed weights."""
    path = folder / "only.json"
    asked = {
        "measurement": "changed_weight_tensors", "bound": "interval", "operator": ">", "value": 0,
        "minimum_n": 1,
    }  # fmt: skip
    path.write_text(json.dumps(packs.pack_data(packs.control_data(requires=[asked]))))
    return path


@pytest.mark.slow
def test_entities_are_answered_as_such(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["the summer city", "a film at home", "superb family friend", "rain in winter city"]
    spans = [[[4, 15, "LOC"]], [], [[7, 20, "PER"]], [[8, 19, "LOC"]]]
    rows = [{"text": one, "label": spans[i]} for i, one in enumerate(texts)] * 4
    release = write_release(tmp_path, "ner", rows)
    found = load_release(release).predict(texts)
    assert [[(one.start, one.end, one.entity_group) for one in row.entities] for row in found] == [
        [tuple(span) for span in row] for row in spans
    ]
    assert found[0].entities[0].word == "summer city"
    assert main(["predict", str(release), str(tmp_path / "rows.jsonl")]) == 0
    line = json.loads(capsys.readouterr().out.splitlines()[2])
    assert line["entities"][0] | {"score": 0} == {
        "entity_group": "PER", "score": 0, "start": 7, "end": 20, "word": "family friend",
    }  # fmt: skip


def test_several_classes_are_answered_as_such(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["the summer city", "a film at home", "superb family friend", "rain in winter city"]
    labels = [["place", "season"], [], ["people"], ["place", "season", "weather"]]
    rows = [{"text": one, "label": labels[i]} for i, one in enumerate(texts)] * 4
    release = write_release(tmp_path, "multi_label_classification", rows)
    assert [list(row.labels) for row in load_release(release).predict(texts)] == labels
    out = tmp_path / "answers.csv"
    assert main(["predict", str(release), str(tmp_path / "rows.jsonl"), "-o", str(out)]) == 0
    capsys.readouterr()
    with open(out, newline="", encoding="utf-8") as stream:
        line = list(csv.DictReader(stream))[3]
    assert json.loads(line["labels"]) == labels[3]
    assert float(line["score.weather"]) > 0.5
