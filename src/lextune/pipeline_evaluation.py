"""Measures a verified release on other data; it decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lextune.config import load_config
from lextune.evidence.keys import load_trust
from lextune.listener import Listener
from lextune.pipeline import metrics_document, score_table
from lextune.release import read_release


def evaluate_release(
    folder: Path,
    data: str,
    overrides: Sequence[str] = (),
    trust: Path | None = None,
    listener: Listener | None = None,
) -> dict[str, Any]:
    """Verify a release, read labelled rows and measure.

    Args:
        folder: The release.
        data: As in `data.test`.
        overrides: `data.x=value` strings over the data section that the release was made with.
        trust: A trust file; None is the user's own.
        listener: Told what goes on.

    Returns:
        `metrics` (name to value, low, high, level, n), `rows`, `release`, `run`, `fingerprint`.

    Raises:
        VerificationError: The release does not verify.
        DataError: The data has faults, or a class that the model does not know.
    """
    from lextune.data.prepare import load_labelled
    from lextune.evaluation.evaluate import measure
    from lextune.evaluation.metrics import Resampling
    from lextune.models.loading import load_finished, require_text_extra

    require_text_extra()
    listener = listener or Listener()
    release = read_release(folder, load_trust(trust))
    # What the release's own data was filtered by and pinned to does not hold for other data.
    base = release.config.model_dump(mode="json")
    base["data"] |= {"where": {}, "sha256": {}, "format": None, "encoding": None, "delimiter": None}
    config = load_config(base, overrides)
    loaded = load_finished(release.files)
    rows = load_labelled((data,), config.data, loaded.classes, listener.tell)
    scored = score_table(loaded, rows.table, config.evaluation.batch_size, listener)
    resampling = Resampling(config.evaluation.bootstrap_samples, config.evaluation.seed)
    return {
        "metrics": metrics_document(measure(scored, loaded.task.metrics, resampling)),
        "rows": len(scored.labels),
        "release": release.name,
        "run": release.verification.evidence.run,
        "fingerprint": rows.fingerprint,
    }
