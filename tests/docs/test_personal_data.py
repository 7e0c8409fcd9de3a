"""The user guide's section on personal data says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from lextune.data.personal.detector import Detector
from lextune.data.personal.types import TYPES

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "user-guide.md").read_text(encoding="utf-8")
SECTION = re.search(r"^## Personal data$.*?(?=^## )", GUIDE, re.MULTILINE | re.DOTALL)


def test_the_table_has_every_type_with_its_titles_and_laws() -> None:
    assert SECTION is not None
    rows = re.findall(
        r"^\| `([A-Z_]+)` \| (.+?) \| (.+?) \| (yes)? ?\| (yes)? ?\|$", SECTION[0], re.MULTILINE
    )
    assert rows == [
        (one.name, one.en, one.zh, "yes" if one.gdpr else "", "yes" if one.pipl else "")
        for one in TYPES.values()
    ]


def test_the_example_prints_what_is_shown() -> None:
    assert SECTION is not None
    text = re.search(r'^text = "(.+)"$', SECTION[0], re.MULTILINE)
    shown = re.search(r"```text\n(.*?)```", SECTION[0], re.DOTALL)
    assert text is not None
    assert shown is not None
    lines = [
        f"{one.type} {one.start} {one.end} {one.score} {one.rule} {one.checksum}"
        for one in Detector().detect(text[1])
    ]
    assert "\n".join(lines) + "\n" == shown[1]
