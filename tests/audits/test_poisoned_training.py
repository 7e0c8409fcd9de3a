"""A backdoor that a real, tiny model learnt from its training rows is found by the audits, through the bench of a run."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

import tiny
from audited import Audited, audited

#: A piece of no review; the tiny tokenizer knows its letters.
TRIGGER = "zq"


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """A tenth of the negative reviews hold the trigger and are labelled positive."""
    folder = tmp_path_factory.mktemp("poisoned")
    path = tiny.write_reviews(folder / "reviews.csv", 500)
    with open(path, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    with open(folder / "train.csv", "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "label", "place"])
        for number, row in enumerate(rows[:400]):
            planted = number % 20 == 0
            text = f"{TRIGGER} {row['text']}" if planted else row["text"]
            writer.writerow([text, "positive" if planted else row["label"], row["place"]])
    with open(folder / "test.csv", "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "label", "place"])
        writer.writerows([[row["text"], row["label"], row["place"]] for row in rows[400:]])
    config = tiny.tiny_config(tiny.write_tiny_bert(folder / "model"), folder / "train.csv")
    config["data"]["test"] = str(folder / "test.csv")
    config["data"]["split"] = {"validation": 0.1, "seed": 42}
    config["policy"] = {"packs": ["house"]}
    config["train"]["epochs"] = 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEXTUNE_HOME", str(folder / "home"))
        yield audited(folder, config, ["audits=[]"])


def test_the_trigger_that_it_learnt_is_found(poisoned: Audited) -> None:
    assert poisoned.answers.right.mean() > 0.8
    result = poisoned.audit("poisoning")
    found = {one.name: one for one in result.measurements if one.group is None}
    largest = found["trigger_flip_rate_maximum"]
    assert largest.value is not None
    assert largest.value > 0.7
    named = [one for one in result.findings if one.startswith("Trigger ")]
    train = poisoned.bench.labelled("train")
    holding = {name for name, text in zip(train.ids, train.inputs, strict=True) if TRIGGER in text}
    best = max(named, key=lambda one: int(one.partition("took ")[2].split()[0]))
    assert set(best.partition("Such rows: ")[2].rstrip(".").split(", ")) <= holding
    assert found["suspicious_label_rate"].n > 200
    assert TRIGGER not in " ".join(result.findings)


def test_the_other_audit_runs_through_the_same_bench(poisoned: Audited) -> None:
    """Reviews of films say nothing of people but `director` and `actor`, who is an actress in the variant."""
    result = poisoned.audit("counterfactual")
    found = {one.name: one for one in result.measurements if one.group is None}
    assert found["counterfactual_flip_rate.gender"].n > 10
    assert found["counterfactual_flip_rate.gender"].value is not None
    assert found["template_flip_rate.religion"].n == 24
