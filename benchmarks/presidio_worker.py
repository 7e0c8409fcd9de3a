"""Runs Presidio's analyzer with its default recognisers over texts on stdin; it imports nothing of lextune.

    PYTHON benchmarks/presidio_worker.py MODEL < texts.json > found.json

MODEL is a spaCy model by package name or folder, or `blank` for no named-entity model at all. stdin holds a JSON array of
texts; stdout gets one JSON object: versions, seconds, and for each text its `[type, start, end, score]`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import sys
import time
from pathlib import Path
from typing import Any


def engine(model: str) -> Any:
    """An AnalyzerEngine as Presidio builds it by default, on another spaCy model."""
    import presidio_analyzer
    import spacy
    import yaml
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine

    class Loaded(SpacyNlpEngine):  # type: ignore[misc]
        """The default engine, with its default mapping of entities, on a pipeline that is here."""

        def __init__(self, pipeline: Any) -> None:
            conf = Path(presidio_analyzer.__file__).parent / "conf" / "default.yaml"
            default = yaml.safe_load(conf.read_text(encoding="utf-8"))["ner_model_configuration"]
            super().__init__(ner_model_configuration=NerModelConfiguration.from_dict(default))
            self.nlp = {"en": pipeline}

    return AnalyzerEngine(nlp_engine=Loaded(_pipeline(spacy, model)), supported_languages=["en"])


def _pipeline(spacy: Any, model: str) -> Any:
    if model == "blank":
        return spacy.blank("en")
    if Path(model).is_dir() or importlib.util.find_spec(model) is None:
        return spacy.load(model)
    folder = Path(str(importlib.import_module(model).__file__)).parent / "_model"
    return spacy.load(folder if folder.is_dir() else model)


def main() -> None:
    import logging

    logging.disable(logging.WARNING)
    texts = json.load(sys.stdin)
    begun = time.perf_counter()
    analyzer = engine(sys.argv[1])
    loaded = time.perf_counter()
    found = [
        [[one.entity_type, one.start, one.end, one.score] for one in analyzer.analyze(text, "en")]
        for text in texts
    ]
    done = time.perf_counter()
    names = ("presidio-analyzer", "spacy")
    json.dump(
        {
            "versions": {name: importlib.metadata.version(name) for name in names},
            "entities": sorted(analyzer.get_supported_entities("en")),
            "load_seconds": loaded - begun,
            "seconds": done - loaded,
            "found": found,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
