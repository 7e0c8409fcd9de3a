"""Encodings: marks, the option, and guesses that are told as such."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.config import DataConfig
from lextune.data.checks import check_path
from lextune.data.encodings import Sampler, guess_encodings
from lextune.data.findings import Findings
from lextune.data.formats import ReadContext, ReadOptions
from lextune.data.prepare import prepare, stream_rows

ZH = "这家酒店的服务很好，房间也干净，早餐一般。"
RARE = "㐀㐁𠀀𠮷野家很好吃，䶮字少见。"
TW = "這家飯店的服務很好，房間也很乾淨，早餐普通。"
DE = "Das Frühstück war köstlich, aber die Straße ist laut – nie wieder!"
FR = "Très bon séjour, l'hôtel est à côté de la gare. Ça vaut 90 €."
ES = "¡Qué bueno! El niño comió piñas."
CASES = {
    "short GBK": ("gbk", ZH, "gb18030"),
    "GB 2312": ("gb2312", ZH, "gb18030"),
    "long GBK": ("gbk", ZH * 200, "gb18030"),
    "GB 18030 of four bytes": ("gb18030", RARE, "gb18030"),
    "short Big5": ("big5", TW, "big5"),
    "long Big5": ("big5", TW * 200, "big5"),
    "German": ("cp1252", DE, "cp1252"),
    "long German": ("cp1252", DE * 200, "cp1252"),
    "French": ("cp1252", FR, "cp1252"),
    "Spanish Latin-1": ("latin-1", ES, "cp1252"),
    "one accent": ("latin-1", "café was nice", "cp1252"),
    "Chinese UTF-16-LE": ("utf-16-le", ZH, "utf-16-le"),
    "Chinese UTF-16-BE": ("utf-16-be", ZH * 200, "utf-16-be"),
    "German UTF-16-LE": ("utf-16-le", DE, "utf-16-le"),
    "Japanese": ("shift_jis", "このホテルはとても良かったです。", "cp932"),
    "Korean": ("euc_kr", "이 호텔은 아주 좋았습니다.", "cp949"),
    "Russian": ("cp1251", "Очень хороший отель, рекомендую.", "cp1251"),
}  # fmt: skip


def read(path, **options):
    context = ReadContext(ReadOptions(**options), Findings())
    return list(stream_rows(str(path), context=context)), context


def body(text, codec):
    return f'text,label\n"{text}",x\n"{text}",y\n'.encode(codec)


@pytest.mark.parametrize("case", CASES)
class TestGuess:
    """Reading in the likeliest encoding, where that was asked for."""

    def test_without_being_asked_nothing_is_read(self, write, case):
        codec, text, _ = CASES[case]
        rows, context = read(write.bytes("a.csv", body(text, codec)))
        assert "encoding" in context.findings.error_kinds()
        assert not any(row.values["text"] == text for row in rows if "utf-16" not in codec)

    def test_the_guess_is_right_and_recorded_as_a_guess(self, write, case):
        codec, text, name = CASES[case]
        path = write.bytes("a.csv", body(text, codec))
        rows, context = read(path, encoding="detect")
        assert [row.values["text"] for row in rows] == [text, text]
        assert context.encodings == {path: f"{name} (a guess)"}
        (found,) = context.findings.problems()
        assert (found.kind, found.severity) == ("encoding_guess", "warning")
        assert f"set data.encoding: {name}" in found.remedy


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_what_is_known_is_no_guess(write, codec):
    path = write.bytes("a.csv", body(ZH, codec))
    rows, context = read(path, encoding="detect")
    assert rows[0].values["text"] == ZH
    assert "guess" not in context.encodings[path]
    assert not context.findings.problems()


def test_a_sign_late_in_a_compressed_file_counts_too(write):
    data = "text,label\n" + "plain,x\n" * 400_000 + f"{ZH},y\n"
    rows, context = read(write.bytes("a.csv.gz", gzip.compress(data.encode("gbk"), 1)), encoding="detect")  # fmt: skip
    assert rows[-1].values["text"] == ZH
    assert not context.findings.has_errors()


def test_every_format_of_text_and_every_text_of_a_folder(write):
    line = f'{{"text": "{ZH}", "label": "x"}}\n'.encode("gbk")
    assert read(write.bytes("a.jsonl", line), encoding="detect")[0][0].values["text"] == ZH
    sentence = "".join(f"{sign}\tO\n" for sign in ZH).encode("gbk")
    rows, context = read(write.bytes("a.conll", sentence), encoding="detect", label_kind="spans")
    assert rows[0].values["text"] == ZH
    assert "gb18030 (a guess), tags" in context.encodings[f"{write.folder}/a.conll"]
    write.bytes("tree/x/1.txt", ZH.encode("gbk"))
    write.bytes("tree/x/2.txt", ZH.encode())
    rows, context = read(write.folder / "tree", encoding="detect")
    assert {row.values["text"] for row in rows} == {ZH}
    assert "gb18030 (a guess): 1" in context.encodings[f"{write.folder}/tree"]


def test_a_guess_that_does_not_hold_to_the_end_is_an_error(write):
    path = write.bytes("a.csv", body(ZH, "gbk") * 2000 + b"\xff\xff\xff,x\n")
    _, context = read(path, encoding="detect")
    assert context.findings.error_kinds() == {"encoding"}


def test_the_guess_is_in_the_record_of_the_run(write):
    stream = io.StringIO()
    csv.writer(stream).writerows(
        [("text", "label"), *[(f"{ZH}{n}", "xy"[n % 2]) for n in range(60)]]
    )
    path = write.bytes("a.csv", stream.getvalue().encode("gb18030"))
    prepared = prepare(DataConfig(train=(path,), encoding="detect"))
    assert prepared.ref.encodings == {path: "gb18030 (a guess)"}
    same = write.bytes("b.csv", stream.getvalue().encode())
    assert prepare(DataConfig(train=(same,))).ref.fingerprint == prepared.ref.fingerprint


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.lists(st.integers(1, 50), max_size=8))
def test_utf_8_is_known_by_any_pieces(data, sizes):
    known, rest = Sampler(), data
    for size in sizes:
        known.feed(rest[:size])
        rest = rest[size:]
    known.feed(rest, last=True)
    try:
        data.decode()
        good = True
    except UnicodeDecodeError:
        good = False
    assert known.utf8 is good


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_can_be_guessed_at(data):
    for name in guess_encodings(data, "utf-8"):
        assert codecs.lookup(name)


@pytest.mark.shared
def test_single_chinese_reviews_are_known(shared):
    path = shared / "data/text_classification/chnsenticorp_htl_all/ChnSentiCorp_htl_all.csv"
    with open(path, encoding="utf-8-sig", newline="") as stream:
        texts = [row["review"] for row in csv.DictReader(stream) if len(row["review"]) >= 40]
    drawn = random.Random(0).sample(texts, 100)
    found = [guess_encodings(text.encode("gb18030"), "utf-8")[:1] for text in drawn]
    assert found.count(["gb18030"]) >= 97


def test_the_report_of_data_names_every_encoding(write):
    one, other = write.bytes("a.csv", body(ZH, "gbk")), write.bytes("b.csv", body(DE, "cp1252"))
    report = check_path(DataConfig(train=(one, other), encoding="detect"))
    assert report.encodings == {one: "gb18030 (a guess)", other: "cp1252 (a guess)"}
