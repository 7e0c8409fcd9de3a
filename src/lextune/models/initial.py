"""Models that lextune brings itself, as configs without weights: a run teaches or grows them; it builds none of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from lextune.errors import ModelError, Problem

PREFIX = "init:"


@dataclass(frozen=True)
class InitialModel:
    """One such model.

    Attributes:
        config: The content of its config.json.
        about: What its card says, in a sentence or two.
        tasks: That it can start; the first model of a task is its `auto`.
    """

    config: Mapping[str, object]
    about: str
    tasks: tuple[str, ...]


INITIAL: Mapping[str, InitialModel] = {
    "tabular-transformer": InitialModel(
        {
            "model_type": "tabular-transformer", "hidden_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 4, "intermediate_size": 128,
        },
        "A transformer over the cells of a row and the events of a list (after FT-Transformer, arXiv:2106.11959). It "
        "has no weights: a run draws them, pretrains them by guessing hidden cells of its own training rows without "
        "their labels, and then fine-tunes them. No other data went into it.",
        ("behaviour_prediction",),
    ),
    "hist-gradient-boosting": InitialModel(
        {"model_type": "hist-gradient-boosting", "learning_rate": 0.05, "max_iter": 500},
        "Gradient-boosted trees, which scikit-learn's HistGradientBoostingClassifier grows on a run's own training rows. "
        "Nothing is pretrained. The grown trees are plain arrays, which lextune reads without scikit-learn.",
        ("behaviour_prediction",),
    ),
}  # fmt: skip


def initial_files(source: str) -> dict[str, bytes]:
    """config.json and README.md of the model of a source `init:NAME`.

    Raises:
        ModelError: There is no such model.
    """
    name = source.removeprefix(PREFIX)
    if name not in INITIAL:
        raise ModelError(
            Problem(f"lextune has no initial model {name!r}", f"take one of {', '.join(INITIAL)}")
        )
    one = INITIAL[name]
    config = json.dumps(dict(one.config), indent=2, sort_keys=True).encode() + b"\n"
    card = f"---\nlicense: apache-2.0\n---\n# {name}\n\n{one.about} The licence is lextune's own.\n"
    return {"config.json": config, "README.md": card.encode()}
