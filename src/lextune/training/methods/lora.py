"""The method `lora`: low-rank updates of the layers' linear maps are trained beside the head, and merged at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lextune.errors import ModelError, Problem
from lextune.extras import need
from lextune.training.depth import depths
from lextune.training.methods.base import Method, ParameterGroup, decayed_groups, methods

if TYPE_CHECKING:
    import torch

_ALL = "all-linear"


@methods.register("lora")
class Lora(Method):
    """Hu et al. 2021, arXiv:2106.09685, as peft has it: W + (alpha / r) B A, where B begins at zero.

    All else in embeddings and layers is frozen. What lies above the last layer (pooler, classifier) is trained
    whole.
    """

    settings: ClassVar[frozenset[str]] = frozenset(
        {"lora_r", "lora_alpha", "lora_dropout", "lora_target_modules"}
    )
    extra: ClassVar[str | None] = "lora"

    def prepare(self, model: torch.nn.Module) -> list[ParameterGroup]:
        """Adapters in the linear maps of the layers, and the head."""
        depth, top = depths(model, "lora")
        targets = self._targets(model, depth, top)
        peft = need("lora", "peft")
        how = peft.LoraConfig(
            r=self.config.lora_r,
            lora_alpha=self.config.lora_alpha,
            lora_dropout=self.config.lora_dropout,
            target_modules=targets,
        )
        head = {name: one for name, one in model.named_parameters() if depth[name] == top}
        self._tuner: Any = peft.tuners.lora.LoraModel(model, how, "default")  # freezes the rest
        for parameter in head.values():
            parameter.requires_grad_(True)
        layers: dict[str, Any] = {name: model.get_submodule(name) for name in targets}
        merged = {f"{name}.weight": one.base_layer.weight for name, one in layers.items()}
        self._watched: dict[str, torch.Tensor] = {**head, **merged}
        return decayed_groups(model.parameters(), self.config.weight_decay)

    def watched(self, model: torch.nn.Module) -> dict[str, torch.Tensor]:  # noqa: ARG002
        """The matrices that the updates are merged into, and the head."""
        return dict(self._watched)

    def finish(self, model: torch.nn.Module) -> None:  # noqa: ARG002
        """Merge the updates; the model has its own modules and names again."""
        try:
            self._tuner.merge_and_unload(safe_merge=True)
        except ValueError as error:
            raise ModelError(
                Problem(
                    "the low-rank updates cannot be merged into the weights",
                    "lower train.learning_rate or train.lora_alpha",
                    " ".join(str(error).split())[:300],
                )
            ) from error

    def _targets(self, model: torch.nn.Module, depth: dict[str, int], top: int) -> list[str]:
        """Full names of the modules to adapt.

        Raises:
            ModelError: None is there, or none of a name that the config gives.
        """
        import torch

        linear = [
            name
            for name, module in model.named_modules()
            # what extends Linear may be read past its forward
            if type(module) is torch.nn.Linear and 0 < depth.get(f"{name}.weight", 0) < top
        ]
        asked = self.config.lora_target_modules
        found = {
            one: [name for name in linear if one == _ALL or f".{name}".endswith(f".{one}")]
            for one in asked
        }
        missing = [one for one, names in found.items() if not names]
        if missing:
            known = sorted({name.rpartition(".")[2] for name in linear})
            raise ModelError(
                Problem(
                    f"{type(model).__name__} has no linear maps {', '.join(missing)} in its layers",
                    f"set train.lora_target_modules to some of {', '.join(known)}"
                    if known
                    else "set train.method: full",
                    "the method lora adapts those",
                )
            )
        return list(dict.fromkeys(name for names in found.values() for name in names))
