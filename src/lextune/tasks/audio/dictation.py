"""What is taught of sounds and what speech models say of them: tokens after tokens, or a path of frames; it knows no file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from lextune.tasks.audio.whisper import encode, token_logits

#: What is not taught, as torch's cross entropy has it.
_NOT = -100


@dataclass(frozen=True)
class Transcripts:
    """The tokens of many transcripts in two flat arrays.

    Attributes:
        ids: int32, shape (tokens,).
        offsets: Transcript i is ids[offsets[i]:offsets[i + 1]], int64, shape (transcripts + 1,).
        given: How many tokens at the beginning of each are given, not taught: Whisper's prompt.
    """

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    given: int = 0

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def taught(self, rows: npt.NDArray[np.int64]) -> Taught:
        """Those of some rows, padded to the longest."""
        pieces = [self.ids[self.offsets[row] : self.offsets[row + 1]] for row in rows.tolist()]
        longest = max(map(len, pieces), default=0)
        tokens = torch.full((len(pieces), longest), _NOT)
        for place, piece in enumerate(pieces):
            tokens[place, : len(piece)] = torch.from_numpy(piece.astype(np.int64))
        return Taught(tokens, self.given)


@dataclass(frozen=True)
class Taught:
    """The transcripts of a batch.

    Attributes:
        tokens: int64, shape (sounds, longest), -100 after the end.
        given: As in `Transcripts`.
    """

    tokens: torch.Tensor
    given: int

    def __len__(self) -> int:
        return len(self.tokens)

    def to(self, device: torch.device) -> Taught:
        """The same on a device."""
        return Taught(self.tokens.to(device), self.given)

    @property
    def lengths(self) -> torch.Tensor:
        """Tokens of each, shape (sounds,)."""
        return (self.tokens != _NOT).sum(1)

    @property
    def next_tokens(self) -> torch.Tensor:
        """What follows each token but the last, -100 where that is given or nothing, shape (sounds, longest - 1)."""
        found = self.tokens[:, 1:].clone()
        found[:, : max(self.given - 1, 0)] = _NOT
        return found

    @property
    def size(self) -> int:
        """Tokens that are taught."""
        if not self.given:
            return int(self.lengths.sum())
        return int((self.next_tokens != _NOT).sum())


def transcripts(spelled: Sequence[Sequence[int]], given: int = 0) -> Transcripts:
    """Flat arrays of some texts' tokens."""
    ids = np.fromiter((one for tokens in spelled for one in tokens), np.int32)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(one) for one in spelled])])
    return Transcripts(ids, offsets.astype(np.int64), given)


class Dictation:
    """What an encoder and decoder say of a batch: the decoder runs when it is told what was said before each token.

    Args:
        model: WhisperForConditionalGeneration.
        inputs: Log-mel frames, shape (sounds, bands, frames).
    """

    def __init__(self, model: Any, inputs: torch.Tensor) -> None:
        self._model, self._kind = model, inputs.device.type
        self._half = torch.is_autocast_enabled(self._kind)
        self._states = encode(model, inputs)
        self._said: tuple[Taught, torch.Tensor] | None = None

    @property
    def shape(self) -> torch.Size:
        """Sounds, places and width of the states."""
        return self._states.shape

    def scores(self, taught: Taught) -> torch.Tensor:
        """Of every token after each that was said, shape (sounds, longest - 1, vocabulary)."""
        if self._said is None or self._said[0] is not taught:
            tokens = taught.tokens[:, :-1]
            filled = tokens.masked_fill(tokens == _NOT, self._model.config.eos_token_id)
            with torch.autocast(self._kind, torch.bfloat16, enabled=self._half):
                self._said = taught, token_logits(self._model, self._states, filled)
        return self._said[1]

    def loss(self, taught: Taught, label_smoothing: float) -> torch.Tensor:
        """Mean cross entropy over the tokens that are taught, in nats."""
        return torch.nn.functional.cross_entropy(
            self.scores(taught).flatten(0, 1).float(), taught.next_tokens.flatten(),
            ignore_index=_NOT, label_smoothing=label_smoothing,
        )  # fmt: skip

    def right(self, taught: Taught) -> tuple[int, int]:
        """Tokens that are foretold, and how many there are."""
        following = taught.next_tokens
        counted = following != _NOT
        right = (self.scores(taught).argmax(-1) == following) & counted
        return int(right.sum()), int(counted.sum())


@dataclass(frozen=True)
class Frames:
    """What a CTC model says of a batch.

    Attributes:
        logits: Shape (sounds, frames, vocabulary).
        lengths: Frames of each sound that are no padding, int64, shape (sounds,).
        blank: Number of the blank.
    """

    logits: torch.Tensor
    lengths: torch.Tensor
    blank: int

    @property
    def shape(self) -> torch.Size:
        """Sounds, frames and vocabulary."""
        return self.logits.shape

    def loss(self, taught: Taught, label_smoothing: float) -> torch.Tensor:
        """Mean over the tokens of the negative log probability of all paths (Graves et al. 2006), in nats."""
        logs = self.logits.float().log_softmax(-1)
        with _without_cudnn():
            summed = torch.nn.functional.ctc_loss(
                logs.transpose(0, 1), taught.tokens.clamp(min=0), self.lengths, taught.lengths,
                blank=self.blank, reduction="sum",
            )  # fmt: skip
        mean = summed / taught.size
        if not label_smoothing:
            return mean
        heard = torch.arange(logs.shape[1], device=logs.device) < self.lengths[:, None]
        return (1 - label_smoothing) * mean - label_smoothing * logs.mean(-1)[heard].mean()

    def right(self, taught: Taught) -> tuple[int, int]:
        """Sounds of which every token is right on the likeliest path, and how many there are."""
        paths, lengths = self.logits.argmax(-1).tolist(), self.lengths.tolist()
        right = 0
        for path, length, tokens in zip(paths, lengths, taught.tokens.tolist(), strict=True):
            right += collapsed(path[:length], self.blank) == [one for one in tokens if one != _NOT]
        return right, len(taught)


@contextlib.contextmanager
def _without_cudnn() -> Iterator[None]:
    """cuDNN's CTC loss takes no batch of paths that end apart, and is not deterministic."""
    with torch.backends.cudnn.flags(enabled=False):
        yield


def collapsed(path: Sequence[int], blank: int) -> list[int]:
    """The tokens of a path: equal neighbours are one, blanks fall out."""
    return [
        one for place, one in enumerate(path)
        if one != blank and (not place or one != path[place - 1])
    ]  # fmt: skip
