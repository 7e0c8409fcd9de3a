"""What may stand in the place of a word: its neighbours in the model's own word table, or itself misspelt; it asks no model.

A unit is a run of letters, with apostrophes inside, or one Chinese sign.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lextune.audits.perturbations.text import HAN, homoglyphs, neighbours, shapes

Floats = npt.NDArray[np.float32]
#: From units to what may stand for each, the likest first.
Substitutes = Callable[[Sequence[str]], list[list[str]]]

#: Splits a text so that units stand at the odd places.
UNITS = re.compile(f"([{HAN}]|(?:(?![{HAN}])[^\\W\\d_])+(?:['’](?:(?![{HAN}])[^\\W\\d_])+)*)")
#: Words that are looked at, the most frequent of training.
MOST_WORDS = 10_000
#: How many standard errors more often than by chance a word stands with a class that it leans to.
_LEANS = 2.0
#: Texts that a word must stand in.
_ENOUGH = 2
#: Words that deny, besides those on n't: without them a text says the opposite.
_DENIALS = frozenset({
    "no", "not", "never", "none", "nor", "neither", "nothing", "nobody", "without", "cannot",
    "不", "没", "無", "无", "非", "未", "否", "别", "勿",
})  # fmt: skip
#: So many words, those of most texts, are left as they are: of few words a tenth.
_COMMON = 100


def units(text: str) -> list[str]:
    """The units of a text, in small letters."""
    return [one.lower() for one in UNITS.split(text)[1::2]]


def neighbouring(
    texts: Sequence[str], labels: npt.NDArray[np.int64], vectors: Callable[[Sequence[str]], Floats],
    *, alike: float, most: int,
) -> Substitutes:  # fmt: skip
    """Words of some texts whose vectors are near.

    Near words are often of opposite meaning (Mrkšić et al. 2016, arXiv:1603.00892). So a word only stands for one that
    is met more often than by chance with the same classes. The words of most texts, which hold a sentence together
    (`the`, `not`), and those that deny, stay as they are and stand for none.

    Args:
        texts: Where the words come from.
        labels: The class of each, shape (texts,).
        vectors: Of words, shape (words, size); 0 where nothing is known of one.
        alike: Cosine between two words, from which on the one may stand for the other.
        most: Substitutes of a word.
    """
    counts: Counter[str] = Counter()
    held = [sorted(set(units(text))) for text in texts]
    for one in held:
        counts.update(one)
    words = [word for word, n in counts.most_common(MOST_WORDS) if n >= _ENOUGH]
    place = {word: index for index, word in enumerate(words)}
    leans = _leanings(held, labels, place)
    neutral = np.zeros(leans.shape[1], bool)
    table = vectors(words)
    known = np.flatnonzero(table.any(axis=1))
    middle = table[known].mean(axis=0) if len(known) else np.zeros(table.shape[1], np.float32)
    table[known] = _directions(table[known] - middle)
    common = min(_COMMON, len(words) // 10)
    table[[at for word, at in place.items() if at < common or _denies(word)]] = 0

    def near(word: str, vector: Floats) -> list[str]:
        if place.get(word, common) < common or _denies(word) or not vector.any():
            return []
        cosines = table @ _directions((vector - middle)[None])[0]
        lean = leans[place[word]] if word in place else neutral
        cosines[(leans != lean).any(axis=1)] = -1
        best = np.argsort(-cosines, kind="stable")[: most + 1]
        return [words[i] for i in best if cosines[i] >= alike and words[i] != word][:most]

    return lambda asked: [near(*one) for one in zip(asked, vectors(asked), strict=True)]


def _denies(word: str) -> bool:
    return word in _DENIALS or word.replace("’", "'").endswith("n't")


def _directions(vectors: Floats) -> Floats:
    """Each of length 1; of 0 where it is 0."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Floats = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return found


