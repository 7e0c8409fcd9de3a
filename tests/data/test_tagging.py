"""Tags of every scheme become the spans that seqeval finds, and tokens become the same text each time."""

from __future__ import annotations

import itertools
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.data.tagging import (
    Census,
    Layout,
    TaggedRow,
    entities,
    illegal_tags,
    read_tagged,
    without_positions,
)

SCHEMES = {"IOB1": "BI", "IOB2": "BI", "BIOES": "BIES", "BILOU": "BILU", "BMES": "BMES"}
ORACLES = {"IOB1": "IOB1", "IOB2": "IOB2", "BIOES": "IOBES", "BILOU": "BILOU"}


def tags_of(scheme):
    marks = SCHEMES[scheme]
    return st.lists(
        st.sampled_from(["O", *[f"{mark}-{name}" for mark in marks for name in ("X", "Y-z")]]),
        min_size=1,
        max_size=12,
    )


def strict(tags, scheme):
    """Entities as seqeval's strict mode has them: first token, last token, type."""
    from seqeval import scheme as schemes

    found = schemes.Entities([list(tags)], getattr(schemes, ORACLES[scheme])).entities
    return sorted((one.start, one.end - 1, one.tag) for one in found[0])


def written(spans, length, scheme):
    """Tags of spans under a scheme, by its definition."""
    tags = ["O"] * length
    last = (-1, "")
    for first, end, name in spans:
        marks = ["I"] * (end - first + 1)
        if scheme == "IOB2" or (scheme == "IOB1" and last == (first - 1, name)):
            marks[0] = "B"
        if scheme in ("BIOES", "BILOU", "BMES"):
            inside, close, single = {"BIOES": "IES", "BILOU": "ILU", "BMES": "MES"}[scheme]
            marks = ["B", *[inside] * (end - first - 1), close] if end > first else [single]
        tags[first : end + 1] = [f"{mark}-{name}" for mark in marks]
        last = (end, name)
    return tags


@st.composite
def spans(draw):
    length = draw(st.integers(1, 14))
    cuts = sorted(draw(st.sets(st.integers(0, length), max_size=8)))
    names = st.sampled_from(["X", "Y-z"])
    pairs = [pair for pair in itertools.pairwise(cuts) if draw(st.booleans())]
    return [(start, end - 1, draw(names)) for start, end in pairs], length


@pytest.mark.parametrize("scheme", ORACLES)
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_legal_tags_give_the_entities_of_seqeval(scheme, data):
    tags = data.draw(tags_of(scheme))
    if not list(illegal_tags(tags, scheme)):
        assert list(entities(tags, scheme)) == strict(tags, scheme)


@pytest.mark.parametrize("scheme", ["IOB2", "BIOES", "BILOU"])
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_tags_are_illegal_where_seqeval_leaves_one_out(scheme, data):
    tags = data.draw(tags_of(scheme))
    covered = sum(last - first + 1 for first, last, _ in strict(tags, scheme))
    whole = covered == sum(tag != "O" for tag in tags)
    assert whole is not bool(list(illegal_tags(tags, scheme)))


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=200, deadline=None)
@given(spans())
def test_spans_come_back_from_their_tags_and_the_scheme_is_found(scheme, drawn):
    given_spans, length = drawn
    tags = written(given_spans, length, scheme)
    assert not list(illegal_tags(tags, scheme))
    assert list(entities(tags, scheme)) == given_spans
    if scheme in ORACLES:
        assert strict(tags, scheme) == given_spans
    census = Census()
    census.add(TaggedRow(["x"] * length, tags, {}, ""))
    layout = census.layout(None, None, None)
    assert not list(illegal_tags(tags, layout.scheme))
    assert list(entities(tags, layout.scheme)) == given_spans


@settings(max_examples=300, deadline=None)
@given(tags_of("IOB2"))
def test_iob_reads_as_conlleval_does(tags):
    from seqeval.metrics.sequence_labeling import get_entities

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [(first, last, name) for name, first, last in get_entities(tags)]
    assert not list(illegal_tags(tags, "IOB"))
    assert list(entities(tags, "IOB")) == expected


