"""Writes Whisper files of CTranslate2, whole or spoilt in one place; it reads none."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

WIDTH, MELS, VOCABULARY, SOURCE, TARGET = 8, 4, 24, 1500, 16
TYPES = {"f4": 0, "i1": 1, "i2": 2, "i4": 3, "f2": 4, "bf2": 5}
SCALARS = {
    "decoder/activation": ("i1", 3), "decoder/alibi": ("i1", 0), "decoder/alignment_heads": ("i2", 1),
    "decoder/alignment_layer": ("i2", -1), "decoder/num_heads": ("i2", 2), "decoder/pre_norm": ("i1", 1),
    "decoder/scale_embeddings": ("i1", 0), "decoder/start_from_zero_embedding": ("i1", 0),
    "encoder/num_heads": ("i2", 2),
}  # fmt: skip
TOKENS = (
    "<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>",
    "<|startofprev|>", "<|nocaptions|>", "<|notimestamps|>",
)  # fmt: skip


@dataclass
class File:
    """What a file says; `data` writes it as it stands, right or wrong.

    Attributes:
        variables: Name to type and bytes and shape.
    """

    version: int = 6
    specification: str = "WhisperSpec"
    revision: int = 3
    variables: dict[str, tuple[int, tuple[int, ...], bytes]] = field(default_factory=dict)
    aliases: tuple[tuple[str, str], ...] = (
        ("decoder/projection/weight", "decoder/embeddings/weight"),
    )
    after: bytes = b""

    @property
    def data(self) -> bytes:
        """The bytes of the file."""
        parts = [struct.pack("<I", self.version), _text(self.specification)]
        parts.append(struct.pack("<II", self.revision, len(self.variables)))
        for name, (kind, shape, values) in self.variables.items():
            parts += [_text(name), struct.pack(f"<B{len(shape)}I", len(shape), *shape)]
            parts += [struct.pack("<BI", kind, len(values)), values]
        parts.append(struct.pack("<I", len(self.aliases)))
        parts += [_text(one) for pair in self.aliases for one in pair]
        return b"".join(parts) + self.after


def _text(text: str) -> bytes:
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


def tiny(layers: int = 2, kind: str = "f2") -> File:
    """A whole file of random weights, float16 unless `kind` says otherwise."""
    draw = np.random.default_rng(7)
    file = File()
    for name, (scalar, value) in SCALARS.items():
        file.variables[name] = (TYPES[scalar], (), np.array(value, f"<{scalar}").tobytes())
    for name, shape in shapes(layers).items():
        values = draw.standard_normal(shape).astype("<f4")
        if name.endswith("self_attention/linear_0/bias"):
            values[WIDTH : 2 * WIDTH] = 0
        elif name.endswith("attention/linear_1/bias") and shape == (2 * WIDTH,):
            values[:WIDTH] = 0
        file.variables[name] = (TYPES[kind], shape, _stored(values, kind))
    file.variables = dict(sorted(file.variables.items()))
    return file


def _stored(values: npt.NDArray[np.float32], kind: str) -> bytes:
    if kind == "bf2":
        return (values.view("<u4") >> 16).astype("<u2").tobytes()
    return values.astype(f"<{kind}").tobytes()


def shapes(layers: int) -> dict[str, tuple[int, ...]]:
    """Shape of every weight."""
    found: dict[str, tuple[int, ...]] = {
        "encoder/conv1/weight": (WIDTH, MELS, 3), "encoder/conv1/bias": (WIDTH,),
        "encoder/conv2/weight": (WIDTH, WIDTH, 3), "encoder/conv2/bias": (WIDTH,),
        "encoder/position_encodings/encodings": (SOURCE, WIDTH),
        "decoder/position_encodings/encodings": (TARGET, WIDTH),
        "decoder/embeddings/weight": (VOCABULARY, WIDTH),
    }  # fmt: skip

    def linear(name: str, out: int, into: int = WIDTH) -> None:
        found[f"{name}/weight"], found[f"{name}/bias"] = (out, into), (out,)

    def norm(name: str) -> None:
        found[f"{name}/gamma"] = found[f"{name}/beta"] = (WIDTH,)

    for side in ("encoder", "decoder"):
        norm(f"{side}/layer_norm")
        for layer in range(layers):
            name = f"{side}/layer_{layer}"
            linear(f"{name}/self_attention/linear_0", 3 * WIDTH)
            linear(f"{name}/self_attention/linear_1", WIDTH)
            norm(f"{name}/self_attention/layer_norm")
            if side == "decoder":
                linear(f"{name}/attention/linear_0", WIDTH)
                linear(f"{name}/attention/linear_1", 2 * WIDTH)
                linear(f"{name}/attention/linear_2", WIDTH)
                norm(f"{name}/attention/layer_norm")
            linear(f"{name}/ffn/linear_0", 2 * WIDTH)
            linear(f"{name}/ffn/linear_1", WIDTH, 2 * WIDTH)
            norm(f"{name}/ffn/layer_norm")
    return found


def sides() -> dict[str, bytes]:
    """config.json and tokenizer.json beside the weights."""
    first = VOCABULARY - len(TOKENS)
    added = [{"id": first + number, "content": one} for number, one in enumerate(TOKENS)]
    about = {"suppress_ids": [1, 2], "suppress_ids_begin": [3, first], "alignment_heads": [[1, 0]]}
    return {
        "config.json": json.dumps(about).encode(),
        "tokenizer.json": json.dumps({"added_tokens": added}).encode(),
    }
