"""What of a generated text stands in training texts and was not there to be said; it knows no model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

#: A sign of Chinese, Japanese or Korean, or a run of other letters and digits.
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
)


def words_of(text: str) -> list[str]:
    """Its words without case and punctuation; of Chinese the signs."""
    return _WORD.findall(text.casefold())


def runs(text: str, words: int) -> set[tuple[str, ...]]:
    """All stretches of so many words."""
    found = words_of(text)
    return {tuple(found[i : i + words]) for i in range(len(found) - words + 1)}


def copied(
    generated: Sequence[str], true: Sequence[str], training: Iterable[str], words: int
) -> npt.NDArray[np.bool_]:
    """Whether each text repeats so many consecutive words of a training text that its true text has not, shape (texts,).

    Args:
        generated: What the model wrote.
        true: What it should have written, one each.
        training: Texts that it learnt from.
        words: How many.
    """
    known: set[tuple[str, ...]] = set()
    for text in training:
        known |= runs(text, words)
    return np.array(
        [
            bool((runs(one, words) - runs(other, words)) & known)
            for one, other in zip(generated, true, strict=True)
        ],
        bool,
    )


def nearest(texts: Sequence[str], training: Sequence[str]) -> npt.NDArray[np.float64]:
    """Cosine similarity of each text to the nearest training text, shape (texts,).

    Of counts of 2 to 4 characters inside words, weighed by how rare they are in training (TF-IDF).

    Args:
        texts: Any.
        training: At least one.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    plain = [" ".join(words_of(one)) for one in training]
    if not any(plain):
        return np.zeros(len(texts))
    weighed = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4))
    known = weighed.fit_transform(plain)
    found = np.zeros(len(texts))
    for start in range(0, len(texts), 256):
        some = weighed.transform([" ".join(words_of(one)) for one in texts[start : start + 256]])
        found[start : start + 256] = np.asarray((some @ known.T).max(axis=1).todense()).ravel()
    return found
