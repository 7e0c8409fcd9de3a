"""Draws rows by their ids and a seed, so that a larger sample holds every smaller one; it knows no text."""

from __future__ import annotations

import hashlib

import numpy as np

from lextune.data.columns import Ints, Keys


def drawn_order(ids: Keys, seed: int) -> Ints:
    """Row numbers in the order of drawing: by SHA-256 of seed and id, which no order of rows changes.

    Args:
        ids: Unique, shape (rows,).
        seed: Another one gives another order.
    """
    head = b"lextune sample %d\n" % seed
    keys = b"".join(hashlib.sha256(head + one).digest()[:16] for one in ids.tolist())
    return np.argsort(np.frombuffer(keys, "S16"), kind="stable")


def sample(ids: Keys, most: int, seed: int) -> Ints:
    """At most `most` rows, in ascending order."""
    if len(ids) <= most:
        return np.arange(len(ids))
    return np.sort(drawn_order(ids, seed)[:most])
