"""Before the first step a model is tried: one that cannot answer is refused, a head drawn too wide is drawn again."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

import tiny
from bench import CLASSES, Bench, StopAt, weights
from lextune.errors import ModelError
from lextune.training.start import try_first_rows

Made = tuple[torch.nn.Module, frozenset[str]]


def made(bench: Bench, **values: object) -> Made:
    """The bench's model where config.json says these values, and its new tensors."""
    config = json.loads(bench.files["config.json"]) | values
    files = {**bench.files, "config.json": json.dumps(config).encode()}
    torch.manual_seed(0)
    return bench.task.build(files, CLASSES, dropout=0.0, new_head=True)


def first_loss(bench: Bench, model: torch.nn.Module) -> float:
    rows = bench.part(bench.rows)
    batch = bench.task.collate(rows.encoded, np.arange(len(rows.ids)))
    with torch.no_grad():
        logits = bench.task.logits(model.eval(), batch)
    return float(bench.task.loss(logits, torch.from_numpy(rows.labels)))


@pytest.mark.parametrize("width", [0.5, 1.0, 20.0])
def test_a_head_that_was_drawn_too_wide_is_drawn_again_from_the_seed(
    bench: Bench, width: float
) -> None:
    heads = []
    for seed in (7, 7, 8):
        model, new = made(bench, initializer_range=width)
        before = {name: one.clone() for name, one in model.state_dict().items()}
        assert first_loss(bench, model) > math.log(2) + 0.25
        told = try_first_rows(
            bench.task, model, bench.part(bench.rows), 2, new_tensors=new, seed=seed
        )
        assert told is not None
        assert "drawn too wide" in told
        assert first_loss(bench, model) == pytest.approx(math.log(2), abs=0.15)
        after = model.state_dict()
        changed = {name for name in after if not torch.equal(after[name], before[name])}
        assert changed <= {"classifier.weight", "classifier.bias"}
        heads.append(after["classifier.weight"])
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_a_head_that_is_fine_and_the_generator_are_left_as_they_are(bench: Bench) -> None:
    model, new = made(bench)
    model.train()
    before, state = model.state_dict(), torch.get_rng_state()
    before = {name: one.clone() for name, one in before.items()}
    assert (
        try_first_rows(bench.task, model, bench.part(bench.rows), 2, new_tensors=new, seed=1)
        is None
    )
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())
    loss = bench.task.loss(
        bench.task.logits(model, bench.task.collate(bench.part(bench.rows).encoded, np.arange(3))),
        torch.tensor([0, 1, 0]),
    )
    loss.backward()  # type: ignore[no-untyped-call]


def test_a_pretrained_head_is_never_drawn_again(bench: Bench) -> None:
    model, _ = made(bench, initializer_range=1.0)
    rows = bench.part(bench.rows)
    before = model.state_dict()["classifier.weight"].clone()
    assert try_first_rows(bench.task, model, rows, 2, new_tensors=frozenset(), seed=1) is None
    assert torch.equal(model.state_dict()["classifier.weight"], before)


def no_pad_token(bench: Bench) -> None:
    folder = tiny.write_tiny_model(
        bench.folder / "gpt2", "gpt2", n_embd=32, n_layer=1, n_head=2, n_positions=64
    )
    bench.files = {one.name: one.read_bytes() for one in folder.iterdir()}


def tuple_output(bench: Bench) -> None:
    folder = tiny.write_tiny_model(
        bench.folder / "albert", "albert", hidden_size=32, embedding_size=16, intermediate_size=64,
        num_hidden_layers=1, num_attention_heads=2, max_position_embeddings=64,
    )  # fmt: skip
    bench.files = {one.name: one.read_bytes() for one in folder.iterdir()}
    config = json.loads(bench.files["config.json"]) | {"return_dict": False}
    bench.files = {**bench.files, "config.json": json.dumps(config).encode()}


@pytest.mark.parametrize(
    ("spoil", "told"), [(no_pad_token, "no padding token"), (tuple_output, "tuple")]
)
def test_a_model_that_cannot_take_a_batch_is_refused(
    bench: Bench, spoil: Callable[[Bench], None], told: str
) -> None:
    spoil(bench)
    torch.manual_seed(0)
    model, new = bench.task.build(bench.files, CLASSES, dropout=0.0, new_head=True)
    with pytest.raises(ModelError, match=told) as caught:
        try_first_rows(bench.task, model, bench.part(bench.rows), 2, new_tensors=new, seed=1)
    assert caught.value.exit_code == 2
    assert "cannot take a batch of 16 texts" in str(caught.value)


def test_a_model_with_another_number_of_scores_is_refused(bench: Bench) -> None:
    model, new = made(bench)
    with pytest.raises(ModelError, match=r"shape \(16, 2\) for 16 texts and 3 outputs"):
        try_first_rows(bench.task, model, bench.part(bench.rows), 3, new_tensors=new, seed=1)


@pytest.mark.parametrize("rows", [1, 2, 17])
def test_any_number_of_rows_is_tried(bench: Bench, rows: int) -> None:
    model, new = made(bench)
    part = bench.part(bench.rows[:rows])
    assert try_first_rows(bench.task, model, part, 2, new_tensors=new, seed=1) is None


def test_a_model_that_shares_tensors_trains_stops_and_goes_on_bit_for_bit(bench: Bench) -> None:
    folder = tiny.write_tiny_model(
        bench.folder / "bart", "bart", d_model=32, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=64,
        decoder_ffn_dim=64, max_position_embeddings=64, pad_token_id=0, bos_token_id=2,
        eos_token_id=3, decoder_start_token_id=3,
    )  # fmt: skip
    bench.files = {one.name: one.read_bytes() for one in folder.iterdir()}
    bench.settings = {"epochs": 2}
    whole = bench.trainer(bench.folder / "whole")
    bench.run(whole)

    with pytest.raises(KeyboardInterrupt):
        bench.run(bench.trainer(bench.folder / "part", [StopAt(14)]))
    again = bench.trainer(bench.folder / "part")
    bench.run(again, resume=True)
    one, two = weights(whole), weights(again)
    assert all(torch.equal(one[name], two[name]) for name in one)
