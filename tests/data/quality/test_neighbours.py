"""Near texts are found and confirmed; brute force is the witness."""

from __future__ import annotations

import random

import numpy as np
import pytest

from lextune.data.columns import Spool
from lextune.data.quality.neighbours import PERMUTATIONS, find_pairs, rows_per_band
from lextune.data.quality.shingles import jaccard, shingle_sets

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SIGNS = "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学"


def words(draw: random.Random, count: int) -> list[str]:
    return ["".join(draw.choices(LETTERS, k=draw.randint(2, 8))) for _ in range(count)]


def edited(draw: random.Random, text: str, edits: int, signs: str) -> str:
    made = list(text)
    for _ in range(edits):
        made[draw.randrange(len(made))] = draw.choice(signs)
    return "".join(made)


def texts_of(kind: str, seed: int) -> list[str]:
    """Texts of which many are others with some letters changed, at all similarities."""
    draw = random.Random(seed)
    found: list[str] = []
    for _ in range(60):
        if kind == "en":
            text, signs = " ".join(words(draw, 30)), LETTERS
        else:
            text, signs = "".join(draw.choices(SIGNS, k=70)), SIGNS
        found += [text, *(edited(draw, text, edits, signs) for edits in (1, 2, 4, 8, 20))]
    draw.shuffle(found)
    return found


def column(texts):
    with Spool() as spool:
        for text in texts:
            spool.add(text)
        return spool.column()


@pytest.mark.parametrize("kind", ["en", "zh"])
@pytest.mark.parametrize("threshold", [0.6, 0.8, 0.9])
def test_what_brute_force_finds_is_found_and_nothing_else(kind, threshold):
    texts = texts_of(kind, seed=int(threshold * 10))
    part = np.repeat([0, 1, 2], [200, 60, len(texts) - 260])
    found = find_pairs(column(texts), part, np.arange(len(texts)), threshold, seed=0)
    sets = shingle_sets(texts)
    for later, earlier, similarity in zip(
        found.later.tolist(), found.earlier.tolist(), found.similarity.tolist(), strict=True
    ):
        assert earlier < later
        assert similarity == jaccard(sets[later], sets[earlier]) >= threshold
    truth: dict[bool, set[int]] = {True: set(), False: set()}
    for later in range(len(texts)):
        for earlier in range(later):
            if jaccard(sets[later], sets[earlier]) >= threshold:
                truth[bool(part[later] == part[earlier])].add(later)
    for inside, wanted in truth.items():
        got = set(found.later[(part[found.later] == part[found.earlier]) == inside].tolist())
        assert len(wanted) > 15
        assert got <= wanted
        assert len(got) >= 0.95 * len(wanted)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9, 0.95, 0.99])
def test_a_pair_at_the_threshold_is_nearly_always_a_candidate(threshold):
    rows = rows_per_band(threshold)
    assert 1 - (1 - threshold**rows) ** (PERMUTATIONS // rows) >= 0.99


def test_texts_that_are_the_same_are_no_near_pair():
    text = "the same words in the same order, all of them"
    found = find_pairs(column([text, text]), np.zeros(2, int), np.array([4, 4]), 0.8, 0)
    assert len(found.later) == 0


def test_no_texts_and_one_text_have_no_pairs():
    for texts in ([], ["one"]):
        found = find_pairs(column(texts), np.zeros(len(texts), int), np.arange(len(texts)), 0.8, 0)
        assert (len(found.later), found.candidates) == (0, 0)


def test_many_copies_of_one_text_do_not_make_pairs_of_all_with_all():
    draw = random.Random(0)
    text = " ".join(words(draw, 60))
    texts = [f"{text} {n}" for n in range(2000)]
    found = find_pairs(column(texts), np.zeros(2000, int), np.arange(2000), 0.8, 0)
    assert len(found.later) == 1999
    assert found.candidates < 3 * 2000
