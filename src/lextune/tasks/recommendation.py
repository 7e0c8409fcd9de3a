"""The task recommendation: somebody's events, and the items that come next; it knows no run and no store of events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from lextune.config import RunConfig
from lextune.config_training import TrainConfig
from lextune.errors import ConfigError, ModelError, Problem
from lextune.histories import HistoryInput, read_items
from lextune.labels import InputKind, LabelKind
from lextune.tasks.base import NO_SETTINGS, Encoder, Files, tasks
from lextune.tasks.keeping import KeepsRows
from lextune.tasks.pretrained import read_json

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    from lextune.tasks.sequence.events import HistoryBatch, Sequences
    from lextune.tasks.sequence.found import FoundItems
    from lextune.tasks.sequence.network import SequenceRecommender

Advance = Callable[[int], None]
#: Of config.json, for which no library but this one builds a network.
_MODEL_TYPE = "lextune-sequence-recommender"
_SIZES: Mapping[str, int] = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}


class Recommendation(KeepsRows):
    """A causal transformer over events, whose items begin as what a text encoder says of them."""

    input_kind: ClassVar[InputKind] = "history"
    label_kind: ClassVar[LabelKind] = "items"
    pipeline_tag: ClassVar[str] = "other"
    train_settings: ClassVar[frozenset[str]] = frozenset({"max_length", *_SIZES})
    metrics: tuple[str, ...] = (
        "ndcg_10", "hit_rate_10", "mrr", "coverage_10", "novelty_10", "popularity_lift_10",
    )  # fmt: skip
    baselines: tuple[str, ...] = ("popularity", "item_knn", "ease")

    def __init__(self, name: str) -> None:
        self.name = name

    def positions(self, files: Files) -> int | None:  # noqa: ARG002
        """None: distance is told by penalties, which have no end."""
        return None

    def settings(
        self, config: RunConfig, inputs: Iterable[HistoryInput], labels: Iterable[str]
    ) -> dict[str, str]:
        """`items`: what each is in words, by id; `cold`: those without a training event; and sizes of the network.

        Raises:
            ConfigError: The config asks for a method that does not fit, or for sizes that do not.
        """
        train = config.train
        _check_method(train)
        happened = {one.item for given in inputs for one in given.events}
        happened |= {name for cell in labels for name in read_items(cell)}
        said: Mapping[str, str] = getattr(inputs, "items", {})
        items = {name: said.get(name, "") for name in sorted({*happened, *said})}
        sizes = {name: getattr(train, name) or usual for name, usual in _SIZES.items()}
        if sizes["hidden_size"] % sizes["num_attention_heads"]:
            raise ConfigError(
                Problem(
                    f"train.hidden_size is {sizes['hidden_size']}, which {sizes['num_attention_heads']} attention "
                    "heads do not share evenly",
                    "set train.hidden_size to a multiple of train.num_attention_heads",
                )
            )
        return {
            "items": json.dumps(items, ensure_ascii=False),
            "cold": json.dumps([name for name in items if name not in happened], ensure_ascii=False),
            **{name: str(size) for name, size in sizes.items()},
        }  # fmt: skip

    def encoder(
        self, files: Files, max_length: int, settings: Mapping[str, str] = NO_SETTINGS  # noqa: ARG002
    ) -> Encoder:  # fmt: skip
        """Histories to numbers of items, cut to the last `max_length` events."""
        from lextune.tasks.sequence.events import HistoryEncoder

        return HistoryEncoder(sorted(_items(settings)), max_length)

    def outputs(self, classes: Sequence[str]) -> tuple[str, ...]:
        """One an item."""
        return tuple(classes)

    def numbers(
        self, labels: Sequence[str], classes: Sequence[str], encoded: Any = None  # noqa: ARG002
    ) -> npt.NDArray[np.int64]:  # fmt: skip
        """The number of the first item that came next, -1 where none or an unknown one did; shape (rows,)."""
        import numpy as np

        number = {name: index for index, name in enumerate(classes)}
        first = (next(iter(read_items(cell)), None) for cell in labels)
        return np.fromiter(
            (number.get(one, -1) if one else -1 for one in first), np.int64, len(labels)
        )

    def items(self, encoded: Sequences, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:  # noqa: ARG002
        """The rows themselves."""
        return rows

    def epoch(self, encoded: Sequences, config: TrainConfig, epoch: int) -> Sequences:
        """Every position is taught, and events of one time come in another order in each epoch."""
        from lextune.tasks.sequence.events import View

        return encoded.seen(View(config.seed, epoch))

    def targets(
        self, labels: npt.NDArray[np.int64], encoded: Sequences, rows: npt.NDArray[np.int64]
    ) -> torch.Tensor:
        """In training of each position, else the label of each row."""
        import torch

        from lextune.tasks.sequence.events import taught_of

        return torch.from_numpy(taught_of(encoded, rows, labels))

    def size(self, targets: torch.Tensor, class_weights: torch.Tensor | None) -> float:  # noqa: ARG002
        """Positions that are taught something."""
        return float((targets >= 0).sum())

    def build(
        self, files: Files, classes: Sequence[str], *, dropout: float | None, new_head: bool,
        settings: Mapping[str, str] = NO_SETTINGS,
    ) -> tuple[torch.nn.Module, frozenset[str]]:  # fmt: skip
        """The network: a finished one from its own files, else one whose items begin as a text encoder sees them."""
        items = _items(settings)
        if sorted(items) != list(classes):
            raise ModelError(
                Problem(
                    f"the model has words for {len(items)} items, but {len(classes)} can be recommended",
                    "restore lextune.json, or run again from the config",
                    "they must be the same ones",
                )
            )
        if not new_head:
            return _finished(files, len(classes)), frozenset()
        import torch

        from lextune.tasks.sequence.network import SequenceRecommender, Shape
        from lextune.tasks.sequence.texts import embed_texts

        texts = embed_texts(files, [items[name] for name in classes])
        cold = set(json.loads(settings["cold"]))
        shape = Shape(
            items=len(classes),
            text_size=texts.shape[1],
            **{name: int(settings[name]) for name in _SIZES},
        )
        without = torch.tensor([name in cold for name in classes])
        model = SequenceRecommender(shape, dropout or 0.0, texts, without)
        return model, frozenset(name for name, _ in model.named_parameters())

    def fit(self, model: torch.nn.Module, *, frozen_norms: bool) -> None:
        """Nothing: the network runs as it was built."""

    def decided(self, loaded: Any, encoded: Any, labels: Any) -> dict[str, str]:  # noqa: ARG002
        """Nothing."""
        return {}

    def collate(self, encoded: Sequences, rows: npt.NDArray[np.int64]) -> HistoryBatch:
        """Histories side by side."""
        from lextune.tasks.sequence.events import batch_of

        return batch_of(encoded, rows)

    def logits(self, model: torch.nn.Module, batch: HistoryBatch) -> torch.Tensor:
        """Scores of all items, shape (positions, items)."""
        scores: torch.Tensor = model(batch)
        return scores

    def features(self, model: torch.nn.Module, batch: HistoryBatch) -> torch.Tensor:  # noqa: ARG002
        """None: items are input and output alike."""
        raise _no_head()

    def head_logits(self, model: torch.nn.Module, features: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """None: see `features`."""
        raise _no_head()

    def loss(
        self, logits: torch.Tensor, labels: torch.Tensor, *,
        class_weights: torch.Tensor | None = None, label_smoothing: float = 0.0,  # noqa: ARG002
    ) -> torch.Tensor:  # fmt: skip
        """Mean cross entropy in nats over the positions that are taught something, 0 where none is.

        Smoothing goes to the items that have a score: training gives cold ones none.
        """
        import torch

        taught = labels >= 0
        if not bool(taught.any()):
            return logits.float().nan_to_num(neginf=0.0).sum() * 0
        said, right = logits[taught].float(), labels[taught]
        mean = torch.nn.functional.cross_entropy(said, right)
        if not label_smoothing:
            return mean
        each = said.log_softmax(-1)
        scored = torch.isfinite(each)
        alike = -(each.masked_fill(~scored, 0.0).sum(-1) / scored.sum(-1)).mean()
        return (1 - label_smoothing) * mean + label_smoothing * alike

    def blind_loss(self, outputs: int) -> float:
        """Of the same probability for each item."""
        import math

        return math.log(max(outputs, 2))

    def accepts(self, logits: torch.Tensor, targets: torch.Tensor, outputs: int) -> bool:
        """One score a position and item."""
        return tuple(logits.shape) == (len(targets), outputs)

    def right(self, logits: torch.Tensor, labels: torch.Tensor) -> tuple[int, int]:
        """Positions whose likeliest item came next, of those where one did."""
        taught = labels >= 0
        return int((logits.argmax(-1) == labels)[taught].sum()), int(taught.sum())

    def find(
        self, loaded: Any, inputs: Sequence[HistoryInput], batch_size: int, advance: Advance
    ) -> list[FoundItems | None]:
        """A score of each item for each history, -inf for items in it; None where a score is not finite.

        A history without events is answered by what people choose at all: nothing of a person is in that.
        """
        import numpy as np
        import torch

        from lextune.tasks.sequence.found import FoundItems

        encode = loaded.encode
        encoded = encode(inputs)
        where = next(loaded.model.parameters()).device
        found: list[FoundItems | None] = [None] * len(inputs)
        loaded.model.eval()
        for rows in encoded.in_order(batch_size):
            batch = self.collate(encoded, rows).to(where)
            with (
                torch.inference_mode()
            ):  # in fp32, whatever it learnt in: near ranks depend on the last digits
                scores = self.logits(loaded.model, batch).float().cpu().numpy()
            for row, given in zip(rows.tolist(), scores, strict=True):
                if np.isfinite(given).all():
                    given[encode.known(inputs[row])] = -np.inf
                    found[row] = FoundItems(given)
            advance(len(rows))
        return found

    def export(
        self, model: torch.nn.Module, files: Files, info: Mapping[str, Any]  # noqa: ARG002
    ) -> dict[str, bytes]:  # fmt: skip
        """config.json, model.safetensors and lextune.json: the network alone, without the text encoder."""
        import dataclasses

        import safetensors.torch

        from lextune.tasks.sequence.network import SequenceRecommender
        from lextune.tasks.tensors import distinct_tensors

        assert isinstance(model, SequenceRecommender)
        state = {name: one.cpu().contiguous() for name, one in distinct_tensors(model).items()}
        config = {
            "model_type": _MODEL_TYPE,
            "architectures": [type(model).__name__],
            **dataclasses.asdict(model.shape),
        }
        return {
            "config.json": json.dumps(config, indent=2, sort_keys=True).encode() + b"\n",
            "model.safetensors": safetensors.torch.save(state, {"format": "pt"}),
            "lextune.json": json.dumps(dict(info), indent=2, ensure_ascii=False).encode() + b"\n",
        }


def _items(settings: Mapping[str, str]) -> dict[str, str]:
    """What each item is in words, by id.

    Raises:
        ModelError: The settings do not say it.
    """
    try:
        found = json.loads(settings["items"])
    except (KeyError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise ModelError(
            Problem(
                "the settings of the model name no items", "restore lextune.json of the release"
            )
        )
    return found


def _finished(files: Files, items: int) -> SequenceRecommender:
    from lextune.tasks.pretrained import read_weights
    from lextune.tasks.sequence.network import SequenceRecommender, Shape

    config = read_json(files, "config.json")
    names = ("items", "text_size", *_SIZES)
    fits = config.get("model_type") == _MODEL_TYPE and all(
        type(config.get(name)) is int and config[name] > 0 for name in names
    )
    if not fits or config["items"] != items:
        raise ModelError(
            Problem(
                f"config.json describes no recommender of {items} items",
                "restore the config.json that belongs to the weights",
            )
        )
    model = SequenceRecommender(Shape(**{name: config[name] for name in names}), 0.0)
    try:
        model.load_state_dict(read_weights(files))
    except RuntimeError as error:
        raise ModelError(
            Problem("the weights are not those of config.json", "restore model.safetensors")
        ) from error
    return model


def _check_method(train: TrainConfig) -> None:
    if train.method != "full":
        raise ConfigError(
            Problem(
                f"train.method is {train.method}, which recommendation does not have",
                "set train.method: full",
                "the network over the events is new, so that all of it must be trained",
            )
        )


def _no_head() -> ModelError:
    return ModelError(
        Problem(
            "a recommender has no head of its own",
            "set train.method: full",
            "the vectors of items are what it reads and what it answers with",
        )
    )


tasks.register("recommendation")(Recommendation("recommendation"))
