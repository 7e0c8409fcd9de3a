"""What a training method is: it chooses what an optimiser may change, and how; it knows neither data nor loop."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

import numpy as np
import numpy.typing as npt

from lextune.config_training import TrainConfig
from lextune.registry import Registry
from lextune.tasks.base import Task
from lextune.training.batching import plan_epoch

if TYPE_CHECKING:  # a config is checked against the methods before torch is loaded
    import torch

    from lextune.training.objective import Objective


class ParameterGroup(TypedDict):
    """A group as torch.optim takes it; `lr_scale` multiplies the learning rate of each step."""

    params: list[torch.nn.Parameter]
    weight_decay: float
    lr_scale: float


class Method(ABC):
    """One way to train. A method overrides `prepare`, and whatever else it does differently.

    Args:
        config: The config's train section.

    Attributes:
        settings: Fields of the train section that only methods which name them read.
        extra: What must be installed for it, as `lextune.extras` names it.
        features_once: Whether the encoder runs over every row once, before the first step.
        guarded: Whether what training says of single rows must not reach weights or statements but through its steps.
    """

    settings: ClassVar[frozenset[str]] = frozenset()
    extra: ClassVar[str | None] = None
    features_once: bool = False
    guarded: ClassVar[bool] = False

    def __init__(self, config: TrainConfig) -> None:
        self.config = config

    @classmethod
    def check(cls, config: TrainConfig, task: Task, rows: int) -> None:
        """Refuse what the method cannot do, before anything is loaded.

        Args:
            config: The config's train section.
            task: What is trained for.
            rows: Of the training part.

        Raises:
            ConfigError: Naming the keys.
        """

    @abstractmethod
    def prepare(self, model: torch.nn.Module) -> list[ParameterGroup]:
        """Freeze or add to the model in place, and return what is trained.

        Raises:
            ModelError: The method does not fit the architecture.
        """

    def logits(
        self, task: Task, model: torch.nn.Module, encoded: Any, rows: npt.NDArray[np.int64]
    ) -> Any:
        """The model's answers for some of the rows, shape (items, outputs)."""
        where = next(model.parameters()).device
        return task.logits(model, task.collate(encoded, rows).to(where))

    @contextlib.contextmanager
    def phase(self, model: torch.nn.Module, epoch: int) -> Iterator[None]:  # noqa: ARG002
        """Around the gradient of a step in an epoch (from 0): what is not to be changed yet needs no gradient inside."""
        yield

    def begin(self, rows: int, steps: int) -> None:  # noqa: B027
        """Told before the first step how many training rows and, at most, steps there are; 0 steps are only tried."""

    def steps(
        self, lengths: npt.NDArray[np.int64], epoch: int
    ) -> list[list[npt.NDArray[np.int64]]]:
        """The steps of an epoch (from 0), each with its batches of rows; always the same for the same epoch."""
        config, most = self.config, self.config.gradient_accumulation_steps
        batches = plan_epoch(lengths, config.batch_size, config.seed, epoch)
        return [batches[i : i + most] for i in range(0, len(batches), most)]

    def shares(self, objective: Objective, taught: Sequence[Any]) -> list[float]:
        """What the mean loss of each part of a step counts."""
        return objective.shares(taught)

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradient of a part's share of the loss to that of the step."""
        loss.backward()  # type: ignore[no-untyped-call]

    def clip(self, model: torch.nn.Module, step: int) -> float:  # noqa: ARG002
        """Bound the gradient of a step (from 0) and give its norm."""
        import torch

        return float(torch.nn.utils.clip_grad_norm_(model.parameters(), self.config.max_grad_norm))

    def tensors(self) -> dict[str, torch.Tensor]:
        """What a checkpoint must hold of the method itself, so that a resumed run goes on alike."""
        return {}

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:  # noqa: B027
        """Take back what `tensors` gave."""

    def forget(self) -> bool:
        """Drop what only further steps would need; whether checkpoints held some of it."""
        return False

    def privacy(self, steps: int, epochs: int) -> dict[str, Any] | None:  # noqa: ARG002
        """What the steps done spent of the training rows' privacy, for the statement; None where nothing is claimed."""
        return None

    def watched(self, model: torch.nn.Module) -> dict[str, torch.Tensor]:
        """The tensors that training is to change, by the names that they have after `finish`."""
        return {name: one.detach() for name, one in model.named_parameters() if one.requires_grad}

    def finish(self, model: torch.nn.Module) -> None:  # noqa: B027 - a hook that few methods fill
        """Give the model, which holds the best weights, the modules and names back that it came with.

        Raises:
            ModelError: The weights do not allow it.
        """


def decayed_groups(
    parameters: Iterable[torch.nn.Parameter], weight_decay: float, lr_scale: float = 1.0
) -> list[ParameterGroup]:
    """The trained ones of the parameters in up to two groups: weight decay spares biases and norms.

    After Loshchilov and Hutter 2019, arXiv:1711.05101, for the decoupled decay.
    """
    trained = [one for one in parameters if one.requires_grad]
    # biases and norms are vectors, everything that multiplies is a matrix
    matrices = [one for one in trained if one.ndim > 1]
    vectors = [one for one in trained if one.ndim <= 1]
    groups: list[ParameterGroup] = [
        {"params": matrices, "weight_decay": weight_decay, "lr_scale": lr_scale},
        {"params": vectors, "weight_decay": 0.0, "lr_scale": lr_scale},
    ]
    return [group for group in groups if group["params"]]


methods: Registry[type[Method]] = Registry("method", "lextune.training.methods")


def idle_settings(chosen: str) -> dict[str, str]:
    """Fields of the train section that the chosen method does not read, each with one that does."""
    own = methods.get(chosen).settings
    return {key: name for name, one in methods for key in sorted(one.settings - own)}
