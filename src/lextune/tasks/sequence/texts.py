"""Asks a text encoder of transformers what it says of short texts, one vector each; it knows no item."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from lextune.errors import ModelError, Problem
from lextune.tasks.base import Files
from lextune.tasks.pretrained import library_config, quiet, read_weights, refused
from lextune.tasks.text.packing import TextBatch
from lextune.tasks.text.tokenizing import make_encoder

_AT_ONCE = 64
#: Tokens of a text that are read: a title with attributes is short.
_LONGEST = 128


def embed_texts(files: Files, texts: Sequence[str]) -> torch.Tensor:
    """The mean of the last states of each text's tokens at length 1, float32, shape (texts, hidden).

    Features are then standardised over the texts: what all have in common tells none apart. An empty text is zeros.

    Args:
        files: Of a folder that transformers' AutoModel loads.
        texts: In any language that the encoder reads.

    Raises:
        ModelError: The files are no text encoder, or lack weights.
    """
    said = [place for place, text in enumerate(texts) if text.strip()]
    model = _encoder(files)
    encoded = make_encoder(files, _LONGEST)([texts[place] for place in said])
    size = int(model.config.hidden_size)  # type: ignore[union-attr,arg-type]
    found = torch.zeros(len(said), size)
    with torch.inference_mode():
        for rows in encoded.in_order(_AT_ONCE):
            given = TextBatch(encoded, rows).padded()
            with refused("the text encoder does not take texts"):
                states = model(**given)[0].float()
            mask = given["attention_mask"][..., None]
            found[torch.from_numpy(rows)] = functional.normalize(
                (states * mask).sum(1) / mask.sum(1)
            )
    if not bool(torch.isfinite(found).all()):
        raise ModelError(
            Problem("the text encoder gives no finite numbers", "restore the model's weights")
        )
    if len(said) > 1:
        found = found - found.mean(0)
        found = found / found.std().clamp(min=1e-6)
    every = torch.zeros(len(texts), size)
    every[torch.tensor(said, dtype=torch.long)] = found
    return every


def _encoder(files: Files) -> torch.nn.Module:
    from transformers import AutoModel

    config = library_config(files)
    with quiet(), refused(f"transformers builds no encoder {config.model_type!r} from config.json"):
        model, report = AutoModel._model_mapping[type(config)].from_pretrained(
            None, config=config, state_dict=read_weights(files), output_loading_info=True,
            ignore_mismatched_sizes=True, dtype="float32",
        )  # fmt: skip
    lacking = [key for key in sorted(report["missing_keys"]) if "pooler." not in key]
    lacking += [str(key[0]) for key in report["mismatched_keys"]]
    if lacking:
        raise ModelError(
            Problem(
                f"the weights lack or misfit {len(lacking)} tensors ({', '.join(lacking[:3])})",
                "use weights that belong to this config.json",
                "a tensor that is newly initialised would answer at random",
            )
        )
    model.eval()
    return model  # type: ignore[no-any-return]
