"""The format `ctranslate2_whisper`: a Whisper model as CTranslate2 keeps it, to float32 of transformers; it knows no package.

Little-endian: the version of the container (6), the name and revision of the specification (`WhisperSpec`, 3), then
variables with name, shape, type and row-major data, then aliases. A text is its length with the final NUL, then the
bytes. See https://github.com/OpenNMT/CTranslate2, `python/ctranslate2/specs/model_spec.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lextune.models.binary import Cursor
from lextune.models.conversions.base import Converter, converters

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.generic]

_FORMAT, _SPECIFICATION, _REVISION = 6, "WhisperSpec", 3
#: Number of a type in the file to numpy's name; weights are one of those whose values float32 holds exactly.
_TYPES = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2", 5: "<u2"}
_WEIGHTS, _BFLOAT16 = (0, 4, 5), 5
#: Scalars that transformers' Whisper takes for granted: GELU, norms before the blocks, embeddings as they are.
_GRANTED = {
    "decoder/activation": 3, "decoder/alibi": 0, "decoder/pre_norm": 1, "decoder/scale_embeddings": 0,
    "decoder/start_from_zero_embedding": 0,
}  # fmt: skip
#: Scalars of word timings, which are not computed here.
_NOT_READ = ("decoder/alignment_heads", "decoder/alignment_layer")
_ALIAS = ("decoder/projection/weight", "decoder/embeddings/weight")
_MAX_SOURCE, _SECONDS, _RATE = 1500, 30, 16000
#: Added tokens that are no language, between the start and the first of the tasks.
_START, _TRANSLATE, _TRANSCRIBE = "<|startoftranscript|>", "<|translate|>", "<|transcribe|>"
_PREVIOUS, _NO_TIMES, _END = "<|startofprev|>", "<|notimestamps|>", "<|endoftext|>"
_LANGUAGE = re.compile(r"<\|[a-z]{2,3}\|>")
#: Models whose tokens are of English alone have one token fewer than the others.
_ENGLISH_TOKENS = 51864


def convert(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """config.json, generation_config.json, model.safetensors, preprocessor_config.json and the tokenizer's files.

    Args:
        files: `config.json`, `model.bin` and `tokenizer.json`.

    Raises:
        ModelError: A file is not of the format, or its weights are integers.
    """
    import safetensors.numpy

    cursor = Cursor(files["model.bin"], "model.bin")
    variables = _read_variables(cursor)
    heads = _check_scalars(cursor, variables)
    tensors = _renamed(cursor, variables)
    about = _read_json(files, "config.json")
    tokenizer = _read_json(files, "tokenizer.json")
    tokens = {str(one["content"]): int(one["id"]) for one in tokenizer.get("added_tokens", [])}
    config = _config(cursor, tensors, heads, tokens)
    return {
        "config.json": _written(config),
        "generation_config.json": _written(_generation(cursor, about, tokens, config)),
        "model.safetensors": safetensors.numpy.save(tensors, {"format": "pt"}),
        "preprocessor_config.json": _written(_preprocessor(config)),
        "tokenizer.json": files["tokenizer.json"],
        "tokenizer_config.json": _written(_tokenizer_config(config)),
    }


def _text(cursor: Cursor, what: str) -> str:
    (size,) = cursor.numbers("H", what)
    raw = cursor.raw(size, what)
    if not raw.endswith(b"\0"):
        cursor.refuse(f"a text in {what} has no end")
    return raw[:-1].decode("ascii", errors="replace")


def _read_variables(cursor: Cursor) -> dict[str, Array]:
    """Every variable by name; weights are float32, scalars as they are."""
    (version,) = cursor.numbers("I", "the header")
    specification = _text(cursor, "the header")
    revision, count = cursor.numbers("2I", "the header")
    if (version, specification, revision) != (_FORMAT, _SPECIFICATION, _REVISION):
        cursor.refuse(
            f"it is {specification[:40]!r} {revision} in version {version}, not "
            f"{_SPECIFICATION} {_REVISION} in version {_FORMAT}"
        )
    found: dict[str, Array] = {}
    for _ in range(count):
        name = _text(cursor, "the table of variables")
        if name in found:
            cursor.refuse(f"the variable {name!r} is there twice")
        found[name] = _read_variable(cursor, name)
    (aliases,) = cursor.numbers("I", "the aliases")
    pairs = [(_text(cursor, "the aliases"), _text(cursor, "the aliases")) for _ in range(aliases)]
    if pairs != [_ALIAS]:
        cursor.refuse(
            "the projection of its decoder is not its embeddings, or it has other aliases"
        )
    if cursor.place != len(cursor.data):
        cursor.refuse(f"{len(cursor.data) - cursor.place} bytes are left over at its end")
    return found


def _read_variable(cursor: Cursor, name: str) -> Array:
    import numpy as np

    (rank,) = cursor.numbers("B", name)
    shape = cursor.numbers(f"{rank}I", name)
    kind, size = cursor.numbers("BI", name)
    if kind not in _TYPES:
        cursor.refuse(f"{name} has the unknown type {kind}")
    if rank and kind not in _WEIGHTS:
        cursor.refuse(f"{name} holds integers: a quantised model is not the one that was trained")
    elements = 1
    for one in shape:
        elements *= one
    if size != elements * np.dtype(_TYPES[kind]).itemsize:
        cursor.refuse(f"{name} has {size} bytes for the shape {shape}")
    values = cursor.array(_TYPES[kind], elements, name).reshape(shape)
    if not rank:
        return values
    if kind == _BFLOAT16:
        values = (values.astype("<u4") << np.uint32(16)).view("<f4")
    exact = values.astype(np.float32)
    if not np.isfinite(exact).all():
        cursor.refuse(f"{name} holds what is no number")
    return exact


def _check_scalars(cursor: Cursor, variables: dict[str, Array]) -> dict[str, int]:
    """Heads of encoder and decoder; every scalar is taken out of `variables`."""
    scalars = {
        name: int(variables.pop(name)) for name in list(variables) if not variables[name].ndim
    }
    for name, value in _GRANTED.items():
        if scalars.pop(name, None) != value:
            cursor.refuse(f"{name} is not {value}")
    for name in _NOT_READ:
        scalars.pop(name, None)
    heads = {side: scalars.pop(f"{side}/num_heads", 0) for side in ("encoder", "decoder")}
    if min(heads.values()) < 1 or scalars:
        cursor.refuse(
            f"its scalars are not those of Whisper: {', '.join(sorted(scalars)) or 'heads'}"
        )
    return heads


class _Renaming:
    """Moves variables to transformers' names.

    Args:
        cursor: For messages.
        variables: By CTranslate2's names.

    Attributes:
        found: Tensors by transformers' names.
        left: Variables that were not moved yet.
    """

    def __init__(self, cursor: Cursor, variables: Mapping[str, Array]) -> None:
        self.cursor, self.left = cursor, dict(variables)
        self.found: dict[str, Array] = {}

    def take(self, name: str) -> Array:
        """A variable, which then is no longer left."""
        if name not in self.left:
            self.cursor.refuse(f"it has no variable {name!r}")
        return self.left.pop(name)

    def pair(self, source: str, target: str) -> None:
        """Weight and bias."""
        for kind in ("weight", "bias"):
            self.found[f"model.{target}.{kind}"] = self.take(f"{source}/{kind}")

    def norm(self, source: str, target: str) -> None:
        """Scale and shift."""
        self.found[f"model.{target}.weight"] = self.take(f"{source}/gamma")
        self.found[f"model.{target}.bias"] = self.take(f"{source}/beta")

    def stacked(self, source: str, target: str, parts: str) -> None:
        """Projections whose rows stand one above the other; a key has no bias."""
        for kind in ("weight", "bias"):
            whole = self.take(f"{source}/{kind}")
            rows = len(whole) // len(parts)
            for number, part in enumerate(parts):
                piece = whole[number * rows : (number + 1) * rows]
                if (part, kind) != ("k", "bias"):
                    self.found[f"model.{target}.{part}_proj.{kind}"] = piece
                elif piece.any():
                    self.cursor.refuse(
                        f"the keys of {source} have a bias, which transformers has no place for"
                    )

    def layer(self, side: str, number: int) -> None:
        """One layer of the encoder or the decoder."""
        source, target = f"{side}/layer_{number}", f"{side}.layers.{number}"
        self.stacked(f"{source}/self_attention/linear_0", f"{target}.self_attn", "qkv")
        self.pair(f"{source}/self_attention/linear_1", f"{target}.self_attn.out_proj")
        self.norm(f"{source}/self_attention/layer_norm", f"{target}.self_attn_layer_norm")
        if side == "decoder":
            self.stacked(f"{source}/attention/linear_0", f"{target}.encoder_attn", "q")
            self.stacked(f"{source}/attention/linear_1", f"{target}.encoder_attn", "kv")
            self.pair(f"{source}/attention/linear_2", f"{target}.encoder_attn.out_proj")
            self.norm(f"{source}/attention/layer_norm", f"{target}.encoder_attn_layer_norm")
        self.pair(f"{source}/ffn/linear_0", f"{target}.fc1")
        self.pair(f"{source}/ffn/linear_1", f"{target}.fc2")
        self.norm(f"{source}/ffn/layer_norm", f"{target}.final_layer_norm")


def _renamed(cursor: Cursor, variables: Mapping[str, Array]) -> dict[str, Array]:
    """Every tensor under transformers' name; none is left over."""
    names = _Renaming(cursor, variables)
    for number in (1, 2):
        names.pair(f"encoder/conv{number}", f"encoder.conv{number}")
    names.found["model.decoder.embed_tokens.weight"] = names.take("decoder/embeddings/weight")
    for side in ("encoder", "decoder"):
        positions = names.take(f"{side}/position_encodings/encodings")
        names.found[f"model.{side}.embed_positions.weight"] = positions
        names.norm(f"{side}/layer_norm", f"{side}.layer_norm")
        for number in range(_layers(names.left, side)):
            names.layer(side, number)
    if names.left:
        cursor.refuse(f"{len(names.left)} variables are left over, {sorted(names.left)[0]} is one")
    return dict(sorted(names.found.items()))


