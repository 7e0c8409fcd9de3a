"""The baseline of gradient-boosted trees on rows of features; it knows no bound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lextune.evaluation.baselines import baselines
from lextune.evaluation.kinds import TrainingInputs

#: Of the drawing of the rows by which growth stops early.
_SEED = 42


@baselines.register("hist_gradient_boosting")
def hist_gradient_boosting(
    train: TrainingInputs, test: Sequence[str], classes: int
) -> npt.NDArray[np.float64]:
    """scikit-learn's HistGradientBoostingClassifier on the same cells as the model; lists of events are left out."""
    from lextune.tasks.tabular.columns import decide_columns
    from lextune.tasks.tabular.encoding import encode
    from lextune.tasks.tabular.trees import GROWTH, grow, matrix_of

    taught = list(train.inputs)
    columns = decide_columns(taught)
    model = grow(encode(taught, columns, 1).cells, train.labels, GROWTH, _SEED)
    scores = np.zeros((len(test), classes))
    cells = encode(list(test), columns, 1).cells
    scores[:, model.classes_] = model.predict_proba(matrix_of(cells))
    return scores
