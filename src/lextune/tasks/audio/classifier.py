"""Builds transformers' classifiers of sounds that read a window of a few seconds, and asks them layer by layer; it knows no run.

Their head is linear: a weighted sum over the layers, its mean over time, and two linear maps (Yang et al. 2021,
arXiv:2105.01051). So the mean over time of each layer is all that the head needs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lextune.errors import ModelError, Problem
from lextune.tasks.audio.front import POSITION, RATE
from lextune.tasks.base import Files
from lextune.tasks.pretrained import (
    DROPOUTS,
    library_config,
    quiet,
    read_json,
    read_weights,
    refused,
)

if TYPE_CHECKING:
    import torch

    from lextune.tasks.audio.batches import AudioBatch

#: Beginnings of the names of what may be new.
_HEAD = ("layer_weights", "projector.", "classifier.")
_MORE_DROPOUTS = ("feat_proj_dropout", "feat_quantizer_dropout", "final_dropout", "layerdrop", "encoder_layerdrop")  # fmt: skip
#: Of pretraining and of other heads: a classifier of sounds has no place for them, and needs none.
_OTHER = ("model.decoder.", "decoder.", "proj_out.", "lm_head.", "quantizer.", "project_q.", "project_hid.")  # fmt: skip


def build_sound_classifier(
    files: Files, classes: Sequence[str], *, window: int, dropout: float | None, new_head: bool
) -> tuple[torch.nn.Module, frozenset[str]]:
    """The classifier that transformers has for the encoder in `files`, and the names of the tensors that they lack.

    A Whisper encoder is given only the positions of the window. Where there is no head yet, one is made that sums
    over all layers, and as wide as they are.

    Args:
        files: Of a Whisper model or one of the wav2vec2 families, with a head or without.
        classes: Names.
        window: Samples.
        dropout: Over all rates of the model's config; None keeps them.
        new_head: Whether a missing head is initialised.

    Raises:
        ModelError: transformers knows no such classifier, or the files do not fit each other.
    """
    import transformers

    numbered = dict(enumerate(classes))
    config = library_config(
        files, id2label=numbered, label2id={name: index for index, name in numbered.items()}
    )
    family = transformers.AutoModelForAudioClassification._model_mapping.get(type(config), None)
    if family is None:
        raise _no_classifier(config.model_type)
    state = _own(read_weights(files), config, window)
    if new_head:
        named = read_json(files, "config.json").get("id2label")
        if named != {str(index): name for index, name in numbered.items()}:
            # a head of other classes would teach their order: names travel, positions do not
            state = {key: one for key, one in state.items() if not key.startswith("classifier.")}
        if "projector.weight" not in state:
            config.use_weighted_layer_sum = True
            config.classifier_proj_size = config.hidden_size
            state = {key: one for key, one in state.items() if not key.startswith(_HEAD)}
    _adjust(config, dropout)
    with quiet(), refused(f"transformers builds no {config.model_type!r} from config.json"):
        model, report = family.from_pretrained(
            None, config=config, state_dict=state, output_loading_info=True,
            ignore_mismatched_sizes=True, dtype="float32",
        )  # fmt: skip
    _check(report, new_head)
    if config.model_type == "whisper":
        model.base_model_prefix = "encoder"  # where this class has it, whatever its family says
        model.encoder.embed_positions.requires_grad_(False)
    return model, frozenset(report["missing_keys"])


def _adjust(config: Any, dropout: float | None) -> None:
    for key in ("mask_time_prob", "mask_feature_prob"):  # what is left out is drawn by lextune
        if hasattr(config, key):
            setattr(config, key, 0.0)
    if dropout is None:
        return
    for key in (*DROPOUTS, *_MORE_DROPOUTS):
        if hasattr(config, key):
            setattr(config, key, dropout)


def _own(state: dict[str, torch.Tensor], config: Any, window: int) -> dict[str, torch.Tensor]:
    """The tensors that a classifier can have, by its names, with the positions of the window."""
    kept = {key: one for key, one in state.items() if not key.startswith(_OTHER)}
    kept.pop(f"{config.model_type.replace('-', '_')}.masked_spec_embed", None)
    kept.pop("masked_spec_embed", None)
    if config.model_type != "whisper":
        return kept
    kept = {key.removeprefix("model."): one for key, one in kept.items()}
    places, name = window // POSITION, "encoder.embed_positions.weight"
    if name in kept:
        if len(kept[name]) < places:
            raise ModelError(
                Problem(
                    f"the model has {len(kept[name])} positions, but sounds of {window / RATE:g} s need {places}",
                    "use the model as it was pretrained, for 30 s",
                )
            )
        kept[name] = kept[name][:places].clone()
    config.max_source_positions = places
    return kept


def _check(report: dict[str, Any], new_head: bool) -> None:
    missing = sorted(report["missing_keys"])
    wrong = [key for key in missing if not (new_head and key.startswith(_HEAD))]
    misfits = sorted(str(key[0]) for key in report["mismatched_keys"])
    left = sorted(report["unexpected_keys"])
    if wrong or misfits or left:
        raise ModelError(
            Problem(
                f"the weights lack {len(wrong)}, misfit {len(misfits)} and have {len(left)} tensors too "
                f"many ({', '.join([*wrong, *misfits, *left][:5])})",
                "use weights that belong to this config.json",
                "a tensor that is newly initialised would answer at random",
            )
        )


def _no_classifier(kind: str) -> ModelError:
    return ModelError(
        Problem(
            f"the architecture {kind!r} has no classifier of sounds in transformers",
            "choose a Whisper encoder or one of the wav2vec2 families",
            "code that ships inside a model's folder is never run",
        )
    )


def pooled(model: Any, batch: AudioBatch) -> torch.Tensor:
    """The mean over time of what each layer says, or the last one where they are not summed; (sounds, layers, hidden).

    Of the windows of a sound it is their mean.
    """
    import torch

    every = bool(model.config.use_weighted_layer_sum)
    encoder = getattr(model, model.base_model_prefix)
    given = {} if batch.mask is None else {"attention_mask": batch.mask}
    found = encoder(batch.inputs, output_hidden_states=every, **given)
    layers = found.hidden_states if every else (found.last_hidden_state,)
    if batch.mask is None:
        means = [one.float().mean(1) for one in layers]
    else:
        mask = model._get_feature_vector_attention_mask(layers[0].shape[1], batch.mask)[..., None]
        means = [(one.float() * mask).sum(1) / mask.sum(1) for one in layers]
    return batch.means(torch.stack(means, 1))


def classified(model: Any, features: torch.Tensor) -> torch.Tensor:
    """The head on what `pooled` gave, shape (sounds, classes)."""
    if model.config.use_weighted_layer_sum:
        features = (features * model.layer_weights.softmax(-1)[:, None]).sum(1)
    else:
        features = features[:, 0]
    logits: torch.Tensor = model.classifier(model.projector(features))
    return logits


def exported_config(model: Any, files: Files, window: int) -> dict[str, bytes]:
    """config.json and preprocessor_config.json of a classifier that reads sounds padded to the window."""
    config = model.config.to_dict() | {"architectures": [type(model).__name__]}
    config.pop("_name_or_path", None)
    extractor = read_json(files, "preprocessor_config.json")
    if model.config.model_type == "whisper":
        for name in ("n_samples", "nb_max_frames"):
            extractor.pop(name, None)
        extractor |= {
            "feature_extractor_type": "WhisperFeatureExtractor", "chunk_length": window // RATE,
            "feature_size": model.config.num_mel_bins, "sampling_rate": RATE,
        }  # fmt: skip
    return {
        "config.json": json.dumps(config, indent=2, sort_keys=True).encode() + b"\n",
        "preprocessor_config.json": json.dumps(extractor, indent=2, sort_keys=True).encode()
        + b"\n",
    }
