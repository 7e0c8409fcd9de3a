"""Redaction with the real recognisers, on texts that were made for them and on the data of others."""

from __future__ import annotations

import json

import pytest

from lextune.config import RedactionConfig
from lextune.data.personal.detector import Detector
from lextune.data.redaction.comparing import comparable
from lextune.data.redaction.methods import METHODS
from lextune.data.redaction.redactor import make_redactor
from lextune.data.redaction.secret import Secret

SECRET = Secret(b"a secret of tests alone")
TEXTS = [
    "我叫张三，身份证号11010519491231002X，电话１３８-0013-8000，邮箱ada@lovelace.org，住在北京市海淀区中关村大街27号。",
    "My name is Ada Lovelace, card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00, born 5 January 1990.",
    "password: hunter2xyz, see https://lovelace.org/a?b=1 from 8.8.8.8",
    "卡号4111111111111111，谢谢",
    "password: [CREDENTIAL] 姓名：[PERSON]",
    "统一社会信用代码91110000600037341L，护照E12345678，车牌京A12345",
]  # fmt: skip


def redactor(method):
    return make_redactor(RedactionConfig(method=method), SECRET)


def values(detector, text):
    return [(one.type, text[one.start : one.end]) for one in detector.detect(text)]


def check(method, texts):
    """How many values were replaced; none may be found again."""
    one, detector, count = redactor(method), Detector(), 0
    for text in texts:
        made = one.redact(text)
        found = values(detector, text)
        old = {comparable(kind, value) for kind, value in found}
        if method == "pseudonym":
            left = {comparable(kind, value) for kind, value in values(detector, made.text)}
            assert not old & left
        else:
            assert not one.detect(made.text)
            assert one.redact(made.text).text == made.text
        assert one.redact(text) == made
        count += len(found)
    return count


@pytest.mark.parametrize("method", METHODS)
def test_nothing_that_was_found_is_found_again(method):
    assert check(method, TEXTS) >= 15


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_left_of_real_lists(shared, method):
    folder = shared / "data" / "compliance"
    rows = json.loads((folder / "presidio_synth_pii" / "synth_dataset_v2.json").read_text())
    texts = [row["full_text"] for row in rows[:400]]
    for name in ("data_person_zh.json", "data_person_en.json"):
        people = json.loads((folder / "multipriv_pii_text" / name).read_text())
        texts += [text for text in _texts(people) if len(text) > 30][:200]
    assert check(method, texts) > 800


def _texts(node):
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for item in node.values():
            yield from _texts(item)
    elif isinstance(node, list):
        for item in node:
            yield from _texts(item)
