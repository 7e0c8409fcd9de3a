"""A small detector of our own, so that redaction is tested apart from the recognisers."""

from __future__ import annotations

import re

from lextune.data.personal.base import Detection

_PATTERNS = {
    "EMAIL_ADDRESS": r"[\w.]+@[\w.]+\.\w{2,}",
    "CN_RESIDENT_ID": r"(?<!\d)\d{17}[\dXx](?![\dXx])",
    "PHONE_NUMBER": r"(?<![\d+])(?:\+86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)",
    "US_SSN": r"(?<!\d)(?!666)\d{3}-\d{2}-\d{4}(?!\d)",
    "PERSON": r"(?<=姓名[:：])[一-鿿]{2,4}|(?<=Mr )[A-Z]\w+(?: [A-Z]\w+)*",
}


class SmallDetector:
    """The first pattern that matches at a place wins."""

    def __init__(self, *types: str) -> None:
        self.types = types or tuple(_PATTERNS)

    def detect(self, text: str) -> list[Detection]:
        found: list[Detection] = []
        for kind in self.types:
            for match in re.finditer(_PATTERNS[kind], text, re.ASCII * (kind != "PERSON")):
                if not any(match.start() < one.end and one.start < match.end() for one in found):
                    found.append(Detection(kind, match.start(), match.end(), 0.9, kind.lower()))
        return sorted(found, key=lambda one: one.start)
