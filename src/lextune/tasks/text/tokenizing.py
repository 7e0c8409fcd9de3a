"""Turns texts into token ids from a tokenizer's files, and writes files by which transformers does the same; it knows no task."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lextune.errors import ModelError, Problem
from lextune.tasks.base import Encoded, Files
from lextune.tasks.pretrained import library_config, read_json

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from tokenizers import Tokenizer

#: Architectures that count positions from the padding id upwards: the first rows of their table stay unused.
_COUNT_FROM_PADDING = (
    "bridgetower", "camembert", "data2vec-text", "esm", "ibert", "layoutlmv3", "lilt",
    "longformer", "luke", "markuplm", "mpnet", "roberta", "roberta-prelayernorm", "xlm-roberta",
    "xlm-roberta-xl", "xmod",
)  # fmt: skip
_SHORTEST = 8
_SPECIAL = (
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"
)  # fmt: skip


def positions(files: Files) -> int | None:
    """How many tokens the model has positions for; None is unlimited.

    Raises:
        ModelError: There are too few for any text.
    """
    config = library_config(files)
    limit = getattr(config, "max_position_embeddings", None)
    if not isinstance(limit, int) or limit == -1:  # as XLNet says that it has no table
        return None
    if config.model_type in _COUNT_FROM_PADDING:
        padding = getattr(config, "pad_token_id", None)
        limit -= max(padding if isinstance(padding, int) else 1, 1) + 1
    if limit < _SHORTEST:
        raise ModelError(
            Problem(
                f"the model has positions for {limit} tokens only",
                "restore max_position_embeddings in config.json, or choose another model",
            )
        )
    return limit


class TextEncoder:
    """Texts to token ids, cut to a length with the special tokens kept; no row is empty.

    Args:
        files: Of the model.
        max_length: Tokens at most.

    Raises:
        ModelError: The tokenizer's files are damaged, or belong to another model.
    """

    def __init__(self, files: Files, max_length: int) -> None:
        self._tokenizer = read_tokenizer(files)
        self._limit = limit = positions(files)
        self._tokenizer.enable_truncation(max_length if limit is None else min(max_length, limit))
        self._tokenizer.no_padding()
        self._pad_id, self._pad_left = padding_of(files, self._tokenizer), pads_left(files)
        self._nothing = [filler_of(files, self._tokenizer)]

    def __call__(self, texts: Sequence[str]) -> Encoded:
        """The ids of each text."""
        import numpy as np

        found = self._tokenizer.encode_batch_fast(list(texts))
        lengths = np.fromiter((len(one) or 1 for one in found), np.int64, len(found))
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        ids = np.empty(int(offsets[-1]), np.int32)
        for index, one in enumerate(found):
            ids[offsets[index] : offsets[index + 1]] = one.ids or self._nothing
        truncated = sum(bool(one.overflowing) for one in found)
        return Encoded(ids, offsets, self._pad_id, truncated, self._limit, self._pad_left)

    def pieces(self, text: str) -> npt.NDArray[np.int64]:
        """Which characters each token of the text is of, (start, end), shape (tokens, 2); (0, 0) where of none."""
        import numpy as np

        found = self._tokenizer.encode(text)
        if not found.ids:
            return np.zeros((1, 2), np.int64)
        spans = np.array(found.offsets, np.int64).reshape(-1, 2)
        spans[np.array(found.special_tokens_mask, bool)] = 0
        return spans


def make_encoder(files: Files, max_length: int) -> TextEncoder:
    """Texts to token ids, cut to `max_length` tokens with the special tokens kept; no row is empty.

    Raises:
        ModelError: The tokenizer's files are damaged, or belong to another model.
    """
    return TextEncoder(files, max_length)


def export_tokenizer(files: Files, max_length: int) -> dict[str, bytes]:
    """tokenizer.json, and the settings by which transformers reads it as it stands, cut at `max_length`.

    A class named for an architecture (BertTokenizer, XLMRobertaTokenizer) would rebuild the tokenizer from
    settings of its own, and so give other ids than those that the model was trained on.
    """
    tokenizer = read_tokenizer(files)
    settings = read_json(files, "tokenizer_config.json")
    special = _special(files)
    padding = tokenizer.id_to_token(padding_of(files, tokenizer))
    special |= {"pad_token": padding} if padding is not None else {}
    written = {
        # a token that the vocabulary lacks would be added to it, beyond the model's embeddings
        **{
            key: token for key, token in special.items() if tokenizer.token_to_id(token) is not None
        },
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": max_length,
        "model_input_names": ["input_ids", "attention_mask"],
        "padding_side": "left" if pads_left(files) else "right",
        "truncation_side": "right",
        "clean_up_tokenization_spaces": settings.get("clean_up_tokenization_spaces") is True,
    }
    text = json.dumps(written, indent=2, sort_keys=True, ensure_ascii=False)
    kept = {name: files[name] for name in ("tokenizer.json", "vocab.txt") if name in files}
    return kept | {"tokenizer_config.json": text.encode() + b"\n"}


def read_tokenizer(files: Files) -> Tokenizer:
    """The tokenizer of tokenizer.json.

    Raises:
        ModelError: The file is missing or damaged, or has tokens that the model does not know.
    """
    from tokenizers import Tokenizer

    if "tokenizer.json" not in files:
        raise ModelError(
            Problem(
                "the model has no tokenizer.json",
                "load its tokenizer with transformers once and call save_pretrained",
            )
        )
    try:
        tokenizer = Tokenizer.from_str(files["tokenizer.json"].decode())
    except Exception as error:  # the library raises nothing narrower
        raise ModelError(
            Problem("tokenizer.json is damaged", "restore the file", type(error).__name__)
        ) from error
    size = getattr(library_config(files), "vocab_size", None)
    beyond = [
        token
        for token, number in tokenizer.get_vocab(with_added_tokens=True).items()
        if isinstance(size, int) and number >= size
    ]
    if beyond:
        raise ModelError(
            Problem(
                f"tokenizer.json has {len(beyond)} tokens beyond the model's vocabulary of {size}",
                "use the tokenizer.json and the config.json that belong to the weights",
                f"{min(beyond)!r} is one of them",
            )
        )
    return tokenizer


def _special(files: Files) -> dict[str, str]:
    """The special tokens by their role, as either of the two files names them."""
    named = read_json(files, "special_tokens_map.json") | read_json(files, "tokenizer_config.json")
    return {key: token for key in _SPECIAL if (token := _token(named, key)) is not None}


def _token(settings: dict[str, Any], key: str) -> str | None:
    """A special token, which may be written as a string or with how it is matched."""
    found = settings.get(key)
    token = found.get("content") if isinstance(found, dict) else found
    if found is not None and not isinstance(token, str):
        raise ModelError(
            Problem(
                f"tokenizer_config.json of the model names no token as {key}", "restore the file"
            )
        )
    return token


def filler_of(files: Files, tokenizer: Tokenizer) -> int:
    """What stands for a text of which nothing is left: a tokenizer without special tokens drops invisible signs."""
    unknown = _special(files).get("unk_token")
    found = tokenizer.token_to_id(unknown) if unknown else None
    return padding_of(files, tokenizer) if found is None else found


def pads_left(files: Files) -> bool:
    """XLNet alone answers from the last place of a row whatever stands there; GPT-2 looks for the last token."""
    return read_json(files, "config.json").get("model_type") == "xlnet"


def padding_of(files: Files, tokenizer: Tokenizer) -> int:
    """The padding token's id: as the tokenizer's config names it, else as the model's config numbers it."""
    token = _token(read_json(files, "tokenizer_config.json"), "pad_token") or "[PAD]"
    found = tokenizer.token_to_id(token)
    if found is None:
        found = read_json(files, "config.json").get("pad_token_id")
    return found if isinstance(found, int) and found >= 0 else 0
