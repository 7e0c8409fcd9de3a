"""Sounds are classed in windows as long as they are, by a classifier that transformers loads as it is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

import tiny
import tiny_speech
from lextune.audio import AudioInput
from lextune.config import load_config
from lextune.config_training import AudioAugmentationConfig, TrainConfig
from lextune.errors import DataError, ModelError
from lextune.models.loading import load_finished, load_pretrained
from lextune.tasks.base import Files, model_info, tasks
from lextune.training.layers import start_layer_weights
from lextune.training.loop import Rows, Trainer

TASK = tasks.get("speech_emotion")
CLASSES = ("high", "low", "middle")
LAYERS = {"layer_weights", "projector.weight", "projector.bias", "classifier.weight", "classifier.bias"}  # fmt: skip


def heard(pitch: str, seconds: float, seed: int = 0, rate: int = 16_000) -> AudioInput:
    stream = io.BytesIO()
    wave = tiny.draw_sound(pitch, seed, seconds, rate)
    soundfile.write(stream, wave, rate, format="WAV", subtype="PCM_16")
    return AudioInput("a.wav", "", data=stream.getvalue())


def read(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return read(tiny_speech.write_tiny_whisper(tmp_path_factory.mktemp("whisper")))


def chosen(seconds: list[float]) -> dict[str, str]:
    config = load_config(
        {"task": "speech_emotion", "model": {"source": "auto"}, "data": {"train": ["x"]}}
    )
    return TASK.settings(config, [heard("low", one) for one in seconds], [])


def test_the_window_holds_nine_sounds_in_ten() -> None:
    assert chosen([2.0] * 10) == {"window_seconds": "2"}
    assert chosen([2.003] * 10) == {"window_seconds": "2"}
    assert chosen([0.3] * 10) == {"window_seconds": "1"}
    assert chosen([1.5] * 19 + [9.0]) == {"window_seconds": "2"}
    assert chosen([40.0]) == {"window_seconds": "30"}
    assert chosen([]) == {}
    pieces = [heard("low", 5.0)._replace(start=0.5, stop=3.4)]
    config = load_config(
        {"task": "speech_emotion", "model": {"source": "auto"}, "data": {"train": ["x"]}}
    )
    assert TASK.settings(config, pieces, []) == {"window_seconds": "3"}
    with pytest.raises(DataError, match="cannot be read"):
        TASK.settings(config, [AudioInput("a.wav", "", data=b"no sound")], [])


def exported(files: Files, folder: Path, seconds: int = 2) -> tuple[Any, dict[str, bytes]]:
    settings = {"window_seconds": str(seconds)}
    torch.manual_seed(0)
    loaded = load_pretrained(files, TASK, CLASSES, max_length=512, dropout=0.0, settings=settings)
    assert loaded.new_tensors >= LAYERS
    with torch.no_grad():  # as if it had been trained
        loaded.model.layer_weights.copy_(torch.randn(3))
    info = model_info("speech_emotion", CLASSES, 512, "fp32", settings)
    written = TASK.export(loaded.model.eval(), files, info)
    folder.mkdir(exist_ok=True)
    for name, data in written.items():
        (folder / name).write_bytes(data)
    return loaded, written


def test_transformers_answers_as_lextune_does_from_the_folder_as_it_is(
    whisper: Files, tmp_path: Path
) -> None:
    from transformers import AutoFeatureExtractor, WhisperForAudioClassification

    loaded, written = exported(whisper, tmp_path / "out")
    stock, report = WhisperForAudioClassification.from_pretrained(
        tmp_path / "out", output_loading_info=True
    )
    assert not any(report.values())
    assert stock.config.id2label == dict(enumerate(CLASSES))
    given = [heard("low", 1.2), heard("high", 2.0, rate=44_100)]
    encoded = loaded.encode(given)
    extractor = AutoFeatureExtractor.from_pretrained(tmp_path / "out")
    frames = extractor(
        [encoded.wave(row) for row in (0, 1)], sampling_rate=16_000, return_tensors="pt"
    ).input_features
    assert frames.shape == (2, 8, 200)
    with torch.inference_mode():
        expected = stock.eval()(frames).logits.softmax(-1)
    found = load_finished(written).scores(encoded, np.array([0, 1]))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")  # transformers' WavLM
@pytest.mark.parametrize("kind", ["wav2vec2", "hubert", "wavlm"])
@pytest.mark.parametrize("norm", ["group", "layer"])
def test_the_wave_families_answer_as_transformers_does(
    kind: str, norm: str, tmp_path: Path
) -> None:
    from transformers import AutoModelForAudioClassification

    model = tiny.write_tiny_wave_model(tmp_path / "model", kind, feat_extract_norm=norm)
    loaded, written = exported(read(model), tmp_path / "out")
    stock, report = AutoModelForAudioClassification.from_pretrained(
        tmp_path / "out", output_loading_info=True
    )
    assert not any(report.values())
    encoded = loaded.encode([heard("low", 1.2), heard("high", 2.0)])
    batch = TASK.collate(encoded, np.array([0, 1]))
    assert (batch.mask is None) is (norm == "group")
    with torch.inference_mode():
        expected = stock.eval()(batch.inputs, attention_mask=batch.mask).logits.softmax(-1)
    found = load_finished(written).scores(encoded, np.array([0, 1]))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_an_answer_depends_on_no_other_sound_of_the_batch(whisper: Files, tmp_path: Path) -> None:
    _, written = exported(whisper, tmp_path / "out", seconds=1)
    finished = load_finished(written)
    encoded = finished.encode([heard("low", 0.4), heard("high", 2.7), heard("middle", 1.0)])
    whole = finished.scores(encoded, np.array([0, 1, 2]))
    for row in range(3):
        np.testing.assert_allclose(
            finished.scores(encoded, np.array([row]))[0], whole[row], atol=1e-5
        )


def test_features_once_give_the_same_answers(whisper: Files, tmp_path: Path) -> None:
    loaded, _ = exported(whisper, tmp_path / "out", seconds=1)
    encoded = loaded.encode([heard("low", 0.4), heard("high", 2.7)])
    with torch.inference_mode():
        batch = TASK.collate(encoded, np.array([0, 1]))
        features = TASK.features(loaded.model, batch)
        assert features.shape == (2, 3 * 16)
        torch.testing.assert_close(
            TASK.head_logits(loaded.model, features), TASK.logits(loaded.model, batch)
        )


def test_a_head_of_other_classes_is_not_kept(whisper: Files, tmp_path: Path) -> None:
    _, written = exported(whisper, tmp_path / "out")
    settings = {"window_seconds": "2"}
    _, same = TASK.build(written, CLASSES, dropout=None, new_head=True, settings=settings)
    assert same == frozenset()
    _, other = TASK.build(written, ("low", "high", "middle"), dropout=None, new_head=True, settings=settings)  # fmt: skip
    assert other == {"classifier.weight", "classifier.bias"}


def test_weights_that_do_not_fit_are_refused(whisper: Files) -> None:
    import safetensors.torch

    state = safetensors.torch.load(whisper["model.safetensors"])
    settings = {"window_seconds": "2"}
    lacking = {k: v for k, v in state.items() if "encoder.layers.1.fc1" not in k}
    more = state | {"model.encoder.layers.7.fc1.weight": torch.zeros(2)}
    for wrong in (lacking, more):
        files = {**whisper, "model.safetensors": safetensors.torch.save(wrong)}
        with pytest.raises(ModelError, match="the weights lack"):
            TASK.build(files, CLASSES, dropout=None, new_head=True, settings=settings)
    written = {**whisper, "preprocessor_config.json": b'{"feature_size": 128}'}
    with pytest.raises(ModelError, match="disagree"):
        TASK.encoder(written, 512, settings)
    with pytest.raises(ModelError, match="not read for the architecture 'bert'"):
        TASK.encoder({"config.json": b'{"model_type": "bert"}'}, 512, settings)


def test_positions_stay_as_they_were_pretrained(whisper: Files) -> None:
    model, _ = TASK.build(
        whisper, CLASSES, dropout=0.0, new_head=True, settings={"window_seconds": "2"}
    )
    fixed = [name for name, one in model.named_parameters() if not one.requires_grad]
    assert fixed == ["encoder.embed_positions.weight"]
    assert model.encoder.embed_positions.weight.shape == (100, 16)  # type: ignore[union-attr]


@pytest.mark.parametrize("method", ["full", "layerwise", "lora", "head"])
def test_every_method_trains_it_and_leaves_what_transformers_loads(
    method: str, whisper: Files, tmp_path: Path
) -> None:
    from transformers import WhisperForAudioClassification

    config = TrainConfig(
        method=method, epochs=2, batch_size=4, learning_rate=1e-2, precision="fp32",
        backbone_lr_scale=0.1 if method == "full" else 1.0,
        audio_augmentation=AudioAugmentationConfig(speed=0.1, noise_snr_db=20.0, time_masks=1, frequency_masks=1),
    )  # fmt: skip
    settings = {"window_seconds": "1"}
    torch.manual_seed(0)
    loaded = load_pretrained(whisper, TASK, CLASSES, max_length=512, dropout=0.0, settings=settings)
    names = [CLASSES[n % 3] for n in range(12)]
    encoded = loaded.encode([heard(name, 0.5, n) for n, name in enumerate(names)])
    rows = Rows(encoded, TASK.numbers(names, CLASSES, encoded), [str(n) for n in range(12)])
    assert start_layer_weights(TASK, loaded.model, rows, loaded.new_tensors) is not None
    before = {name: one.clone() for name, one in loaded.model.state_dict().items()}
    trainer = Trainer(
        TASK, loaded.model, config, tmp_path / "c", identity="", class_weights=None, callbacks=[]
    )
    trainer.run(rows, rows, 3, resume=False)
    changed = {n for n, one in loaded.model.state_dict().items() if not torch.equal(one, before[n])}
    assert {"layer_weights", "projector.weight", "classifier.weight"} <= changed
    assert ("encoder.layers.0.fc1.weight" in changed) is (method != "head")
    assert "encoder.embed_positions.weight" not in changed
    info = model_info("speech_emotion", CLASSES, 512, "fp32", settings)
    for name, data in TASK.export(loaded.model.eval(), whisper, info).items():
        (tmp_path / name).write_bytes(data)
    _, report = WhisperForAudioClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report.values())
