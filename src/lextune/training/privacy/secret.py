"""Random numbers that nobody can make again without a run's secret: samples of rows and noise; it knows no model.

Both must stay unknown: who knows the samples takes the gain of sampling away, who knows the noise takes it off.
The stream is AES-256 in counter mode (NIST SP 800-38A), so that what was seen of it tells nothing of the rest.
"""

from __future__ import annotations

import hashlib
import math
import os

import numpy as np
import numpy.typing as npt
import torch
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

#: So many numbers are made at once: they should stay in a processor's cache.
_AT_ONCE = 2**19
_BYTES = 32


def fresh() -> bytes:
    """A new secret from the operating system."""
    return os.urandom(_BYTES)


class Secret:
    """Streams that are functions of a secret, a purpose and a number alone, so that a resumed run draws the same.

    Args:
        key: 32 bytes; in a run they lie in its checkpoints and nowhere else.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != _BYTES:
            raise ValueError(f"a secret has {_BYTES} bytes, not {len(key)}")
        self.key = key

    def _stream(self, purpose: str, number: int) -> CipherContext:
        name = f"lextune:{purpose}:{number}".encode()
        key = hashlib.blake2b(name, key=self.key, digest_size=32).digest()
        return Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()

    def sample(self, rows: int, rate: float, number: int) -> npt.NDArray[np.int64]:
        """Poisson sampling: each row with the probability `rate` of its own, whatever the others do; ascending.

        Args:
            rows: How many there are.
            rate: In (0, 1].
            number: Of the step; each has its own sample.
        """
        drawn = np.frombuffer(self._stream("sample", number).update(bytes(8 * rows)), np.uint64)
        limit = min(round(rate * 2**64), 2**64)
        return np.flatnonzero([True] * rows if limit == 2**64 else drawn < np.uint64(limit))

    def add_noise(self, tensors: list[torch.Tensor], scale: float, number: int) -> None:
        """Add normal noise of a standard deviation to fp32 tensors, in place, one after the other.

        Box and Muller 1958, from 32 bits each: no value is further out than 6.66 standard deviations, which
        leaves 3e-11 of the probability of a normal number out.
        """
        stream = self._stream("noise", number)
        for tensor in tensors:
            flat = tensor.view(-1)
            for start in range(0, len(flat), _AT_ONCE):
                part = flat[start : start + _AT_ONCE]
                part.add_(_normal(stream, len(part)).to(part.device), alpha=scale)


def _normal(stream: CipherContext, count: int) -> torch.Tensor:
    half = -(-count // 2)
    drawn = np.frombuffer(bytearray(stream.update(bytes(8 * half))), np.int32)
    first, second = torch.from_numpy(drawn).view(2, half).float()
    # the distance from the middle: numbers near 0 decide how far out the noise can go, and floats are dense there
    radius = first.add_(0.5).abs_().mul_(2.0**-31).log_().mul_(-2).sqrt_()
    angle = second.mul_(math.pi * 2.0**-31)
    return torch.cat([torch.cos(angle).mul_(radius), torch.sin(angle).mul_(radius)])[:count]
