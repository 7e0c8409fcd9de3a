"""The method `dp_sgd`: trains what another method trains, with differential privacy of the rows; it counts no epsilon."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from lextune.config_training import TrainConfig
from lextune.errors import ConfigError, ModelError, Problem
from lextune.tasks.base import Task
from lextune.training.methods.base import Method, ParameterGroup, methods
from lextune.training.methods.full import Full
from lextune.training.methods.head import Head
from lextune.training.methods.lora import Lora

if TYPE_CHECKING:
    import torch

    from lextune.training.objective import Objective
    from lextune.training.privacy.accounting import Mechanism
    from lextune.training.privacy.secret import Secret

_SCOPES: Mapping[str, type[Method]] = {"full": Full, "lora": Lora, "head": Head}
_EPSILON = 8.0
#: Of 1 / rows, where the config names no delta.
_DELTA = 0.1
_POINTS = 12
_KINDS = ("class", "classes")


@methods.register("dp_sgd")
class DpSgd(Method):
    """Rows in a step by coins of their own, gradients clipped row by row, noise on their sum, then AdamW.

    After Abadi et al. 2016, arXiv:1607.00133; the clipping bound is `max_grad_norm`. Batch size (times
    accumulation) is the expected number of rows in a step, by which sums are divided whatever the coins said.
    Samples and noise come from a secret of the run that lies in its checkpoints until it is done.
    """

    settings: ClassVar[frozenset[str]] = frozenset(
        {"dp_scope", "target_epsilon", "target_delta", "noise_multiplier", "freeze_embeddings"}
        | Lora.settings
    )
    extra: ClassVar[str | None] = "privacy"
    guarded: ClassVar[bool] = True

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        self._inner = _SCOPES[config.dp_scope](config)
        self.features_once = self._inner.features_once
        self._rows = self._steps = -1

    @classmethod
    def check(cls, config: TrainConfig, task: Task, rows: int) -> None:
        """Two ways to set the noise, a delta too large, weights made of the labels, items that are no rows."""
        if problems := list(_problems(config, task, rows)):
            raise ConfigError(problems)

    def prepare(self, model: torch.nn.Module) -> list[ParameterGroup]:
        """As the method of the scope, but that every row's gradient must be known."""
        from lextune.training.privacy.book import Book
        from lextune.training.privacy.secret import Secret, fresh

        groups = _without(self._inner.prepare(model), _drawn_poolers(model))
        self._secret: Secret | None = Secret(fresh())
        self._book = Book(model, self.config.max_grad_norm)
        self._trained = [one for one in model.parameters() if one.requires_grad]
        return groups

    def begin(self, rows: int, steps: int) -> None:
        """Fix the sampling rate and, for a target, the noise."""
        if (rows, steps) == (self._rows, self._steps):
            return
        self._rows, self._steps = rows, steps
        self._noise: float | None = self.config.noise_multiplier if steps else 1.0

    @property
    def _expected(self) -> int:
        return min(
            self.config.batch_size * self.config.gradient_accumulation_steps, max(1, self._rows)
        )

    @property
    def rate(self) -> float:
        """Probability with which a row is in a step."""
        return self._expected / self._rows

    @property
    def delta(self) -> float:
        """The chance with which epsilon may not hold."""
        asked = self.config.target_delta
        return _DELTA / self._rows if asked is None else asked

    @property
    def noise_multiplier(self) -> float:
        """Standard deviation of the noise over the clipping bound."""
        if self._noise is None:
            from lextune.training.privacy.accounting import noise_for

            target = self.config.target_epsilon or _EPSILON
            self._noise = noise_for(target, self.delta, self.rate, self._steps)
        return self._noise

    def steps(
        self, lengths: npt.NDArray[np.int64], epoch: int
    ) -> list[list[npt.NDArray[np.int64]]]:
        """As many as batches would cover all rows; a row may be in none of them or in several."""
        assert self._secret is not None
        count = math.ceil(self._rows / self._expected)
        drawn = [
            self._secret.sample(len(lengths), self.rate, epoch * count + i) for i in range(count)
        ]
        return [[rows] if len(rows) else [] for rows in drawn]

    def logits(
        self, task: Task, model: torch.nn.Module, encoded: Any, rows: npt.NDArray[np.int64]
    ) -> Any:
        """The model's answers; with gradients, each use of weights is booked row by row."""
        import torch

        if not torch.is_grad_enabled():
            return self._inner.logits(task, model, encoded, rows)
        self._book.start(len(rows))
        if self.config.dp_scope == "head":
            with self._book.watching(model):
                return self._inner.logits(task, model, encoded, rows)
        from lextune.tasks.text.encoder import anatomy, read_states
        from lextune.tasks.text.packing import TextBatch

        batch, known = task.collate(encoded, rows), anatomy(model)
        if known is None or not isinstance(batch, TextBatch):
            raise _unknown(model)
        where = next(model.parameters()).device
        states = read_states(model, known, batch.to(where), self._book)
        with self._book.watching(model):
            return known.head(states)

    def shares(self, objective: Objective, taught: Sequence[Any]) -> list[float]:
        """Each row counts alike, however many the coins brought."""
        each = [objective.task.size(one, objective.class_weights) for one in taught]
        return [one / self._expected for one in each]

    def backward(self, loss: torch.Tensor) -> None:
        """Clip the gradients of the part's rows, and add them up."""
        (loss * self._expected).backward()  # type: ignore[no-untyped-call]
        self._book.close()

    def clip(self, model: torch.nn.Module, step: int) -> float:  # noqa: ARG002
        """Add the noise of a step to the sum of clipped gradients, and divide it by the rows expected.

        Raises:
            TrainingError: What was added is not the noise that is claimed.
        """
        import torch

        from lextune.training.privacy.noise_check import noise_of

        assert self._secret is not None
        self._book.forget()
        for one in self._trained:
            if one.grad is None:
                one.grad = torch.zeros_like(one)
        grads = [one.grad for one in self._trained if one.grad is not None]
        scale = self.noise_multiplier * self.config.max_grad_norm
        with torch.no_grad():
            with noise_of(grads, scale):
                self._secret.add_noise(grads, scale, step)
            torch._foreach_div_(grads, float(self._expected))
            return float(torch.nn.utils.get_total_norm(grads))

    def tensors(self) -> dict[str, torch.Tensor]:
        """The secret, as long as there are steps to take."""
        import torch

        if self._secret is None:
            return {}
        return {"secret": torch.frombuffer(bytearray(self._secret.key), dtype=torch.uint8)}

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """The secret of the run that is gone on with."""
        from lextune.training.privacy.secret import Secret

        self._secret = Secret(tensors["secret"].numpy().tobytes())

    def forget(self) -> bool:
        """The secret: without it nobody can take the noise off the weights again."""
        self._secret = None
        return True

    def privacy(self, steps: int, epochs: int) -> dict[str, Any]:
        """All steps are charged, though the weights of an earlier epoch may be kept: all were looked at to choose."""
        from lextune.training.privacy.accounting import PLD, PRV, epsilon, spent

        found = spent(self._mechanism(steps), self.delta)
        per_epoch = max(1, steps // max(1, epochs))
        stride = per_epoch * max(1, math.ceil(steps / per_epoch / _POINTS))
        curve = [
            [at, epsilon(self._mechanism(at), self.delta)] for at in range(stride, steps, stride)
        ]
        claims = {PRV: found.prv, PLD: found.pld}
        first, second = sorted(claims, key=lambda name: -claims[name])
        return {
            "epsilon": found.epsilon,
            "delta": self.delta,
            "unit": "row of the training part, added or removed",
            "sampling": "poisson",
            "sampling_rate": self.rate,
            "noise_multiplier": self.noise_multiplier,
            "max_grad_norm": self.config.max_grad_norm,
            "expected_batch_size": self._expected,
            "steps": steps,
            "rows": self._rows,
            "scope": self.config.dp_scope,
            "accountant": first,
            "second_accountant": second,
            "second_epsilon": claims[second],
            "curve": [*curve, [steps, found.epsilon]],
        }

    def _mechanism(self, steps: int) -> Mechanism:
        from lextune.training.privacy.accounting import Mechanism

        return Mechanism(self.rate, self.noise_multiplier, steps)

    def watched(self, model: torch.nn.Module) -> dict[str, torch.Tensor]:
        """As the method of the scope."""
        return self._inner.watched(model)

    def finish(self, model: torch.nn.Module) -> None:
        """As the method of the scope."""
        self._inner.finish(model)


def _drawn_poolers(model: torch.nn.Module) -> list[torch.nn.Parameter]:
    """Weights of poolers that pass each number on as it is or scaled: no file held them, they begin so (0004).

    They learn little in few steps, and noise on hidden × hidden weights drowns what the rest learns.
    """
    import torch

    found: list[torch.nn.Parameter] = []
    for name, module in model.named_modules():
        dense = getattr(module, "dense", None)
        if "pooler" in name.split(".") and isinstance(dense, torch.nn.Linear):
            weight = dense.weight.detach()
            square = weight.shape[0] == weight.shape[1]
            if square and torch.equal(weight, torch.diag(weight.diagonal())):
                found += dense.parameters()
    return found


def _without(
    groups: list[ParameterGroup], frozen: list[torch.nn.Parameter]
) -> list[ParameterGroup]:
    """Groups without parameters that are frozen here."""
    left_out = {id(one) for one in frozen}
    for one in frozen:
        one.requires_grad_(False)
    kept: list[ParameterGroup] = [
        {**group, "params": [one for one in group["params"] if id(one) not in left_out]}
        for group in groups
    ]
    return [group for group in kept if group["params"]]


def _problems(config: TrainConfig, task: Task, rows: int) -> Sequence[Problem]:
    found = []
    if config.target_epsilon is not None and config.noise_multiplier is not None:
        found.append(
            Problem(
                "train.target_epsilon and train.noise_multiplier are both set",
                "remove one: each follows from the other",
            )
        )
    if config.target_delta is not None and config.target_delta * rows >= 1:
        found.append(
            Problem(
                f"train.target_delta is {config.target_delta:g}, but there are {rows} training rows",
                f"set one below {1 / rows:.3g}, or leave it out",
                "with a delta of 1 / rows, publishing a row that is drawn by chance would count as private",
            )
        )
    if config.class_weights == "balanced":
        found.append(
            Problem(
                "train.class_weights is balanced, which is made of the training labels",
                "give a mapping of class to weight, or leave it out",
                "what is made of the rows must go through the noise, or epsilon says nothing",
            )
        )
    if task.label_kind not in _KINDS:
        found.append(
            Problem(
                f"train.method is dp_sgd, but the task {task.name} answers for parts of a row",
                "choose a task with one answer a row, or another method",
                "each row's gradient is clipped as a whole",
            )
        )
    if task.input_kind != "text":
        found.append(
            Problem(
                f"train.method is dp_sgd, but the inputs of the task {task.name} are no texts",
                "choose a task on texts, or another method",
                "of other inputs the training rows decide how they are read, without noise",
            )
        )
    if rows < 2:
        found.append(
            Problem(f"there are {rows} training rows", "add rows: one alone cannot be hidden")
        )
    return found


def _unknown(model: torch.nn.Module) -> ModelError:
    return ModelError(
        Problem(
            f"gradients row by row are not known of {type(model).__name__}",
            "set train.dp_scope: head, or choose BERT, RoBERTa, XLM-RoBERTa, CamemBERT, ELECTRA or DistilBERT",
            "a row whose gradient is not clipped is not protected",
        )
    )
