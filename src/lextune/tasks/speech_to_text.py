"""The task speech_to_text: what is said in a sound, in words; it knows no run."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lextune.config import RunConfig
from lextune.errors import DataError, ModelError, Problem
from lextune.labels import LabelKind
from lextune.tasks.audio.front import RATE, Front
from lextune.tasks.audio.task import Advance, AudioTask
from lextune.tasks.base import NO_SETTINGS, Encoder, Files, tasks
from lextune.tasks.pretrained import read_json

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    from lextune.audio import AudioInput
    from lextune.tasks.audio.batches import AudioBatch
    from lextune.tasks.audio.dictation import Dictation, Frames, Taught, Transcripts
    from lextune.tasks.audio.found import FoundTranscript
    from lextune.tasks.audio.spelling import CtcSpelling, WhisperSpelling
    from lextune.tasks.audio.waves import Waves

#: Seconds of silence after the longest sound of a training batch: with less, Whisper does not know where it ends.
_SILENCE = 2.0
#: The loss of a token that might be any of Whisper's.
_BLIND = math.log(51_864)
#: What of a model's folder goes on into the release as it is.
_KEPT = (
    "generation_config.json", "preprocessor_config.json", "processor_config.json", "tokenizer.json",
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
    "normalizer.json",
)  # fmt: skip
#: Rows that are named in one message.
_NAMED = 100


@dataclasses.dataclass(frozen=True)
class SpeechFront(Front):
    """How a sound becomes the model's input, and a text its output."""

    spelling: WhisperSpelling | CtcSpelling | None = None


