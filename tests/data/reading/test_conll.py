"""Sentences of one token a line: last ones, documents, comments, columns, schemes, and what is illegal."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.config import ColumnsConfig, DataConfig
from lextune.data.findings import Findings
from lextune.data.formats import ReadContext, ReadOptions
from lextune.data.prepare import prepare, stream_rows
from lextune.errors import DataError
from lextune.labels import read_spans


def read(path, **options):
    context = ReadContext(ReadOptions(**{"label_kind": "spans", **options}), Findings())
    return list(stream_rows(path, context=context)), context


def pairs(rows):
    return [(row.values["text"], row.values["label"]) for row in rows]


def problems(context):
    return {item.kind: item for item in context.findings.problems()}


TWO = "Ada\tB-PER\nwent\tO\n\nto\tO\nRome\tB-LOC\n"


def test_sentences_become_texts_with_spans_and_places(write):
    path = write.bytes("a.conll", TWO.encode())
    rows, context = read(path)
    assert pairs(rows) == [("Ada went", '[[0,3,"PER"]]'), ("to Rome", '[[3,7,"LOC"]]')]
    assert [row.where for row in rows] == [f"{path}:1 (record 1)", f"{path}:4 (record 2)"]
    assert context.encodings == {path: "utf-8, tags IOB2 (found), tokens joined by a space (found)"}
    assert problems(context) == {}


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n\n\n", "\r\n\r\n", "\n\t\n", "\n \n"])
def test_the_last_sentence_is_kept_however_the_file_ends(write, end):
    rows, _ = read(write.bytes("a.conll", (TWO.rstrip("\n") + end).encode()))
    assert [row.values["text"] for row in rows] == ["Ada went", "to Rome"]


@pytest.mark.parametrize("line", ["-DOCSTART-\tO", "-DOCSTART- -X- O O", "-DOCSTART-", "-DOCSTART- (1)\tO"])  # fmt: skip
def test_docstart_is_never_a_token(write, line):
    text = f"{line}\n\nAda\tB-PER\nwent\tO\n{line}\nto\tO\nRome\tB-LOC\n"
    rows, context = read(write.bytes("a.conll", text.encode()))
    assert [row.values["text"] for row in rows] == ["Ada went", "to Rome"]
    assert problems(context)["documents"].count == 2
    assert not context.findings.has_errors()


class TestComments:
    """A line that begins with a hash is a comment before a sentence, or a token."""

    def test_comments_of_conll_u_are_left_out(self, write):
        text = "# sent_id = 1\n# text = Ada went\nAda\tB-PER\nwent\tO\n\n# id 4f domain=en\nto\tO\n"
        rows, context = read(write.bytes("a.conll", text.encode()))
        assert [row.values["text"] for row in rows] == ["Ada went", "to"]
        assert problems(context)["comments"].count == 3

    def test_comments_with_as_many_words_as_columns_are_told_by_the_tag(self, write):
        text = "# id 4f domain=en\nAda _ _ B-PER\nwent _ _ O\n\n# _ _ O\nto _ _ O\n"
        rows, _ = read(write.bytes("a.conll", text.encode()))
        assert [row.values["text"] for row in rows] == ["Ada went", "# to"]

    @pytest.mark.parametrize("token", ["#", "#1", "##"])
    def test_a_token_may_begin_with_a_hash(self, write, token):
        for sign in ("\t", " "):
            text = f"{token}{sign}O\nAda{sign}B-PER\n{token}{sign}O\n"
            rows, _ = read(write.bytes("a.conll", text.encode()))
            assert rows[0].values["text"] == f"{token} Ada {token}"


class TestColumns:
    """Which columns hold token and tag."""

    TEXT = "1 Ada NNP B-PER x\n2 went VB O x\n"

    def test_the_first_and_the_last_are_usual(self, write):
        rows, _ = read(write.bytes("a.conll", b"Ada NNP I-NP B-PER\n"))
        assert pairs(rows) == [("Ada", '[[0,3,"PER"]]')]

    @pytest.mark.parametrize("label", ["4", "-2"])
    def test_they_can_be_told_by_number(self, write, label):
        path = write.bytes("a.conll", self.TEXT.encode())
        rows, _ = read(path, text="2", label=label)
        assert (rows[0].values["2"], rows[0].values[label]) == ("Ada went", '[[0,3,"PER"]]')

    @pytest.mark.parametrize(("text", "label"), [("9", "label"), ("0", "label"), ("text", "-9"), ("5", "5")])  # fmt: skip
    def test_numbers_that_are_no_columns_are_refused(self, write, text, label):
        _, context = read(write.bytes("a.conll", self.TEXT.encode()), text=text, label=label)
        assert context.findings.error_kinds() == {"missing_column"}

    def test_a_file_without_tags_is_refused_for_training_and_read_for_prediction(self, write):
        path = write.bytes("a.conll", b"Ada\nwent\n\nhome\n")
        assert read(path)[1].findings.error_kinds() == {"missing_column"}
        rows, _ = read(path, label=None)
        assert [row.values for row in rows] == [{"text": "Ada went"}, {"text": "home"}]

    def test_tags_under_the_single_class_say_which_task_to_set(self, write):
        _, context = read(write.bytes("a.conll", TWO.encode()), label_kind="class")
        assert "task: ner" in problems(context)["column_type"].remedy

    def test_a_line_of_other_columns_is_named_and_its_sentence_left_out(self, write):
        path = write.bytes("a.conll", f"{TWO}bad\n\nend\tO\n".encode())
        rows, context = read(path)
        assert [row.values["text"] for row in rows] == ["Ada went", "end"]
        assert problems(context)["ragged_row"].rows == (f"{path}:6",)
        assert context.unreadable == 1

    def test_a_space_is_no_separator_where_tabs_are(self, write):
        rows, _ = read(write.bytes("a.conll", "New York\tB-LOC\n\u3000\tO\n".encode()))
        assert pairs(rows) == [("New York \u3000", '[[0,8,"LOC"]]')]

    def test_a_line_without_a_token_is_named(self, write):
        path = write.bytes("a.conll", f"{TWO}\tO\n".encode())
        rows, context = read(path)
        assert [row.values["text"] for row in rows] == ["Ada went"]
        assert problems(context)["empty_token"].rows == (f"{path}:6",)


class TestTags:
    """Schemes found or declared."""

    def test_illegal_tags_are_named_by_line(self, write):
        path = write.bytes(
            "a.conll", f"{TWO}\nAcme\tI-ORG\nInc\tI-ORG\n.\tO\nBob\tB-PER\n".encode()
        )
        rows, context = read(path)
        assert len(rows) == 2
        found = problems(context)["illegal_tag"]
        assert found.severity == "error"
        assert found.rows == (f"{path}:7",)
        assert "data.tag_scheme: IOB" in found.remedy
        rows, context = read(path, tag_scheme="IOB")
        assert rows[2].values["label"] == '[[0,8,"ORG"],[11,14,"PER"]]'
        assert "tags IOB (declared)" in context.encodings[path]
        assert not problems(context)

    def test_a_scheme_that_was_declared_is_kept_to(self, write):
        path = write.bytes("a.conll", TWO.encode())
        _, context = read(path, tag_scheme="IOB1")
        assert problems(context)["illegal_tag"].count == 2

    def test_one_scheme_stands_for_the_whole_file(self, write):
        text = "a\tI-X\nb\tB-X\n\n" + "Ada\tB-PER\n\n" * 3
        _, context = read(write.bytes("a.conll", text.encode()))
        assert problems(context)["illegal_tag"].count == 1

    def test_numbers_of_tags_are_no_names(self, write):
        _, context = read(write.bytes("a.conll", b"Ada\t1\nwent\t0\n"))
        assert context.findings.error_kinds() == {"illegal_tag"}


def test_a_byte_order_mark_is_no_part_of_the_first_token(write):
    rows, _ = read(write.bytes("a.conll", b"\xef\xbb\xbf" + TWO.encode()))
    assert rows[0].values["text"] == "Ada went"
    rows, _ = read(write.bytes("b.conll", b"\xff\xfe" + TWO.encode("utf-16-le")))
    assert rows[0].values["text"] == "Ada went"


def test_only_real_line_ends_end_a_line(write):
    rows, _ = read(write.bytes("a.conll", "a\u2028b\tO\nc\x0bd\x85e\tO\n".encode()))
    assert rows[0].values["text"] == "a\u2028b c\x0bd\x85e"


def test_lines_that_are_not_utf_8_are_named_and_their_sentences_left_out(write):
    path = write.bytes("a.conll", TWO.encode() + b"\ncaf\xe9\tO\ngood\tO\n\nend\tO\n")
    rows, context = read(path)
    assert [row.values["text"] for row in rows] == ["Ada went", "to Rome", "end"]
    assert problems(context)["encoding"].rows == (f"{path}:7",)
    assert context.unreadable == 1


def test_standard_input_cannot_be_read_twice(write, monkeypatch):
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TWO.encode())))
    _, context = read("-", format="conll")
    assert context.findings.error_kinds() == {"tagged_stream"}


def test_other_columns_cannot_be_had(write):
    path = write.bytes("a.conll", TWO.encode())
    _, context = read(path, others=("user",), options={"user": "data.columns.subject"})
    assert problems(context)["missing_column"].severity == "error"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_sentences_come_back(tmp_path_factory, data):
    words = st.text(st.characters(exclude_characters="\t\r\n\0", exclude_categories=["Cs"]), min_size=1).filter(
        lambda word: word.strip(" ") == word and not word.startswith(("-DOCSTART-", "# "))
    )  # fmt: skip
    sentence = st.lists(
        st.tuples(words, st.sampled_from(["O", "B-X", "B-Y"])), min_size=1, max_size=5
    )
    sentences = data.draw(st.lists(sentence, min_size=1, max_size=4))
    body = "\n".join("".join(f"{word}\t{tag}\n" for word, tag in one) for one in sentences)
    path = tmp_path_factory.mktemp("any") / "a.conll"
    path.write_bytes(body.encode())
    rows, context = read(str(path), token_joiner=" ", token_suffix="none", encoding="utf-8")
    assert not context.findings.has_errors()
    assert [row.values["text"] for row in rows] == [" ".join(word for word, _ in one) for one in sentences]  # fmt: skip
    for row, one in zip(rows, sentences, strict=True):
        text, spans = row.values["text"], read_spans(row.values["label"])
        assert [(text[a:b], name) for a, b, name in spans] == [(word, tag[2:]) for word, tag in one if tag != "O"]  # fmt: skip


WNUT = {
    "wnut17train.conll": (3394, {
        "person": 660, "location": 548, "group": 264, "corporation": 221, "product": 142, "creative-work": 140,
    }),
    "emerging.dev.conll": (1009, None),
    "emerging.test.annotated": (1287, None),
}  # fmt: skip
WEIBO = {"train": 1350, "dev": 270, "test": 270}


@pytest.mark.shared
class TestRealData:
    """Figures of the SOURCE.md beside the data."""

    @pytest.mark.parametrize("name", WNUT)
    def test_wnut_17(self, shared, name):
        path = str(shared / "data/ner/wnut17" / name)
        rows, context = read(path)
        assert problems(context) == {}
        found = Counter(span.type for row in rows for span in read_spans(row.values["label"]))
        assert len(rows) == WNUT[name][0]
        assert len(found) == 6
        assert WNUT[name][1] in (None, found)

    @pytest.mark.parametrize("part", WEIBO)
    def test_weibo(self, shared, part):
        path = str(shared / f"data/ner/weibo_ner_zh/weiboNER_2nd_conll.{part}")
        rows, context = read(path, tag_scheme="IOB")
        found = Counter(span.type for row in rows for span in read_spans(row.values["label"]))
        assert len(rows) == WEIBO[part]
        assert len(found) == 8
        assert not context.findings.has_errors()
        assert "positions taken off tokens, tokens joined by nothing" in context.encodings[path]
        if part == "train":
            assert (found["PER.NOM"], found["GPE.NOM"]) == (772, 8)
            assert rows[0].values["text"].startswith("科技全方位资讯智能，快捷的汽车生活需要有")

    def test_weibo_with_its_illegal_tags_is_refused_by_line(self, shared):
        path = str(shared / "data/ner/weibo_ner_zh/weiboNER_2nd_conll.train")
        with pytest.raises(DataError, match=r"IOB2 .*\(10 rows\)"):
            prepare(DataConfig(train=(path,)), kind="spans")

    def test_wnut_is_prepared_with_every_type_in_every_part(self, shared):
        path = str(shared / "data/ner/wnut17/wnut17train.conll")
        prepared = prepare(DataConfig(train=(path,), columns=ColumnsConfig()), kind="spans")
        types = set(prepared.ref.classes)
        assert len(types) == 6
        assert all(set(split.classes) == types for split in prepared.ref.splits.values())
