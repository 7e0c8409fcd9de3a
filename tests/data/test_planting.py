"""Canaries in the training part: as many as the coins say, in no other part, and in every count."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lextune.config import CanaryConfig, ColumnsConfig, DataConfig, QualityConfig, SplitConfig
from lextune.data.binding import check_tables
from lextune.data.prepare import prepare
from lextune.errors import DataError
from lextune.images import ImageInput
from tiny import write_images, write_reviews

NO_CHECKS = QualityConfig(checks=())


def config(path, **canaries):
    return DataConfig(
        train=(str(path),), quality=NO_CHECKS, columns=ColumnsConfig(group=("place",)),
        canaries=CanaryConfig(**canaries),
    )  # fmt: skip


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    return write_reviews(tmp_path_factory.mktemp("reviews") / "reviews.csv", 300)


def test_texts_are_made_up_and_stand_in_train_as_the_coins_say(reviews):
    plain, found = prepare(config(reviews)), prepare(config(reviews, count=60, copies=3, seed=5))
    canaries = found.canaries
    assert plain.canaries is None
    assert len(canaries.inputs) == 60
    texts = found.parts["train"]["text"].to_pylist()
    for text, inserted in zip(canaries.inputs, canaries.inserted, strict=True):
        assert texts.count(text) == (3 if inserted else 0)
    planted = sum(canaries.inserted)
    assert 10 < planted < 50
    assert len(texts) == len(plain.parts["train"]) + 3 * planted
    for name in ("validation", "test"):
        assert found.parts[name].equals(plain.parts[name])
    assert set(canaries.labels) == set(found.ref.classes) == {"positive", "negative"}
    rows = dict(zip(texts, found.parts["train"]["label"].to_pylist(), strict=True))
    assert all(rows[text] == label for text, label, inserted in
               zip(canaries.inputs, canaries.labels, canaries.inserted, strict=True) if inserted)  # fmt: skip


def test_what_is_stated_counts_them_too(reviews):
    found = prepare(config(reviews, count=40, copies=2))
    planted = sum(found.canaries.inserted)
    check_tables(found.parts, found.ref.splits)
    counts = {one.name: one.value for one in found.measurements}
    assert (counts["canaries_inserted"], counts["canaries_held_back"]) == (planted, 40 - planted)
    assert counts["train_rows"] == len(found.parts["train"]) == found.ref.splits["train"].rows
    assert sum(found.ref.splits["train"].classes.values()) == len(found.parts["train"])
    assert len(set(found.parts["train"]["id"].to_pylist())) == len(found.parts["train"])
    (told,) = [one for one in found.report.problems if one.kind == "canaries"]
    assert told.severity == "warning"
    assert str(planted) in told.fact
    assert not any(text in told.model_dump_json() for text in found.canaries.inputs)


def test_the_same_seed_plants_the_same_whatever_the_order_of_rows(reviews, tmp_path):
    head, *lines = reviews.read_text().splitlines()
    other = tmp_path / "reversed.csv"
    other.write_text("\n".join([head, *reversed(lines)]) + "\n")
    one, two = (prepare(config(path, count=20)) for path in (reviews, other))
    assert one.canaries == two.canaries
    assert one.ref.fingerprint == two.ref.fingerprint
    assert prepare(config(reviews, count=20, seed=1)).canaries != one.canaries


def test_images_cannot_be_made_up_so_rows_of_train_are_held_back(tmp_path):
    folder = write_images(tmp_path / "images", 90)
    asked = DataConfig(train=(str(folder),), quality=NO_CHECKS)
    plain = prepare(asked, inputs="image")
    found = prepare(
        asked.model_copy(update={"canaries": CanaryConfig(count=20, copies=2)}), inputs="image"
    )
    check_tables(found.parts, found.ref.splits)
    train = plain.parts["train"]
    before = dict(zip(train["text"].to_pylist(), train["label"].to_pylist(), strict=True))
    train = found.parts["train"]
    after, labels = train["text"].to_pylist(), train["label"].to_pylist()
    changed = 0
    for one, label, inserted in zip(
        found.canaries.inputs, found.canaries.labels, found.canaries.inserted, strict=True
    ):
        assert isinstance(one, ImageInput)
        text = f"sha256:{one.sha256}"
        assert text in before
        assert after.count(text) == (2 if inserted else 0)
        assert {b for a, b in zip(after, labels, strict=True) if a == text} <= {label}
        changed += before[text] != label
    assert changed > 5
    others = {one for one in after if one not in {f"sha256:{c.sha256}" for c in found.canaries.inputs}}  # fmt: skip
    assert all(before[one] == label for one, label in zip(after, labels, strict=True) if one in others)  # fmt: skip
    assert len(others) == len(before) - 20
    assert len(set(train["id"].to_pylist())) == len(train)


def test_spans_keep_their_own_labels(write):
    rows = [(f"Anna met row {n}", json.dumps([[0, 4, "PER"]])) for n in range(100)]
    asked = DataConfig(
        train=(write.csv(rows),), quality=NO_CHECKS, canaries=CanaryConfig(count=20),
        split=SplitConfig(seed=1),
    )  # fmt: skip
    found = prepare(asked, kind="spans")
    assert set(found.canaries.labels) == {'[[0,4,"PER"]]'}
    texts = np.array(found.parts["train"]["text"].to_pylist())
    assert [bool((texts == one).any()) for one in found.canaries.inputs] == list(found.canaries.inserted)  # fmt: skip


def test_a_row_that_stands_again_is_never_taken(write):
    rows = [(f"Anna met row {n}", json.dumps([[0, 4, "PER"]])) for n in range(100)]
    asked = DataConfig(train=(write.csv(rows * 2),), quality=NO_CHECKS, canaries=CanaryConfig(count=20))  # fmt: skip
    with pytest.raises(DataError, match="too few"):
        prepare(asked, kind="spans")


def test_histories_are_refused(tmp_path):
    asked = DataConfig(train=(str(tmp_path / "none.csv"),), canaries=CanaryConfig(count=1))
    with pytest.raises(DataError, match="histories"):
        prepare(asked, inputs="history")
