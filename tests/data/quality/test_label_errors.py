"""Wrong labels that were planted are found far above chance, on made and on real texts."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.data.quality.confident import find_suspects

THEMES = {
    "sport": "goal match team league player coach score win ball season",
    "food": "soup bread cook taste salt pan oven meal sweet dinner",
    "travel": "train ticket hotel beach flight border map coast tour guide",
}
PLAIN = [
    "the",
    "a",
    "of",
    "and",
    "with",
    "some",
    "very",
    "about",
    "this",
    "that",
    "it",
    "was",
    "is",
    "new",
    "old",
]


def planted(names, rows, share, seed=0):
    """Rows (text, label) of themes with some labels changed, and the records that were changed."""
    draw = random.Random(seed)
    made, wrong = [], []
    for record in range(1, rows + 1):
        label = names[record % len(names)]
        words = draw.choices(PLAIN, k=8) + draw.choices(THEMES[label].split(), k=3)
        draw.shuffle(words)
        if draw.random() < share:
            wrong.append(record)
            label = draw.choice([name for name in names if name != label])
        made.append((f"{' '.join(words)} {record}", label))
    return made, wrong


def record_of(place):
    return int(place.rpartition("record ")[2].rstrip(")"))


def scored(found, wrong):
    """Precision and recall of the suspects."""
    named = [record_of(one["place"]) for one in found.result.details["suspects"]]
    hits = len(set(named) & set(wrong))
    return hits / len(named), hits / len(wrong)


def test_planted_errors_are_found_and_ranked(look):
    rows, wrong = planted(["sport", "food", "travel"], 600, 0.08)
    found = look("label_errors", rows)
    precision, recall = scored(found, wrong)
    assert precision > 0.9
    assert recall > 0.7
    share = found.values["likely_label_error_share", None]
    assert share.n == 600
    assert share.interval.low <= len(wrong) / 600 <= share.interval.high
    margins = [one["margin"] for one in found.result.details["suspects"]]
    assert margins == sorted(margins)
    first = found.result.details["suspects"][0]
    assert first["label"] != first["likely"]
    assert "soup" not in found.result.model_dump_json()
    assert found.findings["likely_label_error"].count == len(margins)


def test_the_same_rows_and_seed_give_the_same_suspects_in_any_order(look):
    rows, _ = planted(["sport", "food"], 200, 0.1)
    texts = []
    for _ in range(2):
        found = look("label_errors", rows)
        texts.append(
            sorted(rows[record_of(one["place"]) - 1] for one in found.result.details["suspects"])
        )
        rows = rows[::-1]
    assert texts[0] == texts[1]


def test_a_sample_is_drawn_and_said(look):
    rows, _ = planted(["sport", "food"], 300, 0.1)
    found = look("label_errors", rows, max_rows=120)
    assert found.values["likely_label_error_share", None].n == 120
    assert found.result.parameters["max_rows"] == 120


@pytest.mark.parametrize(
    "rows",
    [
        [(f"text {n}", "only") for n in range(40)],
        [(f"text {n}", "a" if n < 5 else "b") for n in range(40)],
        [(f"… {'!' * n}", "ab"[n % 2]) for n in range(1, 41)],
    ],
)
def test_what_cannot_be_learnt_is_not_applicable_and_measures_nothing(look, rows):
    result = look("label_errors", rows).result
    assert result.status == "not_applicable"
    assert result.reason
    assert result.measurements == ()


@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=30).flatmap(
        lambda labels: st.tuples(
            st.just(labels),
            st.lists(
                st.lists(st.floats(0.01, 1), min_size=3, max_size=3),
                min_size=len(labels), max_size=len(labels),
            ),
        )
    )
)  # fmt: skip
def test_suspects_are_confidently_of_another_class(given_rows):
    labels, raw = np.array(given_rows[0]), np.array(given_rows[1])
    scores = raw / raw.sum(axis=1, keepdims=True)
    found = find_suspects(labels, scores)
    assert found.joint.sum() <= len(labels)
    assert found.joint.sum() - np.trace(found.joint) == len(found.rows)
    for row, likely in zip(found.rows, found.likely, strict=True):
        assert likely != labels[row]
        of_class = scores[labels == likely, likely]
        assert len(of_class)  # no row is sent to a class that nobody has
        assert scores[row, likely] >= of_class.mean() - 1e-12


def _flipped(rows, share, seed):
    draw = random.Random(seed)
    names = sorted({label for _, label in rows})
    wrong = set(draw.sample(range(len(rows)), int(share * len(rows))))
    made = [
        (text, draw.choice([name for name in names if name != label]) if n in wrong else label)
        for n, (text, label) in enumerate(rows)
    ]
    return made, [n + 1 for n in sorted(wrong)]


def _trec(shared):
    lines = (
        (shared / "data/text_classification/trec6/train_5500.label")
        .read_text("latin-1")
        .splitlines()
    )
    return [(line.split(" ", 1)[1], line.split(":")[0]) for line in lines]


def _imdb(shared):
    folder = shared / "data/sentiment/imdb/aclImdb_small/train"
    return [
        (path.read_text(), label)
        for label in ("neg", "pos")
        for path in sorted((folder / label).iterdir())
    ]


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("read", [_imdb, _trec])
def test_planted_errors_of_real_texts_are_found_ten_times_as_often_as_by_chance(
    look, shared, write, read
):
    rows, wrong = _flipped(read(shared), 0.05, seed=1)
    path = write.jsonl(rows)
    found = look("label_errors", path)
    named = [record_of(one["place"]) for one in found.result.details["suspects"]]
    hits = len(set(named) & set(wrong))
    # of the 5 % that are wrong, chance would find 5 % in what is named; the report lists at most 200
    print(json.dumps({"rows": len(rows), "planted": len(wrong), "named": len(named), "hits": hits}))
    assert hits / len(named) > 0.3
    assert hits / len(wrong) > 0.3
