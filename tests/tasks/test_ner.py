"""The task ner: what is taught, every architecture, and a long text of which nothing is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForTokenClassification, pipeline

import tiny
from lextune.labels import write_spans
from lextune.models.loading import LoadedModel, load_finished, load_pretrained
from lextune.tasks.base import model_info, tasks
from lextune.tasks.text.encoder import anatomy
from lextune.tasks.text.tagging import UNTAUGHT, tag_names

TASK = tasks.get("ner")
TYPES = ("LOC", "PER")
KINDS = {
    "bert": {}, "electra": {"embedding_size": 16}, "roberta": {"pad_token_id": 0},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64},
    "camembert": {"pad_token_id": 0}, "xlm-roberta": {"pad_token_id": 0},
    "mpnet": {"pad_token_id": 0}, "deberta-v2": {},
}  # fmt: skip
SIZES = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
    "max_position_embeddings": 66,
}  # fmt: skip
TEXTS = ["summer rain in winter city", "", "a film", "the city " * 40]


def load(folder: Path, unit: str = "word", max_length: int = 24) -> LoadedModel:
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    torch.manual_seed(0)
    return load_pretrained(
        files, TASK, TYPES, max_length=max_length, dropout=0.0, settings={"unit": unit}
    )


def test_each_piece_is_taught_once(tmp_path: Path) -> None:
    loaded = load(tiny.write_tiny_bert(tmp_path / "bert"))
    text = "the city " * 40
    spans = [(place, place + 4, "LOC") for place in range(4, len(text), 18)]
    encoded = loaded.encode([text, "a family friend"])
    assert len(encoded) > 3
    numbers = TASK.numbers([write_spans(spans), write_spans([(2, 15, "PER")])], TYPES, encoded)
    assert numbers.shape == encoded.ids.shape
    taught = numbers[TASK.items(encoded, np.arange(len(encoded)))]
    assert (numbers == UNTAUGHT).sum() == len(numbers) - len(taught)
    names = np.array(tag_names(TYPES))[taught].tolist()
    assert names == ["O", "B-LOC", "O", "O"] * 20 + ["O", "B-PER", "I-PER"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_architecture_answers_for_its_tokens_as_transformers_does(
    tmp_path: Path, kind: str
) -> None:
    sizes = {} if kind == "distilbert" else SIZES
    folder = tiny.write_tiny_model(tmp_path / kind, kind, **sizes | KINDS[kind])
    loaded = load(folder)
    loaded.model.eval()
    assert (anatomy(loaded.model) is None) == (kind in ("mpnet", "deberta-v2"))
    encoded = loaded.encode(TEXTS)
    rows = np.array([3, 0, len(encoded) - 1, 1])
    items = TASK.items(encoded, rows)
    with torch.no_grad():
        mine = TASK.logits(loaded.model, TASK.collate(encoded, rows))
        features = (
            TASK.features(loaded.model, TASK.collate(encoded, rows))
            if anatomy(loaded.model)
            else None
        )
        theirs = []
        for row in rows:
            ids = encoded.ids[encoded.offsets[row] : encoded.offsets[row + 1]].astype(np.int64)
            logits = loaded.model(torch.from_numpy(ids)[None]).logits[0]
            theirs.append(logits[encoded.spans[encoded.tokens_of(np.array([row])), 1] > 0])
    assert mine.shape == (len(items), len(tag_names(TYPES)))
    torch.testing.assert_close(mine, torch.cat(theirs), atol=2e-5, rtol=1e-4)
    if features is not None:
        torch.testing.assert_close(TASK.head_logits(loaded.model, features), mine)


def test_a_finished_model_finds_in_long_texts_what_transformers_finds_in_short_ones(
    tmp_path: Path,
) -> None:
    loaded = load(tiny.write_tiny_bert(tmp_path / "bert"))
    with torch.no_grad():  # so that some tags win clearly
        loaded.model.classifier.weight.mul_(60)
    info = model_info("ner", TYPES, 24, "fp32", loaded.settings)
    target = tmp_path / "done"
    target.mkdir()
    for name, data in TASK.export(loaded.model, loaded_files(tmp_path / "bert"), info).items():
        (target / name).write_bytes(data)
    again = load_finished(loaded_files(target))
    assert again.settings == {"unit": "word"}
    found = again.find_spans(TEXTS, 4)
    assert found[1] == ()
    assert any(one is not None and len(one) for one in found)
    library = pipeline(
        "token-classification",
        model=AutoModelForTokenClassification.from_pretrained(target), tokenizer=str(target),
        aggregation_strategy="first",
    )  # fmt: skip
    tags = {one["start"]: one["entity_group"] for one in library(TEXTS[0])}
    for one in found[0] or ():
        assert tags[one.start] == one.type
    assert max(one.end for one in found[3] or ()) > 24 * 6  # beyond the first window


def loaded_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_score_that_is_no_number_is_no_answer(tmp_path: Path) -> None:
    loaded = load(tiny.write_tiny_bert(tmp_path / "bert"))
    assert all(one is not None for one in loaded.find_spans(TEXTS, 4))
    with torch.no_grad():
        loaded.model.classifier.bias.fill_(float("nan"))
    # a text without a piece asks nothing of the model
    assert loaded.find_spans(TEXTS, 4) == [None, (), None, None]