def test_plain_tags_are_io():
    tags = ["PER", "PER", "O", "creative-work", "LOC"]
    census = Census()
    census.add(TaggedRow(["x"] * 5, tags, {}, ""))
    assert census.layout(None, None, None).scheme == "IO"
    assert list(entities(tags, "IO")) == [(0, 1, "PER"), (3, 3, "creative-work"), (4, 4, "LOC")]


@pytest.mark.parametrize(
    ("tags", "scheme", "at"),
    [
        (["I-ORG", "I-ORG", "O", "B-PER"], "IOB2", [0]),
        (["B-PER", "I-LOC"], "IOB2", [1]),
        (["O", "B-PER"], "IOB1", [1]),
        (["B-PER", "O"], "BIOES", [1]),
        (["O", "B-PER"], "BIOES", [1]),
        (["PER", "O", "3"], "IO", [2]),
        (["O", "B-"], "IOB2", [1]),
        (["O", "X-PER"], "IOB", [1]),
    ],
)
def test_illegal_tags_have_their_place(tags, scheme, at):
    assert list(illegal_tags(tags, scheme)) == at


class TestLayout:
    """What joins tokens, and what is stuck to them."""

    def layout(self, *sentences, suffix=None, joiner=None):
        census = Census()
        for tokens in sentences:
            census.add(TaggedRow(tokens, None, {}, ""))
        return census.layout(None, suffix, joiner)

    def text(self, tokens, **options):
        return read_tagged(TaggedRow(tokens, None, {}, ""), self.layout(tokens, **options))[0]

    @pytest.mark.parametrize(
        ("tokens", "text"),
        [
            (["New", "York", "!"], "New York !"),
            (["北", "京", "，"], "北京，"),
            (["我们", "在", "北京"], "我们在北京"),
            (["ฉัน", "รัก"], "ฉันรัก"),
            (["서울", "에서"], "서울 에서"),
            (["1", "2"], "1 2"),
        ],
    )
    def test_words_are_joined_as_their_script_is_written(self, tokens, text):
        assert self.text(tokens) == text

    def test_a_joiner_can_be_declared(self):
        assert self.text(["北", "京"], joiner=" ") == "北 京"
        assert "declared" in self.layout(["a"], joiner="").told

    def test_positions_of_weibo_are_found_and_taken_off(self):
        tokens = ["科0", "技1", "全0", "方1", "10", "21", "��0", "北0", "京1"]
        layout = self.layout(tokens)
        assert layout.positions
        assert read_tagged(TaggedRow(tokens, None, {}, ""), layout)[0] == "科技全方12��北京"

    def test_positions_of_two_digits_count_on(self):
        tokens = [f"字{number}" for number in range(9)] + ["99", "110", "中11"]
        assert without_positions(tokens) == ([*["字"] * 9, "9", "1", "中"], [])

    def test_a_slip_in_a_hundred_is_taken_off_too(self):
        tokens = ["科0", "技1"] * 60
        tokens[51] = "技2"
        assert self.text(tokens) == "科技" * 60
        assert without_positions(tokens) == (["科", "技"] * 60, [51])

    @pytest.mark.parametrize(
        "tokens",
        [["第1", "名"], ["北0", "京2"], ["A0", "B1", "C2"], ["1", "0"], ["2023", "2024"], ["北京0", "天津0"]],
    )  # fmt: skip
    def test_digits_of_real_tokens_stay(self, tokens):
        layout = self.layout(tokens)
        assert not layout.positions
        assert read_tagged(TaggedRow(tokens, None, {}, ""), layout)[0].split() == layout.joiner.join(tokens).split()  # fmt: skip

    def test_positions_can_be_denied_and_demanded(self):
        assert self.text(["科0", "技1"], suffix="none") == "科0技1"
        assert self.text(["A0", "B1"], suffix="position") == "A B"
        with pytest.raises(ValueError, match="position"):
            self.text(["A0", "B"], suffix="position")

    def test_spans_are_code_points_of_the_joined_text(self):
        row = TaggedRow(
            ["I", "love", "😀", "New", "York"], ["O", "O", "O", "B-LOC", "I-LOC"], {}, ""
        )
        layout = Layout("IOB2", " ", False, "")
        text, cell = read_tagged(row, layout)
        assert cell == '[[9,17,"LOC"]]'
        assert text[9:17] == "New York"
