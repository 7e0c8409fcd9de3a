"""speech_to_text learns what is said, answers as transformers does from its folder, and refuses what it cannot teach."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import torch
from transformers import pipeline

import tiny_speech
from lextune.audio import AudioInput
from lextune.config_training import TrainConfig
from lextune.errors import DataError, ModelError
from lextune.files import sha256
from lextune.models.loading import LoadedModel, load_finished, load_pretrained
from lextune.tasks.audio.augment import AudioView
from lextune.tasks.base import model_info, tasks
from lextune.training.loop import Outcome, Rows, Trainer
from lextune.training.objective import Objective

TASK = tasks.get("speech_to_text")
TEXTS = ("low", "mid high", "high low mid", "low low", "high", "mid")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    root = tmp_path_factory.mktemp("models")
    made = {
        "whisper": tiny_speech.write_tiny_whisper(root / "whisper"),
        "several": tiny_speech.write_tiny_whisper(root / "several", multilingual=True),
        "wav2vec2": tiny_speech.write_tiny_ctc(root / "wav2vec2"),
        "hubert": tiny_speech.write_tiny_ctc(root / "hubert", "hubert"),
        "wavlm": tiny_speech.write_tiny_ctc(root / "wavlm", "wavlm"),
    }
    return {
        name: {one.name: one.read_bytes() for one in folder.iterdir()}
        for name, folder in made.items()
    }


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[AudioInput]:
    return written(tmp_path_factory.mktemp("sounds"), [(one, None) for one in TEXTS])


def written(folder: Path, rows: list[tuple[str, float | None]]) -> list[AudioInput]:
    """Sounds of texts, or of so many seconds."""
    found = []
    for place, (text, seconds) in enumerate(rows):
        sound = tiny_speech.spoken("low" if seconds else text, place)
        if seconds:
            sound = np.resize(sound, round(seconds * tiny_speech.RATE))
        path = folder / f"{place}.wav"
        soundfile.write(path, sound, tiny_speech.RATE)
        found.append(AudioInput(str(path), sha256(path.read_bytes()), text))
    return found


class Listed(list[AudioInput]):
    """Inputs with blocks, as the tables of a run have them."""

    def blocks(self) -> list[list[AudioInput]]:
        return [list(self)]


def load(files: dict[str, bytes], **settings: str) -> LoadedModel:
    torch.manual_seed(0)
    return load_pretrained(files, TASK, (), max_length=512, dropout=0.0, settings=settings)


def rows_of(loaded: LoadedModel, inputs: list[AudioInput]) -> Rows:
    encoded = loaded.encode(inputs)
    labels = TASK.numbers([str(one.label) for one in inputs], (), encoded)
    return Rows(encoded, labels, [f"row-{place}" for place in range(len(inputs))])


def train(
    loaded: LoadedModel, inputs: list[AudioInput], folder: Path, **settings: Any
) -> tuple[Trainer, Outcome]:
    given = {
        "epochs": 2, "batch_size": 2, "learning_rate": 3e-3, "precision": "fp32", "early_stopping_patience": 99,
    }  # fmt: skip
    config = TrainConfig(**(given | settings))
    torch.manual_seed(config.seed)
    trainer = Trainer(TASK, loaded.model, config, folder, identity="the same")
    rows = rows_of(loaded, inputs)
    return trainer, trainer.run(rows, rows, 0, resume=False)


#: transformers gives WavLM two masks of different types, of which torch warns.
pytestmark = pytest.mark.filterwarnings("ignore:Support for mismatched:UserWarning")
KINDS = ["whisper", "wav2vec2", "hubert", "wavlm"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_has_the_loss_that_transformers_gives(
    kind: str, folders: dict[str, dict[str, bytes]], inputs: list[AudioInput]
) -> None:
    loaded = load(folders[kind])
    loaded.model.eval()
    rows, numbers = rows_of(loaded, inputs), np.arange(3)
    taught = TASK.targets(rows.labels, rows.encoded, numbers)
    batch = TASK.collate(rows.encoded, numbers)
    with torch.no_grad():
        loss = float(TASK.loss(TASK.logits(loaded.model, batch), taught))
        model: Any = loaded.model
        if kind == "whisper":
            model.config.max_source_positions = batch.inputs.shape[-1] // 2
            model.get_encoder().embed_positions = torch.nn.Embedding.from_pretrained(
                model.get_encoder().embed_positions.weight[: batch.inputs.shape[-1] // 2]
            )
            given = taught.tokens[:, :-1].masked_fill(taught.tokens[:, :-1] < 0, 256)
            expected = model(batch.inputs, decoder_input_ids=given, labels=taught.next_tokens).loss
        else:
            model.config.ctc_loss_reduction = "sum"
            summed = model(batch.inputs, attention_mask=batch.mask, labels=taught.tokens).loss
            expected = summed / taught.size
    assert loss == pytest.approx(float(expected), rel=1e-5)


def test_the_prompt_is_given_and_the_end_is_taught(
    folders: dict[str, dict[str, bytes]], inputs: list[AudioInput]
) -> None:
    rows = rows_of(load(folders["several"], language="en"), inputs)
    taught = TASK.targets(rows.labels, rows.encoded, np.array([0, 2]))
    assert taught.given == 4  # start, language, task, no timestamps
    following = taught.next_tokens
    assert (following[:, :3] == -100).all()
    assert bytes(following[0, 3:7].tolist()).decode("latin-1") != ""
    assert (following == 256).sum(1).tolist() == [1, 1]
    assert taught.size == len(" low") + len(" high low mid") + 2
    assert TASK.size(taught, None) == taught.size


def test_each_token_weighs_alike_whatever_batch_it_is_in(
    folders: dict[str, dict[str, bytes]], inputs: list[AudioInput]
) -> None:
    loaded = load(folders["whisper"])
    loaded.model.eval()
    rows, objective = rows_of(loaded, inputs), Objective(TASK)

    def mean(parts: list[npt.NDArray[np.int64]]) -> float:
        taught = [TASK.targets(rows.labels, rows.encoded, part) for part in parts]
        with torch.no_grad():
            losses = [
                float(objective(TASK.logits(loaded.model, TASK.collate(rows.encoded, part)), one))
                for part, one in zip(parts, taught, strict=True)
            ]
        return float(np.dot(losses, objective.shares(taught)))

    # padded to one length, so that the model hears the same
    alike = dataclasses.replace(rows.encoded.front, window=4 * tiny_speech.RATE)
    rows = dataclasses.replace(rows, encoded=dataclasses.replace(rows.encoded, front=alike))
    assert mean([np.array([0]), np.array([2, 1])]) == pytest.approx(mean([np.arange(3)]), rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("whisper", {}), ("whisper", {"method": "lora", "lora_target_modules": ("q_proj", "v_proj")}),
        ("whisper", {"freeze_encoder": True}), ("whisper", {"method": "layerwise"}), ("wav2vec2", {}),
        ("hubert", {"method": "lora"}), ("wavlm", {"freeze_encoder": True}),
        ("whisper", {"gradient_checkpointing": True}), ("whisper", {"label_smoothing_factor": 0.1}),
        ("wav2vec2", {"label_smoothing_factor": 0.1}), ("whisper", {"precision": "bf16"}),
    ],
)  # fmt: skip
def test_every_method_lowers_the_loss_and_changes_what_it_may(
    kind: str, settings: dict[str, Any], folders: dict[str, dict[str, bytes]],
    inputs: list[AudioInput], tmp_path: Path,
) -> None:  # fmt: skip
    loaded = load(folders[kind])
    before = {name: one.clone() for name, one in loaded.model.state_dict().items()}
    trainer, outcome = train(loaded, inputs, tmp_path, **settings)
    assert outcome.best_validation_loss < outcome.first_loss
    after = trainer.model.state_dict()
    assert after.keys() == before.keys()
    changed = {name for name, one in after.items() if not torch.equal(one, before[name])}
    assert changed
    if kind == "whisper":
        assert "model.encoder.embed_positions.weight" not in changed
    if settings.get("freeze_encoder"):
        heard = "model.encoder." if kind == "whisper" else "wavlm."
        assert not any(name.startswith(heard) for name in changed)
    if "lora_target_modules" in settings:
        inside = {name for name in changed if ".layers." in name}
        assert inside
        assert all(name.split(".")[-2] in ("q_proj", "v_proj") for name in inside)


def test_the_whole_of_a_long_sound_is_refused_with_every_row(
    folders: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    loaded = load(folders["whisper"])
    rows = Listed(written(tmp_path, [("low", None), ("all of it", 31.0), ("too", 33.5)]))
    with pytest.raises(DataError) as caught:
        TASK.kept(tmp_path / "kept", loaded.encode, rows, lambda _: None)
    told = str(caught.value)
    assert len(caught.value.problems) == 2
    assert "31.0 s" in told
    assert "33.5 s" in told
    assert "1.wav" in told
    assert "2.wav" in told
    assert "start and stop" in told
    assert "all of it" not in told
    fine = Listed(rows[:1])
    assert len(TASK.kept(tmp_path / "fine", loaded.encode, fine, lambda _: None)) == 1
    # what is asked, not taught, may be as long as it likes
    assert len(loaded.find(list(rows), 2)) == 3


def test_transcripts_that_a_ctc_model_cannot_write_are_refused(
    folders: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    loaded = load(folders["wav2vec2"])
    rows = Listed(written(tmp_path, [("low", None)] * 3))
    rows[1:] = [rows[1]._replace(label="naïve 7"), rows[2]._replace(label="a" * 200)]
    with pytest.raises(DataError) as caught:
        TASK.kept(tmp_path / "kept", loaded.encode, rows, lambda _: None)
    assert ["lacks" in one.fact or "frames" in one.fact for one in caught.value.problems] == [
        True
    ] * 2
    assert "naïve" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_transformers_writes_the_same_from_the_released_folder(
    kind: str, folders: dict[str, dict[str, bytes]], inputs: list[AudioInput], tmp_path: Path
) -> None:
    loaded = load(folders[kind])
    trainer, _ = train(loaded, inputs, tmp_path / "run", epochs=6)
    info = model_info("speech_to_text", (), loaded.max_length, "fp32", loaded.settings)
    files = TASK.export(trainer.model, folders[kind], info)
    release = tmp_path / "release"
    release.mkdir()
    for name, data in files.items():
        (release / name).write_bytes(data)
    finished = load_finished(files)
    found = finished.find(inputs, 4)
    library = pipeline("automatic-speech-recognition", model=str(release))
    for one, given in zip(found, inputs, strict=True):
        sound, _ = soundfile.read(given.file, dtype="float32")
        most = {"generate_kwargs": {"max_new_tokens": 60}} if kind == "whisper" else {}
        said = library(sound, **most)["text"].strip()
        # a loop is ended here, and goes on to the end of what fits there
        assert said.startswith(one.text[:8])
        if kind != "whisper":
            assert said == one.text


def test_the_release_says_how_it_is_to_be_asked(folders: dict[str, dict[str, bytes]]) -> None:
    loaded = load(folders["several"], language="de")
    info = model_info("speech_to_text", (), 512, "fp32", {"language": "de"})
    files = TASK.export(loaded.model, folders["several"], info)
    generation = json.loads(files["generation_config.json"])
    assert generation["num_beams"] == 1
    assert (generation["language"], generation["task"]) == ("de", "transcribe")
    assert json.loads(files["config.json"])["dtype"] == "float32"
    assert load_finished(files).settings == {"language": "de"}
    assert {"tokenizer.json", "preprocessor_config.json"} <= set(files)


def test_a_model_without_a_head_that_writes_is_refused(
    folders: dict[str, dict[str, bytes]],
) -> None:
    import safetensors.torch

    state = safetensors.torch.load(folders["wav2vec2"]["model.safetensors"])
    state = {name: one for name, one in state.items() if not name.startswith("lm_head")}
    files = folders["wav2vec2"] | {"model.safetensors": safetensors.torch.save(state)}
    with pytest.raises(ModelError, match="lm_head"):
        load(files)


def test_a_change_of_speed_never_makes_a_sound_longer_than_the_window(
    folders: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    config = TrainConfig.model_validate({"audio_augmentation": {"speed": 0.2}}).audio_augmentation
    loaded = load(folders["whisper"])
    (given,) = written(tmp_path, [("low", 29.5)])
    waves = loaded.encode([given])
    for epoch in range(6):
        batch = TASK.collate(waves.seen(AudioView(config, 0, epoch)), np.zeros(1, np.int64))
        assert batch.inputs.shape[-1] <= 3000


def test_a_batch_is_as_long_as_its_longest_sound_and_two_seconds(
    folders: dict[str, dict[str, bytes]], inputs: list[AudioInput]
) -> None:
    loaded = load(folders["whisper"])
    waves = loaded.encode(inputs)
    batch = TASK.collate(waves, np.array([0, 2]))
    longest = int(waves.counts[[0, 2]].max()) / 160
    assert longest + 200 <= batch.inputs.shape[-1] <= longest + 202


@pytest.mark.slow
def test_a_tiny_model_learns_to_write_what_it_hears(tmp_path: Path) -> None:
    folder = tiny_speech.write_tiny_ctc(tmp_path / "model")
    loaded = load({one.name: one.read_bytes() for one in folder.iterdir()})
    (tmp_path / "sounds").mkdir()
    rows = written(tmp_path / "sounds", [(one, None) for one in TEXTS * 8])
    _, outcome = train(loaded, rows, tmp_path / "run", epochs=30, batch_size=8, learning_rate=1e-2)
    assert outcome.best_validation_loss < 0.5 * outcome.first_loss
