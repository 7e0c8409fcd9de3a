"""Whisper over sounds of any length up to its window, and what it writes down of them; it knows no file and no training.

The encoder of transformers takes 30 seconds and nothing else. Here it runs over as many places as the batch has,
with the positions of the first ones: in training that saves most of the work, see docs/decisions/0034.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Samples a second, samples a frame of the log-mel spectrogram, frames a place of the encoder.
RATE, HOP, FRAMES = 16000, 160, 2
#: Seconds that the encoder has places for, and that a timestamp counts.
WINDOW, TICK = 30.0, 0.02
#: Most tokens of a sound: some to begin with and some a second, which no one speaks as fast as.
_FIRST_TOKENS, _TOKENS_A_SECOND = 16, 25
#: A text that ends in so many copies of its last tokens, which are so many in all, is in a loop.
_COPIES, _COPIED, _PERIOD = 6, 24, 24


@dataclass(frozen=True)
class Rules:
    """What may be written, by token number.

    Attributes:
        prompt: What every text begins with: the start, and of a model of many languages the language and the task.
        end: Of a text.
        no_times: Says that no timestamps follow; the first timestamp has the next number.
        never: Tokens that are no speech.
        never_first: What a text does not begin with.
        no_speech: Says that nothing is said; None where the model does not say so.
        first_time: The latest timestamp that a window may begin with, in ticks.
        longest: Places of the decoder.
    """

    prompt: tuple[int, ...]
    end: int
    no_times: int
    never: tuple[int, ...]
    never_first: tuple[int, ...]
    no_speech: int | None
    first_time: int
    longest: int


class Written(NamedTuple):
    """What was written of one sound.

    Attributes:
        tokens: Without prompt and end.
        log_probability: Mean over the tokens and the end, each as it was chosen; nan where a number is not finite.
        no_speech: Probability that nothing is said, from the first place.
    """

    tokens: list[int]
    log_probability: float
    no_speech: float


def encode(model: Any, mel: torch.Tensor) -> torch.Tensor:
    """States of the encoder, shape (sounds, frames / 2, width), of log-mel, shape (sounds, bands, frames), frames even.

    Equal to transformers' own where there are 3000 frames.
    """
    encoder = model.get_encoder()
    gelu, dropout = torch.nn.functional.gelu, torch.nn.functional.dropout
    states = gelu(encoder.conv2(gelu(encoder.conv1(mel)))).transpose(1, 2)
    states = states + encoder.embed_positions.weight[: states.shape[1]]
    states = dropout(states, encoder.dropout, encoder.training)
    for layer in encoder.layers:
        states = layer(states, None)
    found: torch.Tensor = encoder.layer_norm(states)
    return found


def token_logits(model: Any, states: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Scores of the token after each, shape (sounds, tokens, vocabulary); tokens (sounds, tokens), padded at the end."""
    said = model.get_decoder()(input_ids=tokens, encoder_hidden_states=states, use_cache=False)
    found: torch.Tensor = model.proj_out(said.last_hidden_state)
    return found


@torch.inference_mode()
def write(
    model: Any, states: torch.Tensor, rules: Rules, seconds: Sequence[float], *, times: bool = False
) -> list[Written]:
    """The likeliest token after the other, until each text ends.

    Args:
        model: Of transformers, in evaluation.
        states: Of the encoder, shape (sounds, places, width).
        rules: What may be written.
        seconds: Of each sound: they bound its text.
        times: Whether timestamps are written.
    """
    prompt = rules.prompt if times else (*rules.prompt, rules.no_times)
    most = [_most_tokens(one, rules.longest - len(prompt)) for one in seconds]
    tokens = torch.tensor([prompt] * len(states), device=states.device)
    choose = _chooser(rules, len(prompt), times)
    texts: list[list[int]] = [[] for _ in most]
    sums = [0.0] * len(most)
    counts = [0] * len(most)
    open_rows = set(range(len(most)))
    quiet = [0.0] * len(most)
    cache, given = None, tokens
    for step in range(max(most, default=0) + 1):
        said = model.get_decoder()(
            input_ids=given, encoder_hidden_states=states, cache=cache, use_cache=True
        )
        cache = said.cache
        if not step and rules.no_speech is not None:
            first = model.proj_out(said.last_hidden_state[:, 0]).float().softmax(-1)
            quiet = first[:, rules.no_speech].tolist()
        scores = model.proj_out(said.last_hidden_state[:, -1]).float()
        scores = choose(tokens, scores)
        logs = scores.log_softmax(-1)
        chosen = scores.argmax(-1)
        chances = logs.gather(1, chosen[:, None])[:, 0].tolist()
        for row, token in enumerate(chosen.tolist()):
            if row not in open_rows:
                continue
            sums[row], counts[row] = sums[row] + chances[row], counts[row] + 1
            if token == rules.end or len(texts[row]) >= most[row]:
                open_rows.discard(row)
                continue
            texts[row].append(token)
            if loop := _loop(texts[row]):
                del texts[row][-loop:]
                open_rows.discard(row)
        if not open_rows:
            break
        given = torch.where(_mask(open_rows, chosen), chosen, rules.end)[:, None]
        tokens = torch.cat([tokens, given], 1)
    return [
        Written(text, total / max(count, 1), silence)
        for text, total, count, silence in zip(texts, sums, counts, quiet, strict=True)
    ]


def _mask(rows: set[int], like: torch.Tensor) -> torch.Tensor:
    found = torch.zeros(len(like), dtype=torch.bool, device=like.device)
    found[sorted(rows)] = True
    return found


def _most_tokens(seconds: float, places: int) -> int:
    return min(places - 1, _FIRST_TOKENS + int(_TOKENS_A_SECOND * seconds))


def _loop(text: list[int]) -> int:
    """Tokens at the end that repeat those before them so often that the model is in a loop; 0 where it is not."""
    for period in range(1, _PERIOD + 1):
        copies = max(_COPIES, -(-_COPIED // period))
        if len(text) < copies * period:
            continue
        tail = text[-copies * period :]
        if all(tail[i] == tail[i % period] for i in range(period, len(tail))):
            return (copies - 1) * period
    return 0


def _chooser(rules: Rules, begin: int, times: bool) -> Any:
    """A function from the tokens so far and their scores to scores in which nothing is left that may not come."""
    from transformers import GenerationConfig
    from transformers.generation.logits_process import WhisperTimeStampLogitsProcessor

    never = torch.tensor([one for one in rules.never if one != rules.end], dtype=torch.int64)
    first = torch.tensor(rules.never_first, dtype=torch.int64)
    stamps = None
    if times:
        config = GenerationConfig(
            eos_token_id=rules.end, no_timestamps_token_id=rules.no_times,
            max_initial_timestamp_index=rules.first_time, bos_token_id=rules.end,
        )  # fmt: skip
        stamps = WhisperTimeStampLogitsProcessor(config, begin)

    def choose(tokens: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        scores = scores.clone()
        scores[:, never.to(scores.device)] = -np.inf
        if tokens.shape[1] == begin:
            scores[:, first.to(scores.device)] = -np.inf
        if stamps is None:
            scores[:, rules.no_times :] = -np.inf
            return scores
        found: torch.Tensor = stamps(tokens, scores)
        return found

    return choose
