"""Whisper files of CTranslate2 become transformers' models with the same numbers; whatever is not exactly one is refused."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import WhisperConfig, WhisperForConditionalGeneration

import ctranslate2
from ctranslate2 import VOCABULARY, WIDTH, File, sides, tiny
from lextune.errors import ModelError
from lextune.models.conversions.base import converters

WHOLE = tiny().data


def convert(data: bytes, **files: bytes) -> dict[str, bytes]:
    return converters.get("ctranslate2_whisper").convert(sides() | files | {"model.bin": data})


def test_every_weight_has_the_numbers_of_the_file() -> None:
    file = tiny()
    state = safetensors.numpy.load(convert(file.data)["model.safetensors"])
    names = {
        "decoder/embeddings/weight": "decoder.embed_tokens.weight",
        "encoder/position_encodings/encodings": "encoder.embed_positions.weight",
        "encoder/conv2/weight": "encoder.conv2.weight",
        "encoder/layer_norm/gamma": "encoder.layer_norm.weight",
        "decoder/layer_1/self_attention/linear_1/bias": "decoder.layers.1.self_attn.out_proj.bias",
        "decoder/layer_1/attention/linear_0/weight": "decoder.layers.1.encoder_attn.q_proj.weight",
        "decoder/layer_0/attention/linear_2/weight": "decoder.layers.0.encoder_attn.out_proj.weight",
        "encoder/layer_1/ffn/linear_1/weight": "encoder.layers.1.fc2.weight",
        "encoder/layer_0/ffn/layer_norm/beta": "encoder.layers.0.final_layer_norm.bias",
    }
    for short, long in names.items():
        _, shape, values = file.variables[short]
        expected = np.frombuffer(values, "<f2").reshape(shape).astype(np.float32)
        assert state[f"model.{long}"].dtype == np.float32
        assert np.array_equal(state[f"model.{long}"], expected)
    stacked = np.frombuffer(
        file.variables["decoder/layer_0/attention/linear_1/weight"][2], "<f2"
    ).reshape(2 * WIDTH, WIDTH)
    attention = "model.decoder.layers.0.encoder_attn"
    assert np.array_equal(state[f"{attention}.k_proj.weight"], stacked[:WIDTH].astype(np.float32))
    assert np.array_equal(state[f"{attention}.v_proj.weight"], stacked[WIDTH:].astype(np.float32))


def test_transformers_finds_every_tensor_in_its_place() -> None:
    files = convert(WHOLE)
    config = WhisperConfig(**json.loads(files["config.json"]))
    model = WhisperForConditionalGeneration(config)
    found = model.load_state_dict(safetensors.torch.load(files["model.safetensors"]), strict=False)
    assert (found.missing_keys, found.unexpected_keys) == (["proj_out.weight"], [])  # tied
    assert config.vocab_size == VOCABULARY
    assert config.encoder_attention_heads == 2


@pytest.mark.parametrize("kind", ["f4", "bf2"])
def test_other_floats_are_read_as_exactly(kind: str) -> None:
    state = safetensors.numpy.load(convert(tiny(kind=kind).data)["model.safetensors"])
    half = safetensors.numpy.load(convert(WHOLE)["model.safetensors"])
    for name, values in state.items():
        assert np.allclose(values, half[name], rtol=2**-7, atol=1e-6)


def test_models_of_many_languages_know_their_languages_and_tasks() -> None:
    generation = json.loads(convert(WHOLE)["generation_config.json"])
    assert generation["is_multilingual"] is False
    assert "lang_to_id" not in generation
    assert generation["suppress_tokens"] == [1, 2]
    assert generation["no_timestamps_token_id"] == VOCABULARY - 1


def spoil(change: Callable[[File], object]) -> bytes:
    file = tiny()
    change(file)
    return file.data


def scalar(name: str, value: int) -> Callable[[File], object]:
    kind = ctranslate2.TYPES["i1"]
    return lambda file: file.variables.update({name: (kind, (), struct.pack("<b", value))})


def keyed(file: File) -> None:
    name = "encoder/layer_0/self_attention/linear_0/bias"
    file.variables[name] = (4, (3 * WIDTH,), np.ones(3 * WIDTH, "<f2").tobytes())


def broken(file: File) -> None:
    values = np.full(WIDTH, np.nan, "<f2").tobytes()
    file.variables["encoder/conv1/bias"] = (4, (WIDTH,), values)


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (lambda file: setattr(file, "version", 5), "version 5"),
        (lambda file: setattr(file, "revision", 2), "WhisperSpec' 2"),
        (lambda file: setattr(file, "specification", "TransformerSpec"), "TransformerSpec"),
        (lambda file: setattr(file, "after", b"\0"), "1 bytes are left over"),
        (lambda file: setattr(file, "aliases", ()), "aliases"),
        (scalar("decoder/activation", 2), "decoder/activation is not 3"),
        (scalar("decoder/pre_norm", 0), "decoder/pre_norm is not 1"),
        (scalar("decoder/alibi", 1), "decoder/alibi is not 0"),
        (scalar("encoder/num_heads", 0), "heads"),
        (scalar("encoder/num_heads", 3), "for 3 heads"),
        (scalar("decoder/new", 0), "decoder/new"),
        (lambda file: file.variables.pop("encoder/conv2/bias"), "no variable 'encoder/conv2/bias'"),
        (lambda file: file.variables.update({"x/y": (0, (1,), b"\0" * 4)}), "1 variables are left"),
        (lambda file: file.variables.update({"x/y": (1, (1,), b"\0")}), "integers"),
        (lambda file: file.variables.update({"x/y": (9, (1,), b"\0")}), "unknown type 9"),
        (lambda file: file.variables.update({"x/y": (0, (2,), b"\0" * 4)}), "4 bytes for the shape"),
        (keyed, "keys of encoder/layer_0/self_attention/linear_0 have a bias"),
        (broken, "encoder/conv1/bias holds what is no number"),
    ],
)  # fmt: skip
def test_another_file_is_refused(change: Callable[[File], object], fact: str) -> None:
    with pytest.raises(ModelError, match=fact):
        convert(spoil(change))


@pytest.mark.parametrize(
    ("files", "fact"),
    [
        ({"config.json": b"[]"}, "config.json: it is no JSON object"),
        ({"config.json": b"{}"}, "never written"),
        ({"tokenizer.json": b"{}"}, "no token <|startoftranscript|>"),
    ],
)
def test_what_lies_beside_the_weights_is_looked_at(files: dict[str, bytes], fact: str) -> None:
    with pytest.raises(ModelError) as caught:
        convert(WHOLE, **files)
    assert fact in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(WHOLE) - 1))
@example(0)
@example(len(WHOLE) - 1)
def test_a_file_that_ends_early_is_refused(size: int) -> None:
    with pytest.raises(ModelError):
        convert(WHOLE[:size])
