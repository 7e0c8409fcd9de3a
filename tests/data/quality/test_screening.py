"""Screens and reviews: what they hit is counted, what they did not look at is not passed."""

from __future__ import annotations

import csv
import io

import pytest

from lextune.config import DataConfig, QualityConfig
from lextune.data.quality.checks.screening import file_of
from lextune.data.quality.drawing import draw_for_review
from lextune.data.quality.risks import RISKS, find_risk
from lextune.errors import DataError

ROWS = [(f"a plain sentence with the number {n}", "ab"[n % 2]) for n in range(50)]


def test_there_are_31_risks_and_names_that_stand_twice_need_their_group():
    groups = [sum(key.startswith(f"A.{n}.") for key in RISKS) for n in range(1, 6)]
    assert groups == [8, 9, 5, 7, 2]
    assert find_risk("A.1.3") == find_risk("分裂国家") == find_risk(" A.1  分裂国家 ") == "A.1.3"
    assert find_risk("其他") is None
    assert find_risk("A.2 其他") == "A.2.9"
    assert find_risk("A.9.9") is None


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("there was a MASSACRE here", True), ("ｍａｓｓａｃｒｅ", True), ("massacres", False),
        ("我们看到了暴力场面", True), ("class", False), ("an ass", True), ("ass。好", True), ("好ass好", True),
        ("two  words", True), ("nothing", False),
    ],
)  # fmt: skip
def test_keywords_are_found_as_words_and_in_chinese_anywhere(look, write, text, hit):
    path = write.bytes(
        "words.txt",
        "\ufeff# a comment\nmassacre\tA.1.6\n暴力\t暴力淫秽\nass\ntwo words\n\n".encode(),
    )
    found = look("screening", [*ROWS, (text, "a")], keyword_lists=(path,))
    passed = found.values["technical_check_pass_share", None]
    assert (passed.n, passed.value) == (51, 50 / 51 if hit else 1.0)
    assert passed.interval.low < passed.value
    assert ("screened_by_keywords" in found.findings) is hit
    assert found.value("keyword_library_size") == 4
    assert found.value("keyword_library_size", "risk=A.1.6") == 2
    assert found.value("keyword_library_size", "risk=unclassified") == 2


def test_without_a_list_nothing_is_measured(look):
    result = look("screening", ROWS).result
    assert (result.status, result.measurements) == ("not_applicable", ())


def test_at_least_a_tenth_and_at_least_4000_rows_are_screened(look, write):
    path = write.bytes("words.txt", b"zebra\n")
    rows = [(f"text {n}{' zebra' if n % 10 == 0 else ''}", "a") for n in range(41_000)]
    found = look("screening", rows, keyword_lists=(path,))
    passed = found.values["technical_check_pass_share", None]
    assert passed.n == 4100
    assert found.value("technical_check_sample_share") == 0.1
    assert passed.interval.low < 0.9 < passed.interval.high


def test_the_worst_source_is_told_beside_all_sources(look, write, tmp_path):
    words = write.bytes("words.txt", b"zebra\n")
    write.csv(ROWS, "in/a.csv")
    write.csv([(f"a zebra {n}", "a") for n in range(10)], "in/b.csv")
    found = look("screening", f"{tmp_path}/in/*.csv", keyword_lists=(words,))
    assert found.value("source_illegal_share") == 1.0
    assert found.value("source_illegal_share", f"source={tmp_path}/in/a.csv") == 0.0


@pytest.mark.parametrize(
    ("place", "file"),
    [
        ("in/a.csv:12 (record 11)", "in/a.csv"), ("pypi:reviews/a.csv.gz:3 (record 2)", "pypi:reviews/a.csv.gz"),
        ("b.parquet: row 7", "b.parquet"), ("C:/x/pos/1.txt", "C:/x/pos/1.txt"),
    ],
)  # fmt: skip
def test_the_file_of_a_place(place, file):
    assert file_of(place) == file


