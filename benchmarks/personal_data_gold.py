"""The personal data that stands in the shared texts, as spans; it knows neither tool that is measured.

`presidio_synth_pii` carries its spans. `multipriv_pii_text` names the values of each person and a paragraph that holds
them: a value's spans are all places where it stands in the paragraph (any letter case, thousands separators allowed).
Parts of a name (`Kathryn` of `Kathryn Stewart`) count as the name too, else a tool that finds them would be blamed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple


class Gold(NamedTuple):
    """One piece of personal data; `needed` is False where finding it is right and missing it no fault."""

    start: int
    end: int
    type: str
    needed: bool = True


@dataclass(frozen=True)
class Item:
    """A text with its spans."""

    text: str
    gold: tuple[Gold, ...]


#: The label of each gold type to the types of a tool that are right for it, the same for both tools.
RIGHT: dict[str, frozenset[str]] = {
    "PERSON": frozenset({"PERSON"}),
    "STREET_ADDRESS": frozenset({"STREET_ADDRESS", "LOCATION", "ZIP_CODE"}),
    "LOCATION": frozenset({"STREET_ADDRESS", "LOCATION", "ZIP_CODE"}),
    "ZIP_CODE": frozenset({"STREET_ADDRESS", "LOCATION", "ZIP_CODE"}),
    "NATIONALITY": frozenset({"NRP", "LOCATION", "ETHNIC_ORIGIN"}),
    "NRP": frozenset({"NRP", "ETHNIC_ORIGIN", "RELIGIOUS_BELIEF", "POLITICAL_OPINION"}),
    "CREDIT_CARD": frozenset({"CREDIT_CARD", "CN_BANK_CARD"}),
    "BANK_ACCOUNT": frozenset(
        {"CREDIT_CARD", "CN_BANK_CARD", "BANK_ACCOUNT", "US_BANK_NUMBER", "IBAN_CODE"}
    ),
    "DATE_TIME": frozenset({"DATE_TIME", "DATE_OF_BIRTH"}),
    "AGE": frozenset({"AGE", "AGE_OF_MINOR", "DATE_TIME"}),
    "PHONE_NUMBER": frozenset({"PHONE_NUMBER"}),
    "EMAIL_ADDRESS": frozenset({"EMAIL_ADDRESS"}),
    "DOMAIN_NAME": frozenset({"URL", "DOMAIN_NAME"}),
    "IP_ADDRESS": frozenset({"IP_ADDRESS"}),
    "IBAN_CODE": frozenset({"IBAN_CODE"}),
    "US_SSN": frozenset({"US_SSN"}),
    "US_DRIVER_LICENSE": frozenset({"US_DRIVER_LICENSE"}),
    "ID_NUMBER": frozenset(
        {
            "CN_RESIDENT_ID",
            "CN_RESIDENCE_PERMIT",
            "CN_PERMANENT_RESIDENT_CARD",
            "ID_NUMBER",
            "US_SSN",
            "US_ITIN",
            "US_PASSPORT",
            "US_DRIVER_LICENSE",
        }
    ),
    "HEALTH": frozenset({"HEALTH", "MEDICAL_CONDITION", "MEDICAL_DISEASE_DISORDER", "MEDICATION"}),
    "FINANCIAL": frozenset({"FINANCIAL", "MONEY"}),
}

_NAMES = {"GPE": "LOCATION"}
_LEFT_OUT = {"ORGANIZATION", "TITLE"}  # neither is a person's data alone
_AGE = re.compile(r"\s?-?(?:years?|yrs?)(?:[ -]old)?|\s?y/o|周?岁", re.IGNORECASE)
#: Words for the countries that the paragraphs put in another form than the field.
_DEMONYMS = {
    "Austria": "Austrian", "Belgium": "Belgian", "Czech Republic": "Czech", "Denmark": "Danish",
    "England": "English", "Finland": "Finnish", "France": "French", "Germany": "German",
    "Hungary": "Hungarian", "Ireland": "Irish", "Italy": "Italian", "Netherlands": "Dutch",
    "Poland": "Polish", "Portugal": "Portuguese", "Russia": "Russian", "Scotland": "Scottish",
    "Spain": "Spanish", "Sweden": "Swedish", "Switzerland": "Swiss", "Ukraine": "Ukrainian",
}  # fmt: skip


def presidio_synth(shared: Path) -> list[Item]:
    """The English templates of presidio-research."""
    path = shared / "data" / "compliance" / "presidio_synth_pii" / "synth_dataset_v2.json"
    items = []
    for row in json.loads(path.read_text(encoding="utf-8")):
        text = row["full_text"]
        spans = [
            Gold(one["start_position"], one["end_position"], one["entity_type"])
            for one in row["spans"]
            if one["entity_type"] not in _LEFT_OUT
        ]
        items.append(
            Item(text, tuple(_widened(text, one._replace(type=_NAMES.get(one.type, one.type)))
                             for one in spans))
        )  # fmt: skip
    return items


def multipriv(shared: Path, language: str) -> list[Item]:
    """The paragraphs in `en` or `zh`, with the places where the fields' values stand."""
    path = shared / "data" / "compliance" / "multipriv_pii_text" / f"data_person_{language}.json"
    return [
        Item(row["naturalParagraph"], tuple(sorted(set(_places(row)))))
        for row in json.loads(path.read_text(encoding="utf-8"))
    ]


