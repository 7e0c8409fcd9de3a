"""Preparing rows whose labels are several classes or spans: counts, cuts, checks and renames by class."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.config import DataConfig
from lextune.data.checks import check_path
from lextune.data.columns import Members, Names
from lextune.data.prepare import load_labelled, prepare
from lextune.data.splits import cut
from lextune.errors import DataError


def jsonl(write, rows, name="rows.jsonl"):
    text = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)
    return write.bytes(name, text.encode())


SPANS = [
    *[(f"Ada went home {n}", [[0, 3, "PER"]]) for n in range(40)],
    *[(f"Ada in Rome {n}", [[0, 3, "PER"], [7, 11, "LOC"]]) for n in range(20)],
    *[(f"nothing here {n}", []) for n in range(40)],
]
CLASSES = [
    *[(f"of one {n}", ["a"]) for n in range(40)],
    *[(f"of two {n}", ["b", "a"]) for n in range(20)],
    *[(f"of none {n}", []) for n in range(40)],
]


#: What is said of labels; texts of a test are alike and name people, which is said too.
OF_LABELS = {
    "missing_label", "invalid_label", "bad_label", "bad_span", "overlapping_spans", "one_class", "no_classes",
    "thin_class", "duplicate", "conflicting_labels", "unused_rename",
}  # fmt: skip


def kinds(report):
    return {item.kind: item.count for item in report.problems if item.kind in OF_LABELS}


class TestPrepare:
    """The prepared parts and the record of them."""

    def test_spans_are_canonical_and_counted_by_type(self, write):
        prepared = prepare(DataConfig(train=(jsonl(write, SPANS),)), kind="spans")
        assert prepared.ref.classes == ("LOC", "PER")
        assert prepared.ref.splits["test"].classes == {"LOC": 4, "PER": 12}
        assert prepared.ref.splits["test"].rows == 20
        train = prepared.parts["train"]
        cells = set(train["label"].to_pylist())
        assert cells == {"[]", '[[0,3,"PER"]]', '[[0,3,"PER"],[7,11,"LOC"]]'}
        assert prepared.report.classes == {"train": {"LOC": 20, "PER": 60}}
        assert not prepared.report.errors()

    def test_several_classes_are_counted_each(self, write):
        prepared = prepare(DataConfig(train=(jsonl(write, CLASSES),)), kind="classes")
        assert prepared.ref.classes == ("a", "b")
        assert prepared.ref.splits["test"].classes == {"a": 12, "b": 4}

    def test_formats_and_separators_give_the_same_rows(self, write):
        import pyarrow as pa
        import pyarrow.parquet as pq

        texts, labels = zip(*CLASSES, strict=True)
        pq.write_table(pa.table({"text": texts, "label": labels}), write.folder / "rows.parquet")
        body = "text,label\n" + "".join(
            f"{text},{';'.join(label) or '[]'}\n" for text, label in CLASSES
        )
        one = prepare(DataConfig(train=(jsonl(write, CLASSES),)), kind="classes").ref
        for path, separator in (
            (str(write.folder / "rows.parquet"), None),
            (write.bytes("rows.csv", body.encode()), ";"),
        ):
            other = prepare(DataConfig(train=(path,), label_separator=separator), kind="classes")
            assert other.ref.splits == one.splits

    def test_spans_of_a_parquet_file_in_either_layout(self, write):
        import pyarrow as pa
        import pyarrow.parquet as pq

        texts = [text for text, _ in SPANS]
        dicts = [
            [{"start": start, "end": end, "label": name} for start, end, name in spans]
            for _, spans in SPANS
        ]
        pq.write_table(pa.table({"text": texts, "label": dicts}), write.folder / "rows.parquet")
        one = prepare(DataConfig(train=(jsonl(write, SPANS),)), kind="spans").ref
        other = prepare(DataConfig(train=(str(write.folder / "rows.parquet"),)), kind="spans").ref
        assert one.splits == other.splits

    def test_types_are_renamed_one_by_one(self, write):
        config = DataConfig(train=(jsonl(write, SPANS),), labels={"PER": "person"})
        prepared = prepare(config, kind="spans")
        assert prepared.ref.classes == ("LOC", "person")
        assert "unused_rename" not in kinds(prepared.report)

    def test_the_single_class_is_as_it_was(self, write):
        rows = [(f"{name} {n}", name) for name in "ab" for n in range(30)]
        assert prepare(DataConfig(train=(jsonl(write, rows),))).ref.classes == ("a", "b")

    def test_a_sample_keeps_the_shares_of_the_classes(self, write):
        config = DataConfig(train=(jsonl(write, SPANS),), sample=50)
        splits = prepare(config, kind="spans").ref.splits
        assert sum(split.rows for split in splits.values()) == 50
        assert sum(split.classes["LOC"] for split in splits.values()) == 10


class TestChecks:
    """What is wrong with labels of each kind."""

    def report(self, write, rows, kind, **options):
        return check_path(DataConfig(train=(jsonl(write, rows),), **options), kind=kind)

    def test_a_text_without_spans_is_a_row_and_a_missing_cell_is_not(self, write):
        found = self.report(write, [*SPANS, ("no cell", None)], "spans")
        assert kinds(found) == {"missing_label": 1}
        assert found.rows == 101

    def test_one_type_alone_is_enough_for_spans(self, write):
        assert kinds(self.report(write, SPANS[:40], "spans")) == {}

    def test_one_class_alone_is_enough_where_rows_lack_it(self, write):
        assert kinds(self.report(write, CLASSES[:40] + CLASSES[60:], "classes")) == {}
        assert kinds(self.report(write, CLASSES[:40], "classes")) == {"one_class": 1}

    @pytest.mark.parametrize("kind", ["spans", "classes"])
    def test_no_class_at_all_is_an_error(self, write, kind):
        assert kinds(self.report(write, [(f"t {n}", []) for n in range(9)], kind)) == {"no_classes": 1}  # fmt: skip

    def test_a_thin_type_is_named(self, write):
        found = self.report(write, [*SPANS, ("Acme", [[0, 4, "ORG"]])], "spans")
        (thin,) = [item for item in found.problems if item.kind == "thin_class"]
        assert "'ORG' has 1" in thin.fact
        assert thin.rows == (f"{write.folder}/rows.jsonl:101 (record 101)",)

    def test_conflicts_compare_the_one_form_of_a_cell(self, write):
        same = [("Ada", [[0, 3, "PER"]]), ("Ada", [["0", "3", "PER"]])]
        found = self.report(write, [*SPANS, *same, ("Ada", [])], "spans")
        assert kinds(found) == {"duplicate": 1, "conflicting_labels": 3}

    def test_every_bad_span_is_placed_at_once(self, write):
        bad = [("Ada", [[0, 9, "PER"]]), ("Ada b", [[1, 1, "PER"]]), ("Ada c", "PER")]
        found = self.report(write, [*SPANS, *bad], "spans")
        assert [item.kind for item in found.errors()] == ["bad_span", "bad_span", "bad_label"]
        assert [item.rows[0].split(":")[1] for item in found.errors()] == [
            "101 (record 101)", "102 (record 102)", "103 (record 103)",
        ]  # fmt: skip

    def test_a_class_that_is_not_finite_is_named_inside_a_list(self, write):
        assert kinds(self.report(write, [*CLASSES, ("x", ["NaN"])], "classes"))["invalid_label"] == 1  # fmt: skip

    @pytest.mark.parametrize(("label", "task"), [(["a"], "multi_label_classification"), ([[0, 1, "A"]], "ner")])  # fmt: skip
    def test_a_list_under_the_single_class_says_which_task_to_set(self, write, label, task):
        found = self.report(write, [("a b", label)], "class")
        assert f"task: {task}" in found.problems[0].remedy

    def test_a_type_that_only_test_has_is_an_error(self, write):
        test = jsonl(write, [("Acme", [[0, 4, "ORG"]]), *SPANS[:1]], "test.jsonl")
        with pytest.raises(DataError, match="'ORG'"):
            prepare(DataConfig(train=(jsonl(write, SPANS),), test=(test,)), kind="spans")

    def test_labelled_rows_are_checked_class_by_class(self, write):
        config, path = DataConfig(train=("unused",)), jsonl(write, SPANS)
        assert load_labelled((path,), config, ("LOC", "PER"), kind="spans").table.num_rows == 100
        with pytest.raises(DataError, match=r"does not know \(20 rows\)"):
            load_labelled((path,), config, ("PER",), kind="spans")


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sets(st.sampled_from("abcdef"), max_size=4), min_size=4, max_size=40),
    st.integers(0, 5),
)
def test_every_class_that_can_be_is_on_both_sides_of_a_cut(rows, seed):
    cells = sorted({"".join(sorted(row)) for row in rows})
    names = Names(cells, np.array([cells.index("".join(sorted(row))) for row in rows], np.int32))
    classes = Members.of_cells(names, list)
    ids = np.array([f"id{number:03}" for number in range(len(rows))], "S5")
    taken, rest = cut(ids, classes.rarest(), np.arange(len(rows)), 0.25, seed, "test", classes)
    assert sorted([*taken, *rest]) == list(range(len(rows)))
    assert len(taken)
    assert len(rest)
    whole, stay = (Counter(name for row in part for name in rows[row]) for part in (range(len(rows)), rest))  # fmt: skip
    go = Counter(name for row in taken for name in rows[row])
    if len(taken) > 1:
        assert all(stay[name] for name in whole)
    for name in whole:
        spare = [row for row in rest if name in rows[row] and all(stay[one] > 1 for one in rows[row])]  # fmt: skip
        assert go[name] or not spare


def test_the_rarest_class_stands_for_a_row():
    cells = Names(["ab", "a", "", "b"], np.array([0, 1, 1, 2, 3, -1], np.int32))
    rarest = Members.of_cells(cells, list).rarest()
    assert [rarest[row] for row in range(6)] == ["b", "a", "a", "", "b", ""]
