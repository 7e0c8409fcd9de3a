"""Asks Presidio's analyzer for names and places as one more model; it loads no model that is not on this machine.

The extra `presidio` brings presidio-analyzer and spaCy, not a spaCy model. Presidio's own engine would download one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lextune import extras
from lextune.data.personal.detector import SpanModel
from lextune.errors import ConfigError, Problem
from lextune.labels import Span

_TAKEN = frozenset(("PERSON", "LOCATION", "NRP"))


def presidio_model(spacy_model: str, language: str = "en") -> SpanModel:
    """A model of names and places for `Detector(models=[...])`, from Presidio's analyzer on a spaCy model.

    Only what the spaCy model itself marks is taken; Presidio's patterns are left to lextune's.

    Args:
        spacy_model: An installed package or a folder.
        language: Of the texts, as spaCy names it.

    Raises:
        MissingExtraError: The extra `presidio` is not installed.
        ConfigError: The spaCy model is not on this machine.
    """
    analyzer = extras.need("presidio", "presidio_analyzer")
    spacy = extras.need("presidio", "spacy")
    if not (Path(spacy_model).is_dir() or spacy.util.is_package(spacy_model)):
        raise ConfigError(
            Problem(
                f"the spaCy model {spacy_model!r} is not on this machine",
                "name an installed one, or the folder of one",
                "nothing is downloaded while data is read",
            )
        )
    engine = _engine(analyzer, spacy.load(spacy_model), language)
    recogniser = analyzer.predefined_recognizers.SpacyRecognizer(supported_language=language)

    def found(texts: Sequence[str]) -> list[list[Span]]:
        spans = []
        for text in texts:
            artifacts = engine.process_text(text, language)
            results = recogniser.analyze(text, recogniser.supported_entities, artifacts)
            spans.append(
                [
                    Span(one.start, one.end, one.entity_type)
                    for one in results
                    if one.entity_type in _TAKEN
                ]
            )
        return spans

    return found


def _engine(analyzer: Any, pipeline: Any, language: str) -> Any:
    """Presidio's engine for spaCy with its default mapping of types, on a pipeline that is loaded."""
    nlp_engine = analyzer.nlp_engine

    class Loaded(nlp_engine.SpacyNlpEngine):  # type: ignore[misc, name-defined]
        """An engine that reads no model."""

        def __init__(self) -> None:
            super().__init__(ner_model_configuration=nlp_engine.NerModelConfiguration())
            self.nlp = {language: pipeline}

    return Loaded()
