"""Counts how a text that was heard differs from the one that was said; it knows no sound, no interval and no bound.

Both texts are brought into one form first, for a comma or a capital is no mistake of hearing. There are three forms:

- `none`: as they stand; only spaces are gathered.
- `basic`: Whisper's for any language (Radford et al. 2022, arXiv:2212.04356, appendix C): lower case, without marks and
  without what stands in brackets; letters keep their accents.
- `english`: Whisper's for English: numbers, contractions, titles and currencies are written one way, and fillers are
  left out. American and British spelling stay two, for transformers ships no list of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from lextune.extras import need

Form = Literal["none", "basic", "english"]
FORMS: tuple[Form, ...] = get_args(Form)
Counts = npt.NDArray[np.int64]

#: Where writing puts no spaces between words: first and last code point of each block.
_UNSPACED = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip


def form_for(wanted: str, languages: Sequence[str], *, english_only: bool) -> Form:
    """The form that `evaluation.text_normalisation` means.

    Args:
        wanted: A form, or `auto`: English where nothing else is declared or known, else basic.
        languages: Of the data, as BCP 47 writes them.
        english_only: Whether the model hears English alone.

    Raises:
        ValueError: `wanted` is neither.
    """
    if wanted != "auto":
        return FORMS[FORMS.index(wanted)]
    declared = {one.lower().partition("-")[0] for one in languages}
    return "english" if declared == {"en"} or (not declared and english_only) else "basic"


def former(form: Form) -> Callable[[str], str]:
    """The function that brings a text into a form, with single spaces.

    Raises:
        MissingExtraError: transformers is not installed.
    """
    if form == "none":
        return lambda text: " ".join(text.split())
    normalizers = need("text", "transformers.models.whisper.english_normalizer")
    made: Any = (
        normalizers.BasicTextNormalizer()
        if form == "basic"
        else normalizers.EnglishTextNormalizer({})
    )
    return lambda text: " ".join(made(text).split())


def unspaced(texts: Sequence[str]) -> bool:
    """Whether most letters of the texts are of scripts without spaces, so that there are no words to count."""
    letters = [ord(sign) for text in texts for sign in text if sign.isalpha()]
    without = sum(any(low <= sign <= high for low, high in _UNSPACED) for sign in letters)
    return 2 * without > len(letters)


def differences(said: Sequence[str], heard: Sequence[str], *, characters: bool) -> Counts:
    """Of each pair of texts substitutions, deletions, insertions, and how much was said.

    Args:
        said: The reference; an empty one is compared like any other: what was heard then is insertions.
        heard: What a model says, one for each.
        characters: Whether characters are counted, and not words.

    Returns:
        Shape (pairs, 4), of the alignment with the fewest mistakes (Levenshtein), as jiwer finds it.
    """
    jiwer = need("audio", "jiwer")
    process = jiwer.process_characters if characters else jiwer.process_words
    counts = np.zeros((len(said), 4), np.int64)
    for row, (one, other) in enumerate(zip(said, heard, strict=True)):
        found = process([one], [other])
        counts[row] = (
            found.substitutions, found.deletions, found.insertions,
            found.hits + found.substitutions + found.deletions,
        )  # fmt: skip
    return counts
