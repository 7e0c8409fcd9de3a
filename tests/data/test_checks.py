"""Checks: every kind of bad row is found, counted and placed; no text is shown."""

from __future__ import annotations

import json

import pytest

from lextune.config import ColumnsConfig, DataConfig, QualityConfig
from lextune.data.checks import check_path
from lextune.data.prepare import prepare
from lextune.errors import DataError, ExitCode

GOOD = [(f"{word} text number {n}", word) for word in ("pos", "neg") for n in range(60)]


def found(report):
    return {item.kind: item for item in report.problems}


#: The rows above are near duplicates of each other, which is tested elsewhere.
PLAIN = QualityConfig(checks=())


def check(write, rows, **options):
    return check_path(DataConfig(train=(write.csv(rows),), quality=PLAIN, **options))


def test_good_data_have_no_findings(write):
    report = check(write, GOOD)
    assert (report.rows, report.problems) == (120, ())
    assert report.classes == {"train": {"neg": 60, "pos": 60}}


def test_the_document_has_the_fields_of_the_command_line_contract(write):
    document = json.loads(json.dumps(check(write, [*GOOD, ("a text", "")]).document()))
    assert document["rows"] == 121
    (problem,) = document["problems"]
    assert {"kind", "severity", "count", "rows", "remedy"} <= set(problem)
    assert problem["rows"][0].endswith("rows.csv:122 (record 121)")


@pytest.mark.parametrize(
    ("labels", "rows"),
    [(["1.0", "0.0", "NaN", "inf"], [3, 4]), (["a", "-Infinity", "b", "nan"], [2, 4])],
)
def test_labels_that_are_not_finite_stop_the_run_with_their_rows(write, labels, rows):
    path = write.csv([(f"text {n}", label) for n, label in enumerate(labels)])
    with pytest.raises(DataError) as caught:
        prepare(DataConfig(train=(path,)))
    (problem,) = caught.value.problems
    assert caught.value.exit_code is ExitCode.USAGE
    assert [f"(record {row})" in problem.where for row in range(1, 5)] == [
        row in rows for row in range(1, 5)
    ]


def test_nan_in_numbers_of_parquet_is_found(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"text": ["a b", "c d", "e f"], "label": [1.0, 0.0, float("nan")]})
    pq.write_table(table, tmp_path / "a.parquet")
    report = check_path(DataConfig(train=(str(tmp_path / "a.parquet"),)))
    assert found(report)["invalid_label"].rows == (f"{tmp_path}/a.parquet: row 3",)


def test_a_class_that_is_truly_called_nan_can_be_renamed(write):
    rows = [(text, "nan" if label == "pos" else label) for text, label in GOOD]
    assert found(check(write, rows))["invalid_label"].count == 60
    assert check(write, rows, labels={"nan": "naan"}).classes == {"train": {"naan": 60, "neg": 60}}


@pytest.mark.parametrize("label", ["", " ", "\t"])
def test_empty_labels_are_errors(write, label):
    report = check(write, [*GOOD, ("a text", label)])
    assert found(report)["missing_label"].severity == "error"


def test_all_errors_come_at_once_with_the_first_places_and_the_whole_count(write):
    path = write.csv([*GOOD, *[(f"text {n}", "") for n in range(30)], ("more", "inf")])
    with pytest.raises(DataError) as caught:
        prepare(DataConfig(train=(path,)))
    by_fact = [str(problem) for problem in caught.value.problems]
    assert len(by_fact) == 2
    assert "(30 rows)" in by_fact[0]
    assert "and 10 more" in by_fact[0]


def test_one_class_only_is_an_error(write):
    report = check(write, [(text, "pos") for text, _ in GOOD])
    assert found(report)["one_class"].severity == "error"


@pytest.mark.parametrize(("empty", "severity"), [(1, "warning"), (5, "error")])
def test_empty_texts_are_kept_and_told_until_they_are_many(write, empty, severity):
    report = check(write, [*GOOD, *[("", "pos")] * empty])
    assert found(report)["empty_text"].severity == severity
    assert found(report)["empty_text"].count == empty
    assert "duplicate" not in found(report)


