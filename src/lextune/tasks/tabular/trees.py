"""Gradient-boosted trees as plain arrays: grown by scikit-learn, answered from without it; it knows no run.

Nothing is pickled: a tree is arrays of features, thresholds, ways and values, which `model.safetensors` holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from lextune.tasks.tabular.columns import MISSING
from lextune.tasks.tabular.encoding import Cells

MODEL_TYPE = "hist-gradient-boosting"
#: Of scikit-learn's HistGradientBoostingClassifier, and below how many rows of a class it does not stop early.
GROWTH: Mapping[str, Any] = {"learning_rate": 0.05, "max_iter": 500}
_FEW_ROWS = 20
#: Codes that a set of categories tells apart.
_CODES = 256


def matrix_of(cells: Cells) -> npt.NDArray[np.float64]:
    """What trees are grown on and asked about: codes, then numbers; NaN where missing; shape (rows, features)."""
    codes = np.where(cells.codes == MISSING, np.nan, cells.codes)
    return np.concatenate([codes, cells.numbers], 1)


def grow(cells: Cells, labels: npt.NDArray[np.int64], growth: Mapping[str, Any], seed: int) -> Any:
    """scikit-learn's classifier, fitted.

    It stops early on a tenth of the rows, which it draws with the seed, where each class has rows to spare.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    counts = np.unique(labels, return_counts=True)[1]
    early = bool(counts.min() >= _FEW_ROWS)
    features = cells.codes.shape[1] + cells.numbers.shape[1]
    model = HistGradientBoostingClassifier(
        learning_rate=float(growth["learning_rate"]),
        max_iter=int(growth["max_iter"]) if early else min(100, int(growth["max_iter"])),
        early_stopping=early,
        categorical_features=np.arange(features) < cells.codes.shape[1],
        random_state=seed,
    )
    return model.fit(matrix_of(cells), labels)