class SpeechToText(AudioTask):
    """Whisper, or a CTC model of the wav2vec2 family, in transformers."""

    label_kind: ClassVar[LabelKind] = "transcript"
    pipeline_tag: ClassVar[str] = "automatic-speech-recognition"
    metrics: tuple[str, ...] = ("wer", "cer")
    baselines: tuple[str, ...] = ("zero_shot",)

    def settings(
        self, config: RunConfig, inputs: Iterable[AudioInput], labels: Iterable[str]  # noqa: ARG002
    ) -> dict[str, str]:  # fmt: skip
        """The language that is spoken, where the config says it."""
        from lextune.tasks.audio.spelling import languages_told

        return languages_told(config.data.language)

    def front(self, files: Files, settings: Mapping[str, str]) -> SpeechFront:
        """Log-mel frames and Whisper's tokens, or waves and letters."""
        from lextune.tasks.audio.spelling import ctc_spelling, whisper_spelling

        front = super().front(files, settings)
        if front.kind == "mel":
            spelling = whisper_spelling(files, settings.get("language"))
            most = round(spelling.longest * RATE)
            front = dataclasses.replace(front, silence=round(_SILENCE * RATE), most=most)
            return SpeechFront(**vars(front), spelling=spelling)
        return SpeechFront(**vars(front), spelling=ctc_spelling(files))

    def kept(self, path: Path, encode: Encoder, inputs: Any, advance: Advance) -> Waves:
        """The waves of all inputs, mapped from the file; every row that cannot be taught is refused together.

        Raises:
            DataError: A sound is longer than the model hears, or a transcript is not one that it can write.
        """
        waves: Waves = super().kept(path, encode, inputs, advance)
        _refuse_unfit(waves, inputs)
        return waves

    def outputs(self, classes: Sequence[str]) -> tuple[str, ...]:  # noqa: ARG002
        """None: the vocabulary is the model's own."""
        return ()

    def numbers(
        self, labels: Sequence[str], classes: Sequence[str], encoded: Waves  # noqa: ARG002
    ) -> Transcripts:  # fmt: skip
        """The tokens of all transcripts."""
        from lextune.tasks.audio.dictation import transcripts

        spelling = _spelling(encoded)
        return transcripts(
            [spelling.tokens(one) for one in labels], len(getattr(spelling, "prompt", ()))
        )

    def targets(
        self, labels: Transcripts, encoded: Waves, rows: npt.NDArray[np.int64]  # noqa: ARG002
    ) -> Taught:  # fmt: skip
        """The transcripts of these rows."""
        return labels.taught(rows)

    def size(self, targets: Taught, class_weights: torch.Tensor | None) -> float:  # noqa: ARG002
        """The tokens that are taught."""
        return float(targets.size)

    def build(
        self, files: Files, classes: Sequence[str], *, dropout: float | None, new_head: bool,  # noqa: ARG002
        settings: Mapping[str, str] = NO_SETTINGS,  # noqa: ARG002
    ) -> tuple[torch.nn.Module, frozenset[str]]:  # fmt: skip
        """A model whose every tensor comes from `files`."""
        from lextune.tasks.audio.library import build_speech_model

        return build_speech_model(files, dropout=dropout), frozenset()

    def collate(self, encoded: Waves, rows: npt.NDArray[np.int64]) -> AudioBatch:
        """The sounds, padded to the longest and a little more, not to Whisper's 30 seconds."""
        from lextune.tasks.audio.batches import sounds

        return sounds(encoded, rows)

    def logits(self, model: torch.nn.Module, batch: AudioBatch) -> Dictation | Frames:
        """What the model says of the batch."""
        from lextune.tasks.audio.dictation import Dictation
        from lextune.tasks.audio.library import frames_of, is_whisper

        return Dictation(model, batch.inputs) if is_whisper(model) else frames_of(model, batch)

    def features(self, model: torch.nn.Module, batch: AudioBatch) -> torch.Tensor:  # noqa: ARG002
        """None: the decoder reads a state for each 20 ms."""
        raise _no_features()

    def head_logits(self, model: torch.nn.Module, features: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """None: see `features`."""
        raise _no_features()

    def loss(
        self, logits: Dictation | Frames, labels: Taught, *,
        class_weights: torch.Tensor | None = None, label_smoothing: float = 0.0,  # noqa: ARG002
    ) -> torch.Tensor:  # fmt: skip
        """The mean over the tokens that are taught, in nats."""
        return logits.loss(labels, label_smoothing)

    def blind_loss(self, outputs: int) -> float:  # noqa: ARG002
        """Of a token that might be any."""
        return _BLIND

    def accepts(self, logits: Dictation | Frames, targets: Taught, outputs: int) -> bool:  # noqa: ARG002
        """States or frames for each sound."""
        return logits.shape[0] == len(targets)

    def right(self, logits: Dictation | Frames, labels: Taught) -> tuple[int, int]:
        """Of Whisper the tokens that it foretells, of CTC the sounds that it has wholly right."""
        return logits.right(labels)

    def find(
        self, loaded: Any, inputs: Sequence[AudioInput], batch_size: int, advance: Callable[[int], None]
    ) -> list[FoundTranscript | None]:  # fmt: skip
        """What is said in each sound; None where a number is not finite."""
        from lextune.tasks.audio.transcribing import transcribe

        return transcribe(loaded, loaded.encode(inputs), batch_size, advance)

    def export(
        self, model: torch.nn.Module, files: Files, info: Mapping[str, Any]
    ) -> dict[str, bytes]:
        """A folder that transformers' pipeline loads as it is, and lextune.json."""
        config = read_json(files, "config.json")
        for name in ("_name_or_path", "torch_dtype", "transformers_version"):
            config.pop(name, None)
        # transformers loads a model in the number format that its config names
        config |= {"architectures": [type(model).__name__], "dtype": "float32"}
        kept = {name: files[name] for name in _KEPT if name in files}
        if config.get("model_type") == "whisper":
            kept["generation_config.json"] = _generation(files, info.get("settings", {}))
        text = json.dumps(config, indent=2, sort_keys=True).encode() + b"\n"
        return self.written(model, kept | {"config.json": text}, info)


def _generation(files: Files, settings: Mapping[str, str]) -> bytes:
    """How transformers is to write, so that it writes what was measured: greedily, and in the language."""
    found = read_json(files, "generation_config.json") | {"num_beams": 1}
    if found.get("is_multilingual", "lang_to_id" in found) and "language" in settings:
        found |= {"language": settings["language"], "task": "transcribe"}
    return json.dumps(found, indent=2).encode() + b"\n"


def _spelling(waves: Waves) -> WhisperSpelling | CtcSpelling:
    assert isinstance(waves.front, SpeechFront)
    assert waves.front.spelling is not None
    return waves.front.spelling


def _refuse_unfit(waves: Waves, inputs: Sequence[AudioInput]) -> None:
    spelling = _spelling(waves)
    problems = []
    for given, count in zip(inputs, waves.counts.tolist(), strict=True):
        label = given.label or ""
        fact = spelling.problem(label, spelling.tokens(label), count / RATE)
        if fact is not None:
            piece = f" from {given.start:g} s" if given.start or given.stop is not None else ""
            problems.append(
                Problem(
                    fact,
                    "cut it where nobody speaks, with its transcript, and name the pieces in the columns start and "
                    "stop; or mend or remove the row",
                    "nothing of a sound or of its text is cut off without a word",
                    given.file + piece,
                )
            )
    if len(problems) > _NAMED:
        more = len(problems) - _NAMED
        problems[_NAMED:] = [Problem(f"{more} more rows are like these", "mend them alike")]
    if problems:
        raise DataError(problems)


def _no_features() -> ModelError:
    return ModelError(
        Problem(
            "a model that writes down speech is not trained on features that are computed once",
            "set train.method: full with train.freeze_encoder: true, or train.method: lora",
        )
    )


tasks.register("speech_to_text")(SpeechToText("speech_to_text"))