def test_duplicates_and_conflicts_are_found_after_normalising(write):
    rows = [
        *GOOD,
        ("Same  TEXT", "pos"),
        ("ｓａｍｅ text", "pos"),
        ("one thing", "pos"),
        ("One thing", "neg"),
    ]
    report = found(check(write, rows))
    assert report["duplicate"].count == 1
    assert report["conflicting_labels"].count == 2
    assert all(item.severity == "warning" for item in report.values())


@pytest.mark.parametrize(("extra", "thin"), [(9, True), (10, False)])
def test_classes_of_few_rows_are_named(write, extra, thin):
    report = found(check(write, [*GOOD, *[(f"so {n}", "neutral") for n in range(extra)]]))
    assert ("thin_class" in report) == thin
    if thin:
        assert "'neutral' has 9" in report["thin_class"].fact


def test_classes_of_less_than_one_percent_are_named(write):
    rows = [(f"text {n}", "ab"[n % 2]) for n in range(1500)] + [(f"so {n}", "c") for n in range(12)]
    assert "'c' has 12" in found(check(write, rows))["thin_class"].fact


@pytest.mark.parametrize("names", [("Pos", "pos "), ("1", "1.0"), ("ｐｏｓ", "pos")])
def test_classes_that_differ_in_writing_only_are_named(write, names):
    rows = [(f"text {n}", name) for name in names for n in range(20)]
    assert found(check(write, rows))["alike_classes"].count == 2


def test_a_class_called_null_is_a_class_with_a_warning(write):
    rows = [(text, "null" if label == "pos" else label) for text, label in GOOD]
    report = check(write, rows)
    assert report.classes["train"]["null"] == 60
    assert found(report)["label_looks_missing"].severity == "warning"


def test_a_label_column_full_of_texts_is_refused_without_showing_them(write):
    secret = "Anna Muster wrote to us about her illness, number"
    report = check(write, [("x", f"{secret} {n}") for n in range(60)])
    assert found(report)["too_many_classes"].severity == "error"
    assert "Muster" not in report.model_dump_json()


def test_no_finding_shows_a_text(write):
    secret = "Anna Muster of Long Street"
    rows = [*GOOD, (secret, "pos"), (secret, "neg"), (secret, ""), (secret + " " * 30_000, "nan")]
    assert "Muster" not in check(write, rows).model_dump_json()


def test_rows_without_a_group_are_counted(write):
    path = write.bytes(
        "a.csv",
        b"text,label,g\n"
        + b"".join(b"t%d,%s,%s\n" % (n, b"ab"[n % 2 :][:1], b"x" if n else b"") for n in range(40)),
    )
    report = check_path(DataConfig(train=(path,), columns=ColumnsConfig(group=("g",))))
    assert found(report)["missing_group"].count == 1


def test_where_keeps_equal_rows_only_and_an_empty_result_is_an_error(write):
    path = write.csv(GOOD)
    assert check_path(DataConfig(train=(path,), where={"label": "pos"})).rows == 60
    report = check_path(DataConfig(train=(path,), where={"label": "POS"}))
    assert "data.where" in found(report)["no_rows"].fact


def test_a_where_on_a_column_that_is_not_there_is_an_error(write):
    report = check_path(DataConfig(train=(write.csv(GOOD),), where={"source": "imdb"}))
    assert "missing_column" in found(report)


def test_a_rename_that_no_row_needs_is_told(write):
    assert "unused_rename" in found(check(write, GOOD, labels={"positve": "good"}))