def _layers(variables: Mapping[str, Array], side: str) -> int:
    matches = (re.match(rf"{side}/layer_(\d+)/", name) for name in variables)
    return max((int(match[1]) + 1 for match in matches if match), default=0)


def _read_json(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    try:
        found = json.loads(files[name])
    except ValueError:
        found = None
    if not isinstance(found, dict):
        Cursor(b"", name).refuse("it is no JSON object")
    return found


def _config(
    cursor: Cursor, tensors: Mapping[str, Array], heads: Mapping[str, int], tokens: Mapping[str, int]
) -> dict[str, Any]:  # fmt: skip
    missing = [one for one in (_START, _TRANSLATE, _TRANSCRIBE, _PREVIOUS, _NO_TIMES, _END) if one not in tokens]  # fmt: skip
    if missing:
        cursor.refuse(f"its tokenizer.json has no token {missing[0]}")
    width, mels, _ = tensors["model.encoder.conv1.weight"].shape
    vocabulary = len(tensors["model.decoder.embed_tokens.weight"])
    source = len(tensors["model.encoder.embed_positions.weight"])
    if source != _MAX_SOURCE or any(width % one for one in heads.values()):
        cursor.refuse(
            f"its encoder has {source} places of width {width} for {heads['encoder']} heads"
        )
    stacks = {side: _count(tensors, side) for side in ("encoder", "decoder")}
    wide = {side: len(tensors[f"model.{side}.layers.0.fc1.weight"]) for side in stacks}
    return {
        "architectures": ["WhisperForConditionalGeneration"],
        "model_type": "whisper",
        "is_encoder_decoder": True,
        "vocab_size": vocabulary,
        "num_mel_bins": mels,
        "d_model": width,
        "encoder_layers": stacks["encoder"], "decoder_layers": stacks["decoder"],
        "encoder_attention_heads": heads["encoder"], "decoder_attention_heads": heads["decoder"],
        "encoder_ffn_dim": wide["encoder"], "decoder_ffn_dim": wide["decoder"],
        "max_source_positions": source,
        "max_target_positions": len(tensors["model.decoder.embed_positions.weight"]),
        "activation_function": "gelu",
        "scale_embedding": False,
        "tie_word_embeddings": True,
        "dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0,
        "bos_token_id": tokens[_END], "eos_token_id": tokens[_END], "pad_token_id": tokens[_END],
        "decoder_start_token_id": tokens[_START],
        "dtype": "float32",
    }  # fmt: skip


def _count(tensors: Mapping[str, Array], side: str) -> int:
    return sum(
        name.startswith(f"model.{side}.") and name.endswith("fc1.weight") for name in tensors
    )


def _generation(
    cursor: Cursor, about: Mapping[str, Any], tokens: Mapping[str, int], config: Mapping[str, Any]
) -> dict[str, Any]:
    multilingual = config["vocab_size"] > _ENGLISH_TOKENS
    try:
        suppressed = {
            "suppress_tokens": [int(one) for one in about["suppress_ids"]],
            "begin_suppress_tokens": [int(one) for one in about["suppress_ids_begin"]],
            "alignment_heads": [
                [int(layer), int(head)] for layer, head in about["alignment_heads"]
            ],
        }
    except (KeyError, TypeError, ValueError):
        cursor.refuse("its config.json does not say which tokens are never written")
    found = {
        "bos_token_id": config["bos_token_id"],
        "eos_token_id": config["eos_token_id"],
        "pad_token_id": config["pad_token_id"],
        "decoder_start_token_id": config["decoder_start_token_id"],
        "max_length": config["max_target_positions"],
        "max_initial_timestamp_index": 50,
        "no_timestamps_token_id": tokens[_NO_TIMES],
        "prev_sot_token_id": tokens[_PREVIOUS],
        "return_timestamps": False,
        "is_multilingual": multilingual,
        **suppressed,
    }
    if multilingual:
        languages = {one: number for one, number in tokens.items() if _LANGUAGE.fullmatch(one)}
        found |= {
            "lang_to_id": dict(sorted(languages.items(), key=lambda one: one[1])),
            "task_to_id": {"transcribe": tokens[_TRANSCRIBE], "translate": tokens[_TRANSLATE]},
            "task": "transcribe",
        }
    return found


def _preprocessor(config: Mapping[str, Any]) -> dict[str, Any]:
    """As OpenAI's `whisper/audio.py` makes the log-mel spectrogram."""
    return {
        "feature_extractor_type": "WhisperFeatureExtractor",
        "processor_class": "WhisperProcessor",
        "feature_size": config["num_mel_bins"],
        "sampling_rate": _RATE,
        "n_fft": 400,
        "hop_length": 160,
        "chunk_length": _SECONDS,
        "n_samples": _SECONDS * _RATE,
        "nb_max_frames": _SECONDS * _RATE // 160,
        "padding_side": "right",
        "padding_value": 0.0,
        "return_attention_mask": False,
    }


def _tokenizer_config(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "tokenizer_class": "WhisperTokenizer",
        "processor_class": "WhisperProcessor",
        "add_prefix_space": False,
        "bos_token": _END, "eos_token": _END, "pad_token": _END, "unk_token": _END,
        "clean_up_tokenization_spaces": False,
        "errors": "replace",
        "model_max_length": config["max_target_positions"],
        "return_attention_mask": False,
    }  # fmt: skip


def _written(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"


converters.register("ctranslate2_whisper")(Converter(1, convert))
