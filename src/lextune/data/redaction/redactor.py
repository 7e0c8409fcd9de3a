"""Finds and replaces personal data in texts, in this process or in several; it knows no file."""

from __future__ import annotations

import functools
from collections.abc import Callable

from lextune.config import RedactionConfig
from lextune.data.personal.base import Detection
from lextune.data.redaction.methods import KEYED, Replacing
from lextune.data.redaction.replacing import Detects, Redacted, redact_fully
from lextune.data.redaction.secret import Secret, secret_from_environment


class Redactor:
    """A detector and a method; another process gets its own detector.

    Args:
        make_detector: Makes what finds personal data.
        replace: What replaces it.
    """

    def __init__(self, make_detector: Callable[[], Detects], replace: Replacing) -> None:
        self._make_detector, self.replace = make_detector, replace
        self.detector = make_detector()

    def __reduce__(self) -> tuple[type[Redactor], tuple[Callable[[], Detects], Replacing]]:
        return type(self), (self._make_detector, self.replace)

    def redact(self, text: str) -> Redacted:
        """One text; what is a placeholder of the method already stays."""
        found = self.detect(text)
        return redact_fully(text, found, self.replace, self) if found else Redacted(text)

    def detect(self, text: str) -> list[Detection]:
        """What is found in a text outside the method's own placeholders."""
        found = self.detector.detect(text)
        known = self.replace.placeholders(text) if found else []
        return [one for one in found if not any(a <= one.start and one.end <= b for a, b in known)]


def make_redactor(config: RedactionConfig, secret: Secret | None = None) -> Redactor:
    """What a config asks for.

    Args:
        config: The section.
        secret: Instead of that in the config's environment variable.

    Raises:
        ConfigError: The method needs a secret and there is none, or there is no such type.
    """
    from lextune.data.personal.detector import Detector

    if config.method not in KEYED:
        secret = None
    elif secret is None:
        secret = secret_from_environment(config.secret_env)
    make = functools.partial(Detector, config.types or None, config.minimum_score)
    return Redactor(make, Replacing(config.method, secret))
