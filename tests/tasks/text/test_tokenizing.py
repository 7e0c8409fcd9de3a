"""transformers reads the exported tokenizer to the same ids, no row is empty, and a foreign tokenizer is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, pipeline

import tiny
from lextune.errors import ModelError
from lextune.models.loading import LoadedModel, load_finished, load_pretrained
from lextune.tasks.base import model_info, tasks
from lextune.tasks.text.tokenizing import export_tokenizer

TASK = tasks.get("sentiment")
CLASSES = ("bad", "good")
TEXTS = ["The Film was SUPERB", "Ｗｏｎｄｅｒｆｕｌ ﬁlm…  Café", "a plot", "boring story " * 30]
Files = dict[str, bytes]


def lowercased(files: Files, value: bool) -> Files:
    raw = json.loads(files["tokenizer.json"])
    raw["normalizer"]["lowercase"] = value
    return files | {"tokenizer.json": json.dumps(raw).encode()}


def said(files: Files, **settings: Any) -> Files:
    return files | {"tokenizer_config.json": json.dumps(settings).encode()}


def finished(files: Files, folder: Path, max_length: int = 32) -> LoadedModel:
    """The model after export, from the files that stand in `folder` too."""
    torch.manual_seed(0)
    loaded = load_pretrained(files, TASK, CLASSES, max_length=max_length, dropout=0.0)
    with torch.no_grad():
        for parameter in loaded.model.parameters():  # so that scores tell texts apart
            parameter.add_(torch.randn_like(parameter) * 0.1)
    done = TASK.export(loaded.model, files, model_info("sentiment", CLASSES, max_length, "fp32"))
    for name, data in done.items():
        (folder / name).write_bytes(data)
    return load_finished(done)


def assert_same_in_transformers(loaded: LoadedModel, folder: Path) -> None:
    """Ids one by one, and scores in padded batches."""
    encoded = loaded.encode(TEXTS)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for row, text in enumerate(TEXTS):
        ids = encoded.ids[encoded.offsets[row] : encoded.offsets[row + 1]].tolist()
        assert tokenizer(text, truncation=True)["input_ids"] == ids
    classify = pipeline("text-classification", model=str(folder), batch_size=4, top_k=None)
    theirs = classify(TEXTS, truncation=True)
    ours = loaded.scores(encoded, np.arange(len(TEXTS)))
    for row, found in enumerate(theirs):
        by_name = {one["label"]: one["score"] for one in found}
        assert [by_name[name] for name in CLASSES] == pytest.approx(ours[row].tolist(), abs=1e-5)


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize(
    "settings",
    [
        {"tokenizer_class": "BertTokenizer", "do_lower_case": True},
        {"tokenizer_class": "BertTokenizer", "do_lower_case": False},
        {"tokenizer_class": "BertTokenizerFast", "pad_token": "[PAD]", "model_max_length": 512},
        {"truncation_side": "left", "padding_side": "left", "add_bos_token": True,
         "added_tokens_decoder": {"500": {"content": "film", "special": True}}},
        {"tokenizer_class": "LlamaTokenizer", "pad_token": "<gone>", "mask_token": "[MASK]"},
    ],
)  # fmt: skip
def test_settings_that_contradict_the_tokenizer_change_no_id_in_transformers(
    files: Files, tmp_path: Path, settings: dict[str, Any], kept: bool
) -> None:
    given = said(lowercased(files, not kept), **settings)
    assert_same_in_transformers(finished(given, tmp_path), tmp_path)


def unigram(folder: Path, kind: str, tokenizer_class: str) -> Files:
    """A Unigram tokenizer with NFKC, as XLM-R's family has it, before a tiny model of `kind`."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "[CLS]", "[SEP]"]
    trainer = trainers.UnigramTrainer(vocab_size=90, special_tokens=special, unk_token="<unk>")
    tokenizer.train_from_iterator(
        ["the film was wonderful", "awful plot", "很好 good"] * 9, trainer
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    values = {"embedding_size": 16} if kind == "albert" else {}
    tiny.write_tiny_model(
        folder, kind, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=66, pad_token_id=1, **values,
    )  # fmt: skip
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": tokenizer_class, "pad_token": "<pad>", "unk_token": "<unk>",
        "bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>",
        "mask_token": {"content": "<mask>", "lstrip": True, "__type": "AddedToken"},
    }  # fmt: skip
    return said({one.name: one.read_bytes() for one in folder.iterdir()}, **settings)


