"""Whisper over part of its places, and its writing: equal to transformers where that has an answer, and never endless."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tiny_speech
from lextune.tasks.audio.library import build_speech_model
from lextune.tasks.audio.spelling import whisper_spelling
from lextune.tasks.audio.whisper import (
    Rules,
    _loop,
    encode,
    token_logits,
    write,
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tiny_speech.write_tiny_whisper(tmp_path_factory.mktemp("whisper"))
    return {one.name: one.read_bytes() for one in folder.iterdir()}


@pytest.fixture(scope="module")
def model(files: dict[str, bytes]) -> Any:
    return build_speech_model(files, dropout=0.0).eval()


@pytest.fixture(scope="module")
def rules(files: dict[str, bytes]) -> Rules:
    return whisper_spelling(files, None).rules


def mel(frames: int, sounds: int = 2) -> torch.Tensor:
    return torch.randn(sounds, 8, frames, generator=torch.Generator().manual_seed(3))


@torch.inference_mode()
def test_the_whole_window_is_encoded_as_transformers_does(model: Any) -> None:
    expected = model.get_encoder()(mel(3000)).last_hidden_state
    torch.testing.assert_close(encode(model, mel(3000)), expected)


@torch.inference_mode()
def test_a_shorter_input_has_the_first_positions(model: Any) -> None:
    found = encode(model, mel(100))
    assert found.shape == (2, 50, 16)
    assert torch.isfinite(found).all()


@torch.inference_mode()
def test_tokens_are_scored_as_transformers_does(model: Any) -> None:
    tokens = torch.tensor([[257, 5, 9], [257, 7, 256]])
    states = encode(model, mel(3000))
    expected = model(mel(3000), decoder_input_ids=tokens).logits
    torch.testing.assert_close(token_logits(model, states, tokens), expected)


def test_positions_of_the_encoder_are_not_trained(model: Any) -> None:
    trained = {name for name, one in model.named_parameters() if one.requires_grad}
    assert "model.encoder.embed_positions.weight" not in trained
    assert "model.decoder.embed_positions.weight" in trained


def test_what_is_written_is_the_likeliest_of_what_may_come(model: Any, rules: Rules) -> None:
    states = encode(model, mel(60)).detach()
    written = write(model, states, rules, [0.1, 0.2])
    prompt = [*rules.prompt, rules.no_times]
    for row, one in enumerate(written):
        assert 0 < len(one.tokens) <= 16 + 25 * 0.2
        assert not set(one.tokens) & set(rules.never)
        assert one.tokens[0] not in rules.never_first
        assert one.log_probability < 0
        # without the cache, all at once
        whole = torch.tensor([[*prompt, *one.tokens]])
        with torch.no_grad():
            scores = token_logits(model, states[row : row + 1], whole)[0].clone()
        scores[:, list(rules.never)] = -torch.inf
        scores[:, rules.no_times :] = -torch.inf
        scores[: len(prompt), list(rules.never_first)] = -torch.inf
        assert scores[len(prompt) - 1 : -1].argmax(-1).tolist() == one.tokens


def test_timestamps_come_in_order_around_what_is_said(model: Any, rules: Rules) -> None:
    (written,) = write(model, encode(model, mel(3000, 1)).detach(), rules, [30.0], times=True)
    times = [one - rules.no_times - 1 for one in written.tokens if one > rules.no_times]
    assert 0 <= times[0] <= rules.first_time
    assert times == sorted(times)


def test_each_sound_is_written_as_it_is_alone(model: Any, rules: Rules) -> None:
    states = encode(model, mel(60, 3)).detach()
    together = write(model, states, rules, [0.5, 0.1, 0.3])
    for row, seconds in enumerate((0.5, 0.1, 0.3)):
        (alone,) = write(model, states[row : row + 1], rules, [seconds])
        assert alone.tokens == together[row].tokens
        assert alone.log_probability == pytest.approx(together[row].log_probability, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ([7] * 23, 23),  # eight times yes is eight times yes
        ([7] * 24, 1),
        ([1, 2, 3] + [4, 5] * 12, 5),
        ([4, 5, 6, 7, 8] * 5, 25),
        ([4, 5, 6, 7, 8] * 6, 5),
        (list(range(60)), 60),
    ],
)
def test_a_loop_is_cut_to_its_first_turn(text: list[int], left: int) -> None:
    assert len(text) - _loop(text) == left


@given(st.lists(st.integers(0, 3), max_size=80))
def test_what_is_cut_repeats_what_stays(text: list[int]) -> None:
    cut = _loop(text)
    kept = text[: len(text) - cut]
    if cut:
        period = next(
            p for p in range(1, 25) if text[-p:] * (cut // p) == text[-cut:] and not cut % p
        )
        assert kept[-period:] == text[-period:]


def test_a_number_that_is_none_is_not_a_score(model: Any, rules: Rules) -> None:
    states = torch.full((1, 20, 16), np.nan)
    (written,) = write(model, states, rules, [0.1])
    assert not np.isfinite(written.log_probability)