def _leanings(
    held: Sequence[Sequence[str]], labels: npt.NDArray[np.int64], place: dict[str, int]
) -> npt.NDArray[np.bool_]:
    """Which classes a word stands with more often than by chance, shape (words, classes)."""
    classes = int(labels.max()) + 1 if len(labels) else 1
    counts = np.zeros((len(place), classes))
    for words, label in zip(held, labels.tolist(), strict=True):
        counts[[place[one] for one in words if one in place], label] += 1
    share = np.bincount(labels, minlength=classes) / max(len(labels), 1)
    rows = counts.sum(axis=1, keepdims=True)
    error = np.sqrt(rows * share * (1 - share))
    return np.asarray(counts - rows * share > _LEANS * error, np.bool_)


def word_vectors(loaded: Any) -> Callable[[Sequence[str]], Floats] | None:
    """A word's row in the model's word table; 0 of a word that the model takes in pieces, which say little by themselves.

    None where the model has no such table.

    Args:
        loaded: A `models.loading.LoadedModel` of texts.
    """
    try:
        weights = loaded.model.get_input_embeddings().weight
    except (AttributeError, NotImplementedError):
        return None
    table = weights.detach().float().cpu().numpy()
    before, after = _around(loaded.encode([" a", " of", " which", " 一"]))

    unknown = loaded.encode([" \ue000"]).ids[before:].tolist()  # a sign that no text holds
    unknown = unknown[: len(unknown) - after]

    def vectors(words: Sequence[str]) -> Floats:
        encoded = loaded.encode([f" {word}" for word in words])
        found = np.zeros((len(words), table.shape[1]), np.float32)
        for row in range(len(words)):
            ids = encoded.ids[encoded.offsets[row] + before : encoded.offsets[row + 1] - after]
            if len(ids) == 1 and ids.tolist() != unknown:
                found[row] = table[ids[0]]
        return found

    return vectors


def read_of(loaded: Any, text: str) -> int:
    """How many signs from the beginning of a text fit into what the model reads; all where nothing says how much.

    Args:
        loaded: A `models.loading.LoadedModel` of texts, or None.
        text: Any.
    """
    if loaded is None or not loaded.encode([text]).truncated:
        return len(text)
    low, high = 0, len(text)  # so many are read, and so many are not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if loaded.encode([text[:middle]]).truncated else (middle, high)
    return low


def _around(encoded: Any) -> tuple[int, int]:
    """How many tokens stand before and after any text, seen from texts that have no other token in common."""
    rows = [
        encoded.ids[encoded.offsets[row] : encoded.offsets[row + 1]].tolist()
        for row in range(len(encoded))
    ]
    found = []
    for some in (rows, [one[::-1] for one in rows]):
        alike = 0
        while all(len(one) > alike and one[alike] == some[0][alike] for one in some):
            alike += 1
        found.append(alike)
    return found[0], found[1]


def misspelt(seed: int, most: int) -> Substitutes:
    """A word with two letters swapped, one lost, one doubled, one mistyped, or one of like shape.

    The edits of DeepWordBug and TextBugger (Gao et al. 2018, arXiv:1801.04354; Li et al. 2019, arXiv:1812.05271); of a
    Chinese sign, those of like shape.

    Args:
        seed: Of the places.
        most: Substitutes of a word.
    """

    def find(asked: Sequence[str]) -> list[list[str]]:
        return [
            _edits(word, np.random.default_rng([seed, *word.encode()]))[:most] for word in asked
        ]

    return find


def _edits(word: str, draw: np.random.Generator) -> list[str]:
    if word in shapes():
        return list(shapes()[word])
    if len(word) < 3:
        return []
    at = int(draw.integers(1, len(word) - 1))
    near = neighbours().get(word[at], word[at])
    typed = near[int(draw.integers(len(near)))]
    made = [
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at + 1 :],
        word[: at + 1] + word[at:],
        word[:at] + typed + word[at + 1 :],
        homoglyphs(word, draw, 1.0),
    ]
    return [one for one in dict.fromkeys(made) if one != word]


def written_like(word: str, like: str) -> str:
    """A word in small letters with the capitals of another."""
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word.capitalize() if like[:1].isupper() else word
