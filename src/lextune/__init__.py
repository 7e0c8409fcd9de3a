"""lextune fine-tunes pretrained models under laws and policies: no evidence, no release.

The public Python API is this module: `run`, `plan`, `load_release`, `RunConfig`, `Run`, `Plan`. Names are imported when
they are first used, so that `import lextune` stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lextune.config import RunConfig
    from lextune.pipeline import Run, run
    from lextune.pipeline_plan import Plan, plan
    from lextune.serving.predictor import load_release

__all__ = ["Plan", "Run", "RunConfig", "load_release", "plan", "run"]
__version__ = "0.1.0"

_HOMES = {
    "Plan": "lextune.pipeline_plan",
    "Run": "lextune.pipeline",
    "RunConfig": "lextune.config",
    "load_release": "lextune.serving.predictor",
    "plan": "lextune.pipeline_plan",
    "run": "lextune.pipeline",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lextune' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
