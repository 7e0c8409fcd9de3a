"""Writes files of the format E5S1, whole or spoilt in one place; it reads none."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

SIZES = {
    "hidden": 32, "layers": 2, "heads": 4, "intermediate": 64, "vocabulary": 48, "positions": 16,
    "types": 2,
}  # fmt: skip
PIECES = [
    "<s>", "<pad>", "</s>", "<unk>", "▁", "▁que", "ry", ":", "好", "不", "酒店", "很", "a", "b", "～",
    "▁good", "▁bad", "。", "!", "间",
]  # fmt: skip
#: As NFKC and sentencepiece have them.
RULES = {0x9: [0x20], 0xA0: [0x20], 0xFB01: [0x66, 0x69], 0xFF01: [0x21], 0xFF21: [0x41]}


@dataclass
class File:
    """What a file says; `data` writes it as it stands, right or wrong.

    Attributes:
        tensors: Name to kind (0 float32, 1 Q4), number of elements and bytes.
        shift: Added to the offset of each tensor in the table.
    """

    signature: bytes = b"E5S1"
    version: int = 1
    sizes: list[int] = field(default_factory=lambda: list(SIZES.values()))
    epsilon: float = 1e-12
    block: int = 32
    special: tuple[int, int, int, int] = (0, 2, 1, 3)
    pieces: list[bytes] = field(default_factory=lambda: [one.encode() for one in PIECES])
    ends: list[int] | None = None
    scores: list[float] = field(
        default_factory=lambda: [0.0] * 4 + [-2.0 - 0.1 * i for i in range(len(PIECES) - 4)]
    )
    rules: list[tuple[int, list[int]]] = field(default_factory=lambda: sorted(RULES.items()))
    after_rules: bytes = b""
    tensors: dict[str, tuple[int, int, bytes]] = field(default_factory=dict)
    shift: int = 0
    filling: bytes = b"\0"

    @property
    def data(self) -> bytes:
        """The bytes of the file."""
        text = b"".join(self.pieces)
        ends = self.ends or np.cumsum([0, *map(len, self.pieces)]).tolist()
        rules = b"".join(
            struct.pack(f"<IB{len(to)}I", point, len(to), *to) for point, to in self.rules
        )
        rules += self.after_rules
        head = (
            self.signature
            + struct.pack("<I7ifi", self.version, *self.sizes, self.epsilon, self.block)
            + struct.pack("<5iQ", len(self.pieces), *self.special, len(text))
            + struct.pack(f"<{len(ends)}I", *ends)
            + struct.pack(f"<{len(self.scores)}f", *self.scores)
            + text
            + struct.pack("<iI", len(self.rules), len(rules))
            + rules
            + struct.pack("<i", len(self.tensors))
        )
        place = len(head) + sum(2 + len(name) + 21 for name in self.tensors)
        table, body = b"", b""
        for name, (kind, elements, values) in self.tensors.items():
            gap = -(place + len(body)) % 64
            body += (self.filling * gap)[:gap]
            table += struct.pack("<H", len(name)) + name.encode()
            offset = place + len(body) + self.shift
            table += struct.pack("<BIQQ", kind, elements, offset, len(values))
            body += values
        return head + table + body


def q4(weights: npt.NDArray[np.float32]) -> bytes:
    """Weights as Q4, rounded to what 4 bits hold."""
    blocks = weights.reshape(-1, 32)
    scales = (np.abs(blocks).max(1) / 7).astype(np.float16)
    numbers = np.clip(np.rint(blocks / scales.astype(np.float32)[:, None]), -8, 7) + 8
    whole = numbers.astype(np.uint8)
    packed = whole[:, :16] | whole[:, 16:] << 4
    return b"".join(
        scale.tobytes() + row.tobytes() for scale, row in zip(scales, packed, strict=True)
    )


def tiny(seed: int = 0, **changes: Any) -> File:
    """A whole file with two layers and drawn weights; `changes` replace what it says."""
    draw = np.random.default_rng(seed)
    hidden, layers, _, wide, vocabulary, positions, types = SIZES.values()
    tensors: dict[str, tuple[int, int, bytes]] = {}

    def matrix(name: str, rows: int, columns: int) -> None:
        values = draw.normal(0, 0.2, (rows, columns)).astype(np.float32)
        tensors[name] = (1, values.size, q4(values))

    def plain(name: str, size: int, middle: float = 0.0) -> None:
        values = draw.normal(middle, 0.05, size).astype(np.float32)
        tensors[name] = (0, size, values.tobytes())

    matrix("emb.word", vocabulary, hidden)
    plain("emb.pos", positions * hidden)
    plain("emb.type", types * hidden)
    plain("emb.ln.w", hidden, 1.0)
    plain("emb.ln.b", hidden)
    for layer in range(layers):
        for name, rows, columns in (
            ("q", hidden, hidden), ("k", hidden, hidden), ("v", hidden, hidden),
            ("ao", hidden, hidden), ("aln", 0, hidden), ("fi", wide, hidden), ("fo", hidden, wide),
            ("oln", 0, hidden),
        ):  # fmt: skip
            if rows:
                matrix(f"l{layer}.{name}.w", rows, columns)
            else:
                plain(f"l{layer}.{name}.w", columns, 1.0)
            plain(f"l{layer}.{name}.b", rows or columns)
    return File(**{"tensors": tensors, **changes})
