from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bench import StopAt, same, weights
from lextune.config_training import TrainConfig
from lextune.features import write_features
from lextune.tasks.tabular.columns import decide_columns
from lextune.tasks.tabular.encoding import encode
from lextune.tasks.tabular.models import layouts
from lextune.tasks.tabular.network import Sizes, TabularEncoder, batch_of
from lextune.tasks.tabular.pretraining import MaskedCells, MaskedModel
from lextune.training.loop import Rows, Trainer
from visits import draw_visits

TEXTS = [
    write_features({name: cell for name, cell in row.items() if name != "bought"})
    for row in draw_visits(120, events=True)
]
COLUMNS = decide_columns(TEXTS)
RECORDS = encode(TEXTS, COLUMNS, 100)
LAYOUT, EVENTS = layouts(COLUMNS)
TASK = MaskedCells(LAYOUT, EVENTS, 0.3, 7)


def trainer(folder: Path, callbacks: tuple[StopAt, ...] = ()) -> Trainer:
    torch.manual_seed(0)
    encoder = TabularEncoder(LAYOUT, EVENTS, Sizes(16, 1, 2, 32), 0.1)
    config = TrainConfig(
        epochs=3, batch_size=16, learning_rate=1e-2, precision="fp32", save_steps=3
    )
    model = MaskedModel(encoder, LAYOUT, EVENTS)
    return Trainer(TASK, model, config, folder, identity="x", callbacks=callbacks)  # type: ignore[arg-type]


def parts() -> tuple[Rows, Rows]:
    ids = [str(i) for i in range(len(TEXTS))]
    return Rows(RECORDS, None, ids), Rows(TASK.validated(RECORDS), None, ids)


def test_what_is_hidden_depends_on_seed_epoch_and_row_alone() -> None:
    seen = TASK.epoch(RECORDS, TrainConfig(), 1)
    whole = batch_of(seen, np.arange(40)).hidden
    some = batch_of(seen, np.array([7, 3])).hidden
    assert whole is not None
    assert some is not None
    assert torch.equal(whole[[7, 3]], some)
    other = batch_of(TASK.epoch(RECORDS, TrainConfig(), 2), np.arange(40)).hidden
    assert other is not None
    assert not torch.equal(whole, other)
    assert 0.2 < float(whole.float().mean()) < 0.4


def test_a_hidden_cell_cannot_be_seen() -> None:
    torch.manual_seed(0)
    model = MaskedModel(TabularEncoder(LAYOUT, EVENTS, Sizes(16, 1, 2, 32), 0.0), LAYOUT, EVENTS)
    batch = batch_of(TASK.epoch(RECORDS, TrainConfig(), 0), np.arange(20))
    assert batch.hidden is not None
    before = TASK.logits(model, batch)
    numbers = len(LAYOUT.numbers)
    batch.cells.numbers[batch.hidden[:, :numbers]] = 3.0
    batch.cells.codes[batch.hidden[:, numbers:]] = 1
    batch.events[0].codes[batch.hidden_events[0]] = 1
    for a, b in zip(before, TASK.logits(model, batch), strict=True):
        assert torch.equal(a, b)


def test_the_first_loss_is_about_a_blind_guess_and_falls(tmp_path: Path) -> None:
    made = trainer(tmp_path)
    outcome = made.run(*parts(), 0, resume=False)
    assert outcome.first_loss == pytest.approx(TASK.blind_loss(0), rel=0.5)
    assert outcome.best_validation_loss < 0.9 * outcome.first_loss


def test_pretraining_goes_on_where_it_stopped_to_the_same_bits(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole")
    whole.run(*parts(), 0, resume=False)
    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path / "part", (StopAt(13),)).run(*parts(), 0, resume=False)
    again = trainer(tmp_path / "part")
    again.run(*parts(), 0, resume=True)
    assert same(weights(whole), weights(again))
    # once more, when all is done: nothing is done again
    finished = trainer(tmp_path / "part")
    assert finished.run(*parts(), 0, resume=True).steps == whole.progress.step
    assert same(weights(whole), weights(finished))
