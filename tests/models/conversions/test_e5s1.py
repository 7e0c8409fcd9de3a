"""E5S1 files become transformers folders with the same numbers, and whatever is not exactly one is refused."""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Callable

import numpy as np
import pytest
import safetensors.numpy
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from e5s1 import RULES, File, tiny
from lextune.errors import ModelError
from lextune.models.conversions.base import converters

WHOLE = tiny().data


def convert(data: bytes) -> dict[str, bytes]:
    return converters.get("e5s1").convert({"tiny.bin": data})


def by_hand(values: bytes) -> list[float]:
    """Q4 read one weight after the other, as the format says."""
    found = []
    for start in range(0, len(values), 18):
        (scale,) = struct.unpack_from("<e", values, start)
        packed = values[start + 2 : start + 18]
        found += [((one & 15) - 8) * scale for one in packed]
        found += [((one >> 4) - 8) * scale for one in packed]
    return found


def test_every_tensor_has_the_numbers_of_the_file() -> None:
    file = tiny()
    state = safetensors.numpy.load(convert(file.data)["model.safetensors"])
    assert len(state) == len(file.tensors)
    names = {
        "emb.word": "embeddings.word_embeddings.weight",
        "emb.ln.b": "embeddings.LayerNorm.bias",
        "l0.q.w": "encoder.layer.0.attention.self.query.weight",
        "l0.k.w": "encoder.layer.0.attention.self.key.weight",
        "l1.v.b": "encoder.layer.1.attention.self.value.bias",
        "l1.ao.w": "encoder.layer.1.attention.output.dense.weight",
        "l1.aln.w": "encoder.layer.1.attention.output.LayerNorm.weight",
        "l0.fi.w": "encoder.layer.0.intermediate.dense.weight",
        "l1.fo.w": "encoder.layer.1.output.dense.weight",
        "l1.oln.b": "encoder.layer.1.output.LayerNorm.bias",
    }
    for short, long in names.items():
        kind, elements, values = file.tensors[short]
        expected = by_hand(values) if kind else np.frombuffer(values, "<f4").tolist()
        assert state[long].dtype == np.float32
        assert state[long].size == elements
        assert state[long].reshape(-1).tolist() == expected
    assert state["encoder.layer.0.intermediate.dense.weight"].shape == (64, 32)


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=18 * 32, max_size=18 * 32))
def test_any_blocks_of_finite_scales_are_unpacked_exactly(values: bytes) -> None:
    if any(not np.isfinite(struct.unpack_from("<e", values, i)[0]) for i in range(0, 576, 18)):
        values = bytes(576)
    file = tiny()
    file.tensors["l0.q.w"] = (1, 1024, values)
    state = safetensors.numpy.load(convert(file.data)["model.safetensors"])
    found = state["encoder.layer.0.attention.self.query.weight"].reshape(-1).tolist()
    assert found == by_hand(values)


def test_transformers_takes_the_weights_as_they_are() -> None:
    files = convert(WHOLE)
    config = BertConfig(**json.loads(files["config.json"]))
    state = {
        name: torch.from_numpy(one)
        for name, one in safetensors.numpy.load(files["model.safetensors"]).items()
    }
    model = BertModel(config, add_pooling_layer=False)
    found = model.load_state_dict(state, strict=False)
    assert not found.missing_keys
    assert not found.unexpected_keys
    assert config.layer_norm_eps == 1e-12
    with torch.no_grad():
        assert torch.isfinite(model.eval()(torch.tensor([[0, 8, 9, 2]])).last_hidden_state).all()


def test_the_same_file_gives_the_same_bytes() -> None:
    assert convert(WHOLE) == convert(WHOLE)
    assert convert(tiny(seed=1).data) != convert(WHOLE)


def test_the_tokenizer_normalises_by_the_rules_of_the_file() -> None:
    tokenizer = Tokenizer.from_str(convert(WHOLE)["tokenizer.json"].decode())
    for point, to in RULES.items():
        assert tokenizer.normalizer.normalize_str(chr(point)) == "".join(map(chr, to))
    # NFKC alone would make a tilde of it
    assert tokenizer.normalizer.normalize_str("a\uff5eb\x01c") == "a\uff5ebc"
    assert tokenizer.normalizer.normalize_str("a \u3000 b") == "a b"


def test_texts_are_cut_into_pieces_between_the_special_tokens() -> None:
    tokenizer = Tokenizer.from_str(convert(WHOLE)["tokenizer.json"].decode())
    found = tokenizer.encode("酒店很 好！")
    assert found.tokens[0] == "<s>"
    assert found.tokens[-1] == "</s>"
    assert "".join(found.tokens).endswith("▁酒店很▁好!</s>")
    assert tokenizer.decode(found.ids, skip_special_tokens=True).endswith("酒店很 好!")


def with_tensor(name: str, **changes: object) -> Callable[[File], None]:
    """The file with another kind, number of elements or bytes of one tensor."""

    def spoil(file: File) -> None:
        kind, elements, values = file.tensors[name]
        file.tensors[name] = (
            changes.get("kind", kind), changes.get("elements", elements),
            changes.get("values", values),
        )  # type: ignore[assignment]  # fmt: skip

    return spoil