def ner(shared: Path, name: str) -> list[Item]:
    """The training sentences of `wnut17` or `weibo_ner_zh`: persons and places that no rule was written on."""
    folder = shared / "data" / "ner" / name
    path = (
        folder / {"wnut17": "wnut17train.conll", "weibo_ner_zh": "weiboNER_2nd_conll.train"}[name]
    )
    items, words, tags = [], [], []
    for line in [*path.read_text(encoding="utf-8").split("\n"), ""]:
        word, _, tag = line.rstrip("\r").rpartition("\t")
        if word:
            words.append(word)
            tags.append(tag)
        elif words:
            items.append(_sentence(words, tags, " " if name == "wnut17" else ""))
            words, tags = [], []
    return items


_TAGS = {
    "person": "PERSON", "location": "LOCATION",
    "PER.NAM": "PERSON", "GPE.NAM": "LOCATION", "LOC.NAM": "LOCATION",
}  # fmt: skip


def _sentence(words: list[str], tags: list[str], space: str) -> Item:
    if not space:  # the segmentation's number stands behind each sign of Weibo NER
        words = [word[0] for word in words]
    gold: list[Gold] = []
    place = 0
    for word, tag in zip(words, tags, strict=True):
        kind = _TAGS.get(tag[2:])
        if kind and tag.startswith("B"):
            gold.append(Gold(place, place + len(word), kind))
        elif kind and tag.startswith("I") and gold:
            gold[-1] = gold[-1]._replace(end=place + len(word))
        place += len(word) + len(space)
    return Item(space.join(words), tuple(gold))


def _widened(text: str, gold: Gold) -> Gold:
    """An age with the words that make it one, `58-year-old`: a bare 58 is no age."""
    behind = _AGE.match(text, gold.end) if gold.type == "AGE" else None
    return gold._replace(end=behind.end()) if behind else gold


def _places(row: dict[str, Any]) -> Iterator[Gold]:
    text = row["naturalParagraph"]
    yield from _names(row)
    yield from _found(text, row["emailAddress"], "EMAIL_ADDRESS")
    yield from _found(text, str(row["phoneNumbers"]), "PHONE_NUMBER")
    yield from _found(text, str(row["idCardNumbers"]), "ID_NUMBER")
    yield from _found(text, row["location"], "STREET_ADDRESS")
    for one in _found(text, str(row["age"]), "AGE"):
        if _AGE.match(text, one.end):
            yield _widened(text, one)
    for field in ("symptoms", "diagnosticOutcome", "medicationDetails"):
        for part in re.split(r"\s*[,、，]\s*", row[field]):
            yield from _found(text, part, "HEALTH")
    yield from _found(text, str(row["creditScore"]), "FINANCIAL")
    yield from _found(text, f"{row['income']:.2f}".rstrip("0").rstrip("."), "FINANCIAL")
    for number in re.findall(r"\d{12,}", str(row["transactionDetails"])):
        yield from _found(text, number, "BANK_ACCOUNT")
    if "nationality" in row:
        for word in (row["nationality"], _DEMONYMS.get(row["nationality"], "")):
            yield from _found(text, word, "NATIONALITY", needed=word == row["nationality"])


def _names(row: dict[str, Any]) -> Iterator[Gold]:
    text = row["naturalParagraph"]
    for field in ("name", "doctor"):
        yield from _found(text, row[field], "PERSON")
        for part in re.split(r"[\s.·]+", row[field]):
            if len(part) > (2 if part.isascii() else 1):
                yield from _found(text, part, "PERSON", needed=False)
        for title in ("先生", "女士", "医生"):
            for one in _found(text, row[field][0] + title, "PERSON", needed=False):
                yield one._replace(end=one.start + 1)


def _found(text: str, value: str, kind: str, needed: bool = True) -> Iterator[Gold]:
    if not value:
        return
    pattern = re.escape(value)
    if re.fullmatch(r"\d+(\.\d+)?", value) and kind == "FINANCIAL":
        whole, point, rest = value.partition(".")
        pattern = ",?".join(whole) + re.escape(point + rest) + ("0*" if point else "")
    before = r"(?<![0-9A-Za-z])" if value[0].isascii() and value[0].isalnum() else ""
    after = r"(?![0-9A-Za-z])" if value[-1].isascii() and value[-1].isalnum() else ""
    for match in re.finditer(before + pattern + after, text, re.IGNORECASE):
        yield Gold(match.start(), match.end(), kind, needed)
