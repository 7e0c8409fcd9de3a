"""Builds networks and classifiers of timm from the bytes of a model's folder; it downloads nothing and knows no task."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lextune.errors import ModelError, Problem
from lextune.extras import need
from lextune.tasks.base import Files
from lextune.tasks.pretrained import read_json, read_weights
from lextune.tasks.vision.transform import Transform

if TYPE_CHECKING:
    import torch

#: What depends on how often a batch norm was asked, and on nothing that was learnt.
_COUNTERS = ".num_batches_tracked"


def is_timm(files: Files) -> bool:
    """Whether config.json is in timm's layout rather than in transformers'."""
    config = read_json(files, "config.json")
    return "architecture" in config and "model_type" not in config


def build_timm(files: Files, **options: Any) -> Any:
    """The network that config.json names, with weights that are not set yet.

    Args:
        files: In timm's layout.
        options: As `timm.create_model` takes them, over those of config.json.

    Raises:
        ModelError: timm knows no such network.
    """
    timm = need("vision", "timm")
    config = read_json(files, "config.json")
    name = config.get("architecture")
    own = config.get("model_args") or {}
    if not isinstance(name, str) or not timm.is_model(name) or not isinstance(own, dict):
        raise ModelError(
            Problem(
                f"timm has no network {name!r}",
                "set `architecture` in config.json to one of timm.list_models(), or update timm",
                "code that ships inside a model's folder is never run",
            )
        )
    try:
        return timm.create_model(name, pretrained=False, **{**own, **options})
    except (TypeError, ValueError, RuntimeError, KeyError) as error:
        raise ModelError(
            Problem(
                f"timm builds no {name!r} from config.json", "restore config.json", str(error)[:300]
            )
        ) from error


def load_exactly(
    model: torch.nn.Module, state: Mapping[str, torch.Tensor], allowed: Sequence[str] = ()
) -> frozenset[str]:
    """Fill a model from tensors, and name those that it was not given.

    Args:
        model: Filled in place.
        state: By the model's own names; what the model has no place for is refused.
        allowed: Beginnings of names that may be missing.

    Raises:
        ModelError: Another tensor is missing, has another shape, or is left over.
    """
    own = model.state_dict()
    fitting = {key: one for key, one in state.items() if key in own and own[key].shape == one.shape}
    missing = [key for key in own if key not in fitting and not key.endswith(_COUNTERS)]
    wrong = [key for key in missing if not key.startswith(tuple(allowed))] if allowed else missing
    left = [key for key in state if key not in own and not key.endswith(_COUNTERS)]
    if wrong or left:
        names = ", ".join((wrong + left)[:5])
        raise ModelError(
            Problem(
                f"the weights lack or misfit {len(wrong)} tensors and have {len(left)} too many ({names})",
                "use weights that belong to this config.json",
                "a tensor that is newly initialised would answer at random",
            )
        )
    model.load_state_dict(fitting, strict=False)
    return frozenset(missing)


def build_timm_classifier(
    files: Files, outputs: Sequence[str], *, dropout: float | None, new_head: bool
) -> tuple[torch.nn.Module, frozenset[str]]:
    """A classifier of timm with an output for each class, and the names of the tensors that `files` did not hold.

    Raises:
        ModelError: The files fit neither timm nor each other.
    """
    options = {} if dropout is None else {"drop_rate": dropout}
    model = build_timm(files, num_classes=len(outputs), **options)
    head = classifier_name(model)
    state = read_weights(files)
    if new_head and list(read_json(files, "config.json").get("label_names") or []) != list(outputs):
        # a head of other classes would teach their order: names travel, positions do not
        state = {key: one for key, one in state.items() if not key.startswith(f"{head}.")}
    new = load_exactly(model, state, (f"{head}.",) if new_head else ())
    if new:
        for module in model.get_submodule(head).modules():
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()  # timm draws the head of few classes far too wide
    return model, new


def classifier_name(model: Any) -> str:
    """The name of a timm network's last layer.

    Raises:
        ModelError: It has none that is known.
    """
    wanted = model.get_classifier()
    names = (name for name, module in model.named_modules() if module is wanted)
    found: str | None = next(names, None)
    if found is None:
        raise ModelError(
            Problem(
                f"{type(model).__name__} of timm does not say which its classifier is",
                "choose another network",
            )
        )
    return found


def timm_config(
    files: Files, outputs: Sequence[str], transform: Transform, **changes: Any
) -> bytes:
    """config.json in timm's layout, of a network with these outputs that takes images so transformed."""
    config = read_json(files, "config.json")
    own = {**(config.get("pretrained_cfg") or {})}
    own |= {
        "input_size": [3, *transform.size], "crop_pct": transform.crop_pct, "mean": list(transform.mean),
        "std": list(transform.std), "interpolation": transform.interpolation, "num_classes": len(outputs),
    }  # fmt: skip
    for key in ("url", "hf_hub_id", "source", "file", "pool_size"):
        own.pop(key, None)
    config |= {"num_classes": len(outputs), "label_names": list(outputs), "pretrained_cfg": own}
    return json.dumps(config | changes, indent=2, ensure_ascii=False).encode() + b"\n"