def replace_tensor(old: str, new: str) -> Callable[[File], None]:
    def spoil(file: File) -> None:
        file.tensors[new] = file.tensors.pop(old)

    return spoil


NAN, LARGE = struct.pack("<e", float("nan")), struct.pack("<f", float("inf"))

SPOILT: dict[str, tuple[Callable[[File], object], str]] = {
    "signature": (lambda one: setattr(one, "signature", b"E5S2"), "begin with E5S1"),
    "version": (lambda one: setattr(one, "version", 2), "of version 2"),
    "block": (lambda one: setattr(one, "block", 64), "blocks of 64"),
    "epsilon": (lambda one: setattr(one, "epsilon", float("nan")), "epsilon"),
    "negative size": (lambda one: one.sizes.__setitem__(1, -2), "no encoder has the sizes"),
    "odd heads": (lambda one: one.sizes.__setitem__(2, 5), "no encoder has the sizes"),
    "odd width": (lambda one: one.sizes.__setitem__(0, 36), "no encoder has the sizes"),
    "huge": (lambda one: one.sizes.__setitem__(1, 2**30), "no encoder has the sizes"),
    "another layer": (lambda one: one.sizes.__setitem__(1, 3), "tensors where"),
    "fewer words": (lambda one: one.sizes.__setitem__(4, 8), "do not fit the embeddings"),
    "other words": (lambda one: one.sizes.__setitem__(4, 64), "emb.word has another"),
    "special": (lambda one: setattr(one, "special", (0, 2, 1, 99)), "special ones"),
    "special twice": (lambda one: setattr(one, "special", (0, 2, 2, 3)), "are the same"),
    "piece twice": (lambda one: one.pieces.__setitem__(5, one.pieces[4]), "pieces are the same"),
    "piece not UTF-8": (lambda one: one.pieces.__setitem__(5, b"\xff"), "not UTF-8"),
    "empty piece": (lambda one: one.pieces.__setitem__(5, b""), "end to end"),
    "score": (lambda one: one.scores.__setitem__(7, float("nan")), "score is no number"),
    "fewer scores": (lambda one: one.scores.pop(), "tiny.bin"),
    "rule order": (lambda one: one.rules.reverse(), "not in order"),
    "rule of no character": (
        lambda one: one.rules.append((0x110000, [0x20])), "name no character"
    ),
    "rule of a surrogate": (lambda one: one.rules.append((0xD800, [])), "in order, or name no"),
    "rule of its own": (lambda one: one.rules.append((0xFF22, [0x43])), "U\\+FF22"),
    "after rules": (lambda one: setattr(one, "after_rules", b"\0"), "left over behind the"),
    "shifted": (lambda one: setattr(one, "shift", 64), "lies at"),
    "shifted back": (lambda one: setattr(one, "shift", -64), "lies at"),
    "filling": (lambda one: setattr(one, "filling", b"\1"), "filling before a tensor is not"),
    "tensor gone": (lambda one: one.tensors.pop("l1.oln.b"), "36 tensors where 37"),
    "tensor unknown": (replace_tensor("l1.oln.b", "l2.oln.b"), "unknown"),
    "tensor kind": (with_tensor("emb.ln.w", kind=1), "emb.ln.w has another"),
    "kind unknown": (with_tensor("l0.q.w", kind=2), "l0.q.w has another"),
    "tensor elements": (with_tensor("l0.q.w", elements=512), "l0.q.w has another"),
    "tensor short": (with_tensor("emb.ln.w", values=b"\0" * 64), "emb.ln.w has another"),
    "scale not a number": (
        with_tensor("l0.q.w", values=(NAN + bytes(16)) * 32), "l0.q.w holds what is no number"
    ),
    "bias infinite": (with_tensor("l0.q.b", values=LARGE * 32), "l0.q.b holds what is no number"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_file_is_refused(name: str) -> None:
    spoil, told = SPOILT[name]
    file = dataclasses.replace(tiny())
    spoil(file)
    with pytest.raises(ModelError, match=told):
        convert(file.data)


def test_a_tensor_that_is_there_twice_is_refused() -> None:
    place = WHOLE.index(b"l0.k.w")
    with pytest.raises(ModelError, match="there twice"):
        convert(WHOLE[:place] + b"l0.q.w" + WHOLE[place + 6 :])


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(WHOLE) - 1))
def test_a_file_that_was_cut_anywhere_is_refused(end: int) -> None:
    with pytest.raises(ModelError):
        convert(WHOLE[:end])


@settings(max_examples=20, deadline=None)
@given(st.binary(min_size=1, max_size=80))
def test_a_file_with_anything_behind_it_is_refused(rest: bytes) -> None:
    with pytest.raises(ModelError, match="left over at its end"):
        convert(WHOLE + rest)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
@example(place=8641, change=86)  # a scale that is infinite
def test_a_changed_byte_is_refused_or_gives_other_files(place: int, change: int) -> None:
    data = bytearray(WHOLE)
    data[place] ^= change
    try:
        found = convert(bytes(data))
    except ModelError:
        return
    assert found != convert(WHOLE)