class TestBetween:
    """Parts that are given apart."""

    def check(self, write, train, test, **options):
        config = DataConfig(
            train=(write.csv(train, "train.csv"),), test=(write.csv(test, "test.csv"),), **options
        )
        return found(check_path(config))

    def test_leaks_are_told_apart_by_kind_with_their_rows(self, write):
        test = [
            GOOD[0], ("POS  text number 1", "pos"), (GOOD[2][0], "neg"), ("a clean one", "neg"),
        ]  # fmt: skip
        report = self.check(write, GOOD, test)
        kinds = ["leaked_test_rows", "leaked_test_rows_normalised", "leaked_test_rows_conflicting"]
        for line, kind in enumerate(kinds, 2):
            assert report[kind].count == 1
            assert report[kind].rows[0].endswith(f"test.csv:{line} (record {line - 1})")
            assert "of 4 rows of test" in report[kind].fact

    def test_a_class_only_in_test_is_an_error(self, write):
        report = self.check(write, GOOD, [("a b", "pos"), ("c d", "neutral")])
        assert report["unknown_class"].severity == "error"
        assert "'neutral'" in report["unknown_class"].fact

    def test_a_class_missing_from_test_is_a_warning(self, write):
        report = self.check(write, GOOD, [("a b", "pos")])
        assert report["absent_class"].severity == "warning"

    def test_row_errors_do_not_hide_errors_between_parts(self, write):
        report = self.check(write, [*GOOD, ("x y", "")], [("a b", "pos"), ("c d", "neutral")])
        assert {"missing_label", "unknown_class"} <= set(report)


def test_groups_that_stand_in_two_given_parts_are_counted_and_told(write):
    head = "text,label,author\n"
    train = head + "".join(f"train text {n},{'ab'[n % 2]},p{n % 10}\n" for n in range(40))
    test = head + "".join(f"test text {n},{'ab'[n % 2]},p{8 + n}\n" for n in range(6))
    config = DataConfig(
        train=(write.bytes("train.csv", train.encode()),),
        test=(write.bytes("test.csv", test.encode()),),
        columns=ColumnsConfig(subject="author"),
    )
    assert found(check_path(config))["shared_test_groups"].count == 2
    prepared = prepare(config)
    (measured,) = [one for one in prepared.measurements if one.name == "shared_group_test_rows"]
    assert (measured.value, measured.n) == (2, 6)
    assert any(one.kind == "shared_test_groups" for one in prepared.report.problems)


def test_without_groups_nobody_says_that_none_is_shared(write):
    prepared = prepare(DataConfig(train=(write.csv(GOOD),)))
    assert not any(one.name == "shared_group_test_rows" for one in prepared.measurements)


def test_a_pin_of_a_file_by_the_end_of_its_path_is_no_pin(write):
    path = write.csv(GOOD)
    report = check_path(DataConfig(train=(path,), sha256={path.rsplit("/", 1)[1]: "0" * 64}))
    assert found(report)["unused_pin"].severity == "error"


def test_unreadable_rows_do_not_make_classes_look_thin(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a b", "label": "x"}\n{"text": "c d", "label": "y"\n')
    report = check_path(DataConfig(train=(str(path),)))
    assert "one_class" not in found(report)
    assert report.errors()


def test_a_rename_of_what_no_row_has_is_told_though_its_new_name_is_met(write):
    report = check(write, GOOD, labels={"posi": "pos"})
    assert found(report)["unused_rename"].count == 1
    assert "unused_rename" not in found(check(write, GOOD, labels={"pos": "neg"}))


def test_utf16_without_a_mark_is_one_error(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\na b,x\nc d,y\n".encode("utf-16-le"))
    report = check_path(DataConfig(train=(str(path),)))
    assert [item.kind for item in report.problems if item.severity == "error"] == ["encoding"]


@pytest.mark.parametrize("word", ["", "x" * 5000])
def test_a_path_that_can_be_none_is_told(word):
    report = check_path(
        DataConfig.model_construct(**{**DataConfig(train=("a",)).__dict__, "train": (word,)})
    )
    assert [item.kind for item in report.errors()] == ["no_source"]


def test_an_encoding_that_is_no_name_is_told(write):
    report = check(write, GOOD, encoding="a\0b")
    assert found(report)["encoding"].severity == "error"


@pytest.mark.parametrize("label", ["∞", "-∞", "ＮａＮ", "1.#QNAN", "-1.#INF", "1e999", " inf "])
def test_every_spelling_of_no_number_is_no_class(write, label):
    report = check(write, [*GOOD, ("a text", label)])
    assert found(report)["invalid_label"].count == 1


def test_words_that_hold_such_a_spelling_are_classes(write):
    report = check(write, [(f"{word} {n}", word) for word in ("nanny", "info") for n in range(20)])
    assert not report.errors()
