"""Builds transformers' speech models from the bytes of their folder, whole or not at all; it knows no training."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from lextune.errors import ModelError, Problem
from lextune.tasks.base import Files
from lextune.tasks.pretrained import DROPOUTS, library_config, quiet, read_weights, refused

if TYPE_CHECKING:
    import torch

    from lextune.tasks.audio.batches import AudioBatch
    from lextune.tasks.audio.dictation import Frames

#: What replaces a state that is masked in pretraining: some checkpoints lack it, and nothing here reads it.
_UNUSED = ".masked_spec_embed"


def is_whisper(model: Any) -> bool:
    """Whether it has an encoder of log-mel frames and a decoder of tokens."""
    return bool(model.config.model_type == "whisper")


def build_speech_model(files: Files, *, dropout: float | None) -> torch.nn.Module:
    """WhisperForConditionalGeneration, or the architecture's model for CTC, with every tensor from the files.

    Args:
        files: Of the model's folder.
        dropout: Over all rates of the model's config, and no layer is skipped then; None keeps them.

    Raises:
        ModelError: The files fit neither transformers nor each other, or have no head that writes.
    """
    import transformers

    config = library_config(files)
    whisper = config.model_type == "whisper"
    family = transformers.AutoModelForSpeechSeq2Seq if whisper else transformers.AutoModelForCTC
    try:
        library_class: Any = family._model_mapping[type(config)]
    except KeyError as error:
        raise _no_speech_model(config.model_type) from error
    if dropout is not None:
        for key in (*DROPOUTS, "final_dropout", "feat_proj_dropout"):
            if hasattr(config, key):
                setattr(config, key, dropout)
        for key in ("layerdrop", "encoder_layerdrop", "decoder_layerdrop"):
            if hasattr(config, key):
                setattr(config, key, 0.0)
    config.apply_spec_augment = (
        False  # it draws without a seed; train.audio_augmentation does the same
    )
    with quiet(), refused(f"transformers builds no {config.model_type!r} from config.json"):
        model, report = library_class.from_pretrained(
            None, config=config, state_dict=read_weights(files), output_loading_info=True,
            ignore_mismatched_sizes=True, dtype="float32",
        )  # fmt: skip
    _check(report)
    if whisper:  # the sinusoids are trainable once they come out of a file
        model.get_encoder().embed_positions.requires_grad_(False)
    return model  # type: ignore[no-any-return]


def _check(report: dict[str, Any]) -> None:
    missing = sorted(one for one in report["missing_keys"] if not one.endswith(_UNUSED))
    wrong = [
        *missing,
        *(str(one[0]) for one in report["mismatched_keys"]),
        *report["unexpected_keys"],
    ]
    if wrong:
        raise ModelError(
            Problem(
                f"{len(wrong)} tensors are missing, misfit or have no place ({', '.join(wrong[:3])})",
                "choose a model that was trained to write down speech, with the config.json of its weights",
                "a tensor that is newly initialised would write at random",
            )
        )


def frames_of(model: Any, batch: AudioBatch) -> Frames:
    """What a CTC model says of each frame."""
    import torch

    from lextune.tasks.audio.dictation import Frames

    with warnings.catch_warnings():  # WavLM gives its attention two masks of different types
        warnings.filterwarnings("ignore", "Support for mismatched", UserWarning)
        logits = model(batch.inputs, attention_mask=batch.mask).logits
    if batch.mask is None:
        samples = torch.full((len(logits),), batch.inputs.shape[-1], device=logits.device)
    else:
        samples = batch.mask.sum(1)
    lengths = model._get_feat_extract_output_lengths(samples).clamp(max=logits.shape[1])
    return Frames(logits, lengths, int(model.config.pad_token_id))


def _no_speech_model(kind: object) -> ModelError:
    return ModelError(
        Problem(
            f"transformers has no model of the architecture {kind!r} that writes down speech",
            "choose Whisper, or a model for CTC of the wav2vec2 family (Wav2Vec2ForCTC, HubertForCTC, WavLMForCTC)",
        )
    )
