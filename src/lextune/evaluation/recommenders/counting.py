"""Popularity, item-kNN and EASE on the matrix of who took what; they know no order, no text and no metric."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from lextune.registry import Registry

Floats = npt.NDArray[np.float64]
#: From histories, a sparse matrix of shape (users, items), to scores of the same shape.
Scorer = Callable[[Any], Floats]
#: Learns from such a matrix, in which 1 says that the user took the item.
Recommender = Callable[[Any], Scorer]

baselines: Registry[Recommender] = Registry("baseline of items", "lextune.evaluation")

#: Neighbours of an item, itself among them, as `implicit` has it.
NEIGHBOURS = 100
#: Of EASE; Steck 2019 takes 200 to 1,000 for larger data.
RIDGE = 250.0
#: Items of which EASE inverts a matrix: more would take over 10 GB.
MOST_ITEMS = 20_000
_BLOCK = 512


class TooManyItemsError(ValueError):
    """A baseline would need more memory than a machine has; its text says so."""


@baselines.register("popularity")
def popularity(taken: Any) -> Scorer:
    """Whatever most users took, for everybody."""
    counts = np.asarray(taken.sum(axis=0), np.float64).ravel()
    return lambda histories: np.repeat(counts[None], histories.shape[0], 0)


@baselines.register("item_knn")
def item_knn(taken: Any) -> Scorer:
    """The sum of an item's cosine similarities to what the user took, of its 100 nearest items alone.

    Sarwar et al. 2001, https://doi.org/10.1145/371920.372071.
    """
    from scipy import sparse

    length = np.sqrt(np.asarray(taken.power(2).sum(axis=0), np.float64)).ravel()
    items = (taken @ sparse.diags(1 / np.where(length > 0, length, 1))).T.tocsr()
    rows, columns, values = [], [], []
    for start in range(0, items.shape[0], _BLOCK):
        near = (items[start : start + _BLOCK] @ items.T).toarray()
        most = min(NEIGHBOURS, near.shape[1])
        best = np.argpartition(-near, most - 1, axis=1)[:, :most]
        rows.append(np.repeat(np.arange(start, start + len(near)), most))
        columns.append(best.ravel())
        values.append(np.take_along_axis(near, best, 1).ravel())
    where = (np.concatenate(rows), np.concatenate(columns))
    alike = sparse.csr_matrix((np.concatenate(values), where), shape=(items.shape[0],) * 2)
    alike.eliminate_zeros()
    return lambda histories: np.asarray((histories @ alike.T).toarray())


@baselines.register("ease")
def ease(taken: Any) -> Scorer:
    """A linear model of each item by all others, in closed form, with a ridge of 250 (Steck 2019, arXiv:1905.03375).

    Raises:
        TooManyItemsError: The items are more than 20,000.
    """
    items = taken.shape[1]
    if items > MOST_ITEMS:
        raise TooManyItemsError(
            f"EASE inverts a matrix of {items:,} by {items:,} items, and takes at most {MOST_ITEMS:,}"
        )
    gram = np.asarray((taken.T @ taken).toarray(), np.float64)
    gram[np.diag_indices(items)] += RIDGE
    inverse = np.linalg.inv(gram)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return lambda histories: np.asarray(histories @ weights)