@pytest.mark.parametrize(
    ("kind", "tokenizer_class"),
    [("xlm-roberta", "XLMRobertaTokenizer"), ("camembert", "CamembertTokenizer"),
     ("albert", "AlbertTokenizer"), ("deberta-v2", "DebertaV2Tokenizer")],
)  # fmt: skip
def test_the_normaliser_of_a_unigram_tokenizer_is_kept_in_transformers(
    tmp_path: Path, kind: str, tokenizer_class: str
) -> None:
    files = unigram(tmp_path / "base", kind, tokenizer_class)
    target = tmp_path / "done"
    target.mkdir()
    loaded = finished(files, target)
    assert_same_in_transformers(loaded, target)
    tokenizer = AutoTokenizer.from_pretrained(target)
    assert (tokenizer.pad_token, tokenizer.mask_token, tokenizer.cls_token) == (
        "<pad>", "<mask>", "<s>"
    )  # fmt: skip
    assert len(tokenizer) == tokenizer.vocab_size  # no token was added


def test_a_tokenizer_without_special_tokens_gives_no_empty_row(
    files: Files, tmp_path: Path
) -> None:
    bare = json.loads(files["tokenizer.json"]) | {"post_processor": None}
    given = files | {"tokenizer.json": json.dumps(bare).encode()}
    for settings, filler in (({"unk_token": "[UNK]"}, 1), ({"pad_token": "[PAD]"}, 0)):
        encoded = TASK.encoder(said(given, **settings), 32)(["\u200b", "", "film", "\x07"])
        assert encoded.lengths.tolist() == [1, 1, 1, 1]
        assert encoded.ids[[0, 1, 3]].tolist() == [filler] * 3
    loaded = finished(said(given, unk_token="[UNK]"), tmp_path)
    scores = loaded.scores(loaded.encode(["\u200b", "\x07"]), np.arange(2))
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(
    "data", [b"[]", b"{", b"", b'{"pad_token": {}}', b'{"pad_token": 3}', b'{"unk_token": ["a"]}']
)
@pytest.mark.parametrize("name", ["tokenizer_config.json", "special_tokens_map.json"])
def test_broken_settings_of_a_tokenizer_are_a_clear_error(
    files: Files, name: str, data: bytes
) -> None:
    with pytest.raises(ModelError, match=r"tokenizer_config\.json|special_tokens_map\.json"):
        TASK.encoder({**files, "tokenizer_config.json": b"{}", name: data}, 32)


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(files: Files) -> None:
    raw = json.loads(files["tokenizer.json"])
    raw["model"]["vocab"]["strange"] = len(raw["model"]["vocab"])
    given = files | {"tokenizer.json": json.dumps(raw).encode()}
    with pytest.raises(ModelError, match=r"1 tokens beyond .* \('strange'"):
        TASK.encoder(given, 32)


def test_special_tokens_of_the_older_file_are_kept(files: Files) -> None:
    older = json.dumps({"mask_token": "[MASK]", "sep_token": {"content": "[SEP]"}}).encode()
    done = export_tokenizer(said(files, pad_token="[PAD]") | {"special_tokens_map.json": older}, 24)
    settings = json.loads(done["tokenizer_config.json"])
    assert set(done) == {"tokenizer.json", "tokenizer_config.json"}
    assert settings["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert settings["model_max_length"] == 24
    assert [settings[key] for key in ("pad_token", "mask_token", "sep_token")] == [
        "[PAD]", "[MASK]", "[SEP]"
    ]  # fmt: skip