def test_a_list_that_cannot_be_read_is_refused_with_all_places(look, write):
    bad = write.bytes("bad.txt", "good\nworse\tA.7\nother\t其他\n".encode())
    latin = write.bytes("latin.txt", "caf\xe9\n".encode("latin-1"))
    with pytest.raises(DataError) as caught:
        look("screening", ROWS, keyword_lists=(bad, latin, "/no/such.txt"))
    assert [one.where for one in caught.value.problems] == [
        f"{bad}:2",
        f"{bad}:3",
        latin,
        "/no/such.txt",
    ]


def test_an_empty_list_is_refused(look, write):
    with pytest.raises(DataError, match="no keyword"):
        look("screening", ROWS, keyword_lists=(write.bytes("words.txt", b"# none\n"),))


class Review:
    """A drawn sample as a reviewer fills it in."""

    def __init__(self, write, rows=ROWS, seed=0, most=20) -> None:
        self.write, self.path = write, write.csv(rows, "train.csv")
        config = DataConfig(train=(self.path,), quality=QualityConfig(seed=seed))
        data, self.drawn, self.total = draw_for_review(config, most)
        self.lines = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))

    def save(self):
        stream = io.StringIO()
        writer = csv.DictWriter(stream, list(self.lines[0]))
        writer.writeheader()
        writer.writerows(self.lines)
        return self.write.bytes("review.csv", stream.getvalue().encode())

    def fill(self, verdicts):
        for line, verdict in zip(self.lines, verdicts, strict=False):
            line |= {"verdict": verdict, "reviewer": "r1" if verdict else ""}
        return self.save()


def test_a_review_of_the_drawn_rows_is_measured(look, write):
    review = Review(write)
    assert (review.drawn, review.total) == (20, 50)
    path = review.fill(["fail", *["pass"] * 19])
    found = look("manual_review", review.path, manual_review=path)
    assert found.value("manual_check_sample_size") == 20
    share = found.values["manual_check_pass_share", None]
    assert (share.value, share.n) == (0.95, 20)
    assert share.interval.low < 0.95 < share.interval.high
    (place,) = found.findings["failed_manual_check"].rows
    assert place == review.lines[0]["where"]


def test_a_row_left_out_ends_what_counts(look, write):
    review = Review(write)
    path = review.fill(["pass"] * 5 + [""] + ["pass"] * 14)
    found = look("manual_review", review.path, manual_review=path)
    assert found.value("manual_check_sample_size") == 5
    assert found.findings["review_not_drawn"].count == 14


def test_rows_of_another_draw_do_not_count(look, write):
    review = Review(write)
    path = review.fill(["pass"] * 20)
    found = look("manual_review", review.path, manual_review=path, seed=1)
    assert found.value("manual_check_sample_size") < 10


def test_a_review_of_nothing_is_undefined_not_passed(look, write):
    review = Review(write)
    found = look("manual_review", review.path, manual_review=review.save())
    share = found.values["manual_check_pass_share", None]
    assert (share.value, share.n, share.problem) == (None, 0, "no drawn row was reviewed")


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"verdict": "ok", "reviewer": "r"}, "neither pass nor fail"),
        ({"verdict": "pass", "reviewer": ""}, "nobody stands"),
        ({"verdict": "pass", "reviewer": "r", "id": "ffff-1"}, "not in the data"),
    ],
)
def test_a_line_that_cannot_be_right_is_refused_by_place(look, write, change, fact):
    review = Review(write)
    review.lines[3] |= change
    path = review.save()
    with pytest.raises(DataError, match=fact) as caught:
        look("manual_review", review.path, manual_review=path)
    assert caught.value.problems[0].where == f"{path}:5"


@pytest.mark.parametrize(
    ("data", "fact"),
    [
        (b"id,verdict\n1,pass\n", "no column reviewer"),
        (b"\xff\xfe", "no CSV in UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_review_is_refused(look, write, data, fact):
    path = "/no/such.csv" if data is None else write.bytes("review.csv", data)
    with pytest.raises(DataError, match=fact):
        look("manual_review", ROWS, manual_review=path)
