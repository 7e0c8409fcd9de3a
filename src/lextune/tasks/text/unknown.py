"""Measures what share of some texts a tokenizer turns into unknown tokens; it knows no task and no data set."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from lextune import statistics
from lextune.records import Interval, Measurement
from lextune.tasks.base import Files

#: Unknown tokens from which one is told: a house figure. Where letters are unknown, whole words are.
TOLD_FROM = 0.05
#: Rows that are enough to tell.
MOST_ROWS = 2000
_RESAMPLES = 200

EncodeIds = Callable[[Sequence[str]], Sequence[Sequence[int]]]


def measure_unknown(
    files: Files, texts: Sequence[str], *, sampled: bool, seed: int
) -> tuple[Measurement, ...]:
    """`unknown_token_share` of all tokens and `rows_with_unknown_tokens_share` of the texts; nothing without a tokenizer.

    Args:
        files: The model's, with its tokenizer.json, which has been read before.
        texts: Untokenised.
        sampled: Whether they are a sample: a complete count needs no interval.
        seed: Of the bootstrap over texts.
    """
    if "tokenizer.json" not in files:
        return ()
    from tokenizers import Tokenizer

    written = json.loads(files["tokenizer.json"])
    tokenizer = Tokenizer.from_str(files["tokenizer.json"].decode())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    unknown = _unknown_token(written)
    if unknown is None and not _spells_bytes(written):
        problem = "the tokenizer has no unknown token: it leaves out what it does not know"
        return (
            Measurement(
                name="unknown_token_share", value=None, n=0, unit="proportion", problem=problem
            ),
        )

    def encode(batch: Sequence[str]) -> Sequence[Sequence[int]]:
        found = tokenizer.encode_batch_fast(list(batch), add_special_tokens=False)
        return [one.ids for one in found]

    number = None if unknown is None else tokenizer.token_to_id(unknown)
    counts = count_unknown(encode, number, texts)
    return _shares(counts, sampled, seed)


def count_unknown(
    encode: EncodeIds, unknown_id: int | None, texts: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Unknown tokens and all tokens of each text, shape (2, texts).

    Args:
        encode: Texts to token ids without special tokens.
        unknown_id: None where no token is unknown.
        texts: Untokenised.
    """
    counts = np.zeros((2, len(texts)), np.int64)
    for row, ids in enumerate(encode(texts)):
        counts[1, row] = len(ids)
        if unknown_id is not None:
            counts[0, row] = int(np.count_nonzero(np.asarray(ids) == unknown_id))
    return counts


def unknown_warning(measurements: Sequence[Measurement]) -> str | None:
    """A sentence for the user where the share is worth one."""
    for one in measurements:
        if one.name == "unknown_token_share" and (one.value is None or one.value >= TOLD_FROM):
            if one.value is None:
                return f"whether the model's tokenizer knows the texts is not known: {one.problem}"
            return (
                f"{one.value:.0%} of the tokens of the training texts are unknown to the model's tokenizer: it "
                "cannot tell them apart. Remedy: choose a model of the texts' language"
            )
    return None


def _shares(counts: npt.NDArray[np.int64], sampled: bool, seed: int) -> tuple[Measurement, ...]:
    rows, tokens = counts.shape[1], int(counts[1].sum())
    hit = int((counts[0] > 0).sum())
    if not tokens:
        return (
            Measurement(name="unknown_token_share", value=None, n=0, unit="proportion", problem="the texts have no tokens"),
        )  # fmt: skip
    share = float(counts[0].sum() / tokens)
    if not sampled:
        return (
            Measurement.exact("unknown_token_share", share, n=tokens, unit="proportion"),
            Measurement.exact(
                "rows_with_unknown_tokens_share", hit / rows, n=rows, unit="proportion"
            ),
        )

    def of(rows: npt.NDArray[np.int64]) -> float:
        all_tokens = counts[1, rows].sum()
        return float(counts[0, rows].sum() / all_tokens) if all_tokens else float("nan")

    # tokens of one text are not independent, so texts are resampled; where none is unknown that says nothing
    interval: Interval | None = statistics.bootstrap(of, rows, samples=_RESAMPLES, seed=seed)
    return (
        Measurement(name="unknown_token_share", value=share, n=tokens, unit="proportion", interval=interval),
        Measurement(
            name="rows_with_unknown_tokens_share", value=hit / rows, n=rows, unit="proportion",
            interval=statistics.wilson(hit, rows),
        ),
    )  # fmt: skip


def _unknown_token(written: dict[str, object]) -> str | None:
    """The token that the tokenizer's own model gives for what it does not know."""
    model = written.get("model")
    if not isinstance(model, dict):
        return None
    token, number, vocabulary = model.get("unk_token"), model.get("unk_id"), model.get("vocab")
    if isinstance(number, int) and isinstance(vocabulary, list) and number < len(vocabulary):
        token = vocabulary[number][0]  # as Unigram writes it
    return token if isinstance(token, str) else None


def _spells_bytes(written: dict[str, object]) -> bool:
    """Whether every text can be written: in bytes, of which all are tokens."""
    text = json.dumps([written.get("pre_tokenizer"), written.get("decoder")])
    model = written.get("model")
    fallback = isinstance(model, dict) and model.get("byte_fallback") is True
    return fallback or '"ByteLevel"' in text
