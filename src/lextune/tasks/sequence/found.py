"""What a recommender says of one history: a score for each item; it knows neither names nor figures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class FoundItems(NamedTuple):
    """How well each item fits as the next one.

    Attributes:
        scores: Log probabilities less a constant of the history, float32, shape (items,) in the order of the classes;
            -inf where an item is in the history already.
    """

    scores: npt.NDArray[np.float32]