class BoostedTrees(nn.Module):
    """The trees of one model, all in the same arrays.

    Args:
        trees: How many.
        nodes: Of all trees together.
        sets: Of categories that nodes ask for.
        scores: One of two classes, else one a class.
    """

    roots: torch.Tensor
    score_of: torch.Tensor
    feature: torch.Tensor
    left: torch.Tensor
    right: torch.Tensor
    category_set: torch.Tensor
    is_leaf: torch.Tensor
    missing_left: torch.Tensor
    threshold: torch.Tensor
    goes_left: torch.Tensor
    prior: torch.Tensor

    def __init__(self, trees: int = 0, nodes: int = 0, sets: int = 0, scores: int = 1) -> None:
        super().__init__()

        def buffer(name: str, shape: tuple[int, ...], dtype: torch.dtype) -> None:
            self.register_buffer(name, torch.zeros(shape, dtype=dtype))

        for name in ("roots", "score_of"):
            buffer(name, (trees,), torch.int64)
        for name in ("feature", "left", "right", "category_set"):
            buffer(name, (nodes,), torch.int64)
        for name in ("is_leaf", "missing_left"):
            buffer(name, (nodes,), torch.bool)
        buffer("threshold", (nodes,), torch.float64)
        buffer("goes_left", (sets, _CODES), torch.bool)
        buffer("prior", (scores,), torch.float64)
        # a parameter, so that a model has one; it is grown, and no gradient reaches it
        self.value = nn.Parameter(torch.zeros(nodes, dtype=torch.float64), requires_grad=False)

    @property
    def sizes(self) -> dict[str, int]:
        """What `config.json` says of the arrays."""
        return {
            "trees": len(self.roots), "nodes": len(self.value), "sets": len(self.goes_left),
            "scores": len(self.prior),
        }  # fmt: skip

    @property
    def is_grown(self) -> bool:
        """Whether there is a tree."""
        return bool(len(self.roots))

    def forward(self, matrix: torch.Tensor) -> torch.Tensor:
        """Scores whose softmax is the probability of each class, float64, shape (rows, classes).

        Args:
            matrix: As `matrix_of` makes it, float64, shape (rows, features).
        """
        rows = torch.arange(len(matrix), device=matrix.device)[:, None]
        at = self.roots.expand(len(matrix), -1)
        while len(self.roots) and not bool(self.is_leaf[at].all()):
            at = torch.where(self.is_leaf[at], at, self._next(at, matrix[rows, self.feature[at]]))
        raw = self.prior.expand(len(matrix), -1).clone()
        raw.index_add_(1, self.score_of, self.value[at])
        return torch.cat([torch.zeros_like(raw), raw], 1) if raw.shape[1] == 1 else raw

    def _next(self, at: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
        known = cells.nan_to_num()
        left = known <= self.threshold[at]
        sets = self.category_set[at]
        if len(self.goes_left):
            codes = known.long().clamp(0, _CODES - 1)
            left = torch.where(sets >= 0, self.goes_left[sets.clamp(min=0), codes], left)
        left = torch.where(cells.isnan(), self.missing_left[at], left)
        return torch.where(left, self.left[at], self.right[at])


def exported(model: Any) -> BoostedTrees:
    """The trees of a fitted classifier of scikit-learn, whose categories come before its numbers.

    A category that it was not taught goes where a missing one does, as in scikit-learn.
    """
    nodes, sets, roots, score_of = [], [], [], []
    start = taken = 0
    orders = _codes_in_order(model)
    for predictors in model._predictors:
        for score, tree in enumerate(predictors):
            roots.append(start)
            score_of.append(score)
            found = {name: tree.nodes[name].copy() for name in tree.nodes.dtype.names}
            is_set = (found["is_categorical"] != 0) & (found["is_leaf"] == 0)
            number = np.where(is_set, found["bitset_idx"].astype(np.int64) + taken, -1)
            for node in np.flatnonzero(is_set):
                words = tree.raw_left_cat_bitsets[found["bitset_idx"][node]]
                order = orders[found["feature_idx"][node]]
                sets.append(
                    (
                        number[node],
                        _way_of_codes(words, order, bool(found["missing_go_to_left"][node])),
                    )
                )
            nodes.append((found, start, number))
            start, taken = start + len(tree.nodes), taken + len(tree.raw_left_cat_bitsets)
    prior = np.asarray(model._baseline_prediction, np.float64).reshape(-1)
    made = BoostedTrees(len(roots), start, taken, len(prior))
    _fill(made, {"roots": np.array(roots), "score_of": np.array(score_of), "prior": prior})
    _fill(made, _joined(nodes))
    for number, way in sets:
        made.goes_left[number] = torch.from_numpy(way)
    return made  # fmt: skip


def _fill(model: BoostedTrees, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    tensors = model.state_dict()
    for name, array in arrays.items():
        tensors[name].copy_(torch.from_numpy(array))


def _joined(nodes: list[tuple[dict[str, Any], int, Any]]) -> dict[str, npt.NDArray[Any]]:
    def whole(name: str) -> npt.NDArray[Any]:
        return np.concatenate([found[name] for found, _, _ in nodes])

    return {
        "feature": whole("feature_idx").astype(np.int64),
        "threshold": whole("num_threshold").astype(np.float64),
        "value": whole("value").astype(np.float64),
        "is_leaf": whole("is_leaf") != 0,
        "missing_left": whole("missing_go_to_left") != 0,
        "left": np.concatenate([found["left"].astype(np.int64) + start for found, start, _ in nodes]),
        "right": np.concatenate([found["right"].astype(np.int64) + start for found, start, _ in nodes]),
        "category_set": np.concatenate([number for _, _, number in nodes]),
    }  # fmt: skip


def _codes_in_order(model: Any) -> list[npt.NDArray[np.int64]]:
    """For each column of categories the codes that scikit-learn numbers from 0."""
    if model._preprocessor is None:
        return []
    encoder = model._preprocessor.named_transformers_["encoder"]
    return [one[np.isfinite(one)].astype(np.int64) for one in encoder.categories_]


def _way_of_codes(
    words: npt.NDArray[np.uint32], codes: npt.NDArray[np.int64], otherwise: bool
) -> npt.NDArray[np.bool_]:
    """Whether each code goes left, shape (256,), of the bits of 8 words."""
    bits = np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little").astype(bool)
    found = np.full(_CODES, otherwise)
    found[codes] = bits[: len(codes)]
    return found
