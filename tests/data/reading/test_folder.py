"""Folders of classes: which folder is a class, which is not, and what is left out is told."""

from __future__ import annotations

import pytest

from lextune.data.findings import Findings
from lextune.data.formats import ReadContext, ReadOptions
from lextune.data.prepare import stream_rows


def read(path, **options):
    context = ReadContext(ReadOptions(**options), Findings())
    rows = list(stream_rows(str(path), context=context))
    return sorted((row.values["text"], row.values.get("label")) for row in rows), context


def make(tmp_path, *files):
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text of {name}")
    return tmp_path


def labels(found):
    return sorted({label for _, label in found})


def kinds(context, severity):
    return {item.kind for item in context.findings.problems() if item.severity == severity}


def test_a_folder_is_a_class_and_a_file_is_a_text(tmp_path):
    found, context = read(make(tmp_path, "pos/0_9.txt", "neg/0_3.txt", "neg/deep/er.txt"))
    assert found == [
        ("text of neg/0_3.txt", "neg"), ("text of neg/deep/er.txt", "neg"), ("text of pos/0_9.txt", "pos"),
    ]  # fmt: skip
    assert context.findings.problems() == ()
    assert context.encodings == {str(tmp_path): "utf-8"}


@pytest.mark.parametrize(
    "files",
    [
        ("train/a.txt", "test/b.txt"),
        ("train/pos/a.txt", "test/pos/b.txt"),
        ("Train/a.txt", "VAL/b.txt"),
        ("train/pos/a.txt", "train/neg/b.txt"),
        ("train/a.txt",),
        ("train/pos/a.txt", "extra/b.txt"),
    ],
)
def test_folders_of_parts_are_no_classes(tmp_path, files):
    found, context = read(make(tmp_path, *files))
    assert found == []
    error = context.findings.problems()[0]
    assert error.kind == "no_labels"
    assert "no labels found" in error.fact
    assert "data.train: " in error.remedy


def test_a_train_beside_a_bus_is_a_vehicle(tmp_path):
    found, context = read(make(tmp_path, "train/a.txt", "bus/b.txt", "tram/c.txt"))
    assert labels(found) == ["bus", "train", "tram"]
    assert not context.findings.has_errors()


def test_hidden_folders_and_files_are_passed_over_and_suffixes_may_be_in_any_case(tmp_path):
    found, _ = read(
        make(
            tmp_path, "a/x.TXT", "a/.hidden.txt", ".ipynb_checkpoints/x.txt", "b/49960", "b/y.Text",
            "b/.git/z.txt", "b/talk.54321",
        )
    )  # fmt: skip
    assert labels(found) == ["a", "b"]
    assert len(found) == 4


def test_files_that_are_no_texts_are_told(tmp_path):
    found, context = read(make(tmp_path, "a/x.txt", "a/x.png", "b/y.txt", "README", "list.csv"))
    assert len(found) == 2
    by = {
        (item.severity, item.count)
        for item in context.findings.problems()
        if item.kind == "ignored_file"
    }
    assert by == {("warning", 1), ("info", 2)}


def test_empty_class_folders_are_told(tmp_path):
    (tmp_path / "c").mkdir()
    found, context = read(make(tmp_path, "a/x.txt", "b/y.txt"))
    assert labels(found) == ["a", "b"]
    assert "empty_folder" in kinds(context, "warning")


@pytest.mark.parametrize("files", [("a.csv", "b.csv"), (), (".hidden/a.txt",)])
def test_a_folder_without_class_folders_has_no_labels(tmp_path, files):
    make(tmp_path / "in", *files)
    (tmp_path / "in").mkdir(exist_ok=True)
    _, context = read(tmp_path / "in")
    assert kinds(context, "error") == {"no_labels"}


@pytest.mark.parametrize("mark", ["train/urls_pos.txt", "imdb.vocab"])
def test_unsup_is_left_out_of_acl_imdb_and_that_is_told(tmp_path, mark):
    make(
        tmp_path,
        mark,
        "train/pos/0_9.txt",
        "train/neg/0_1.txt",
        "train/unsup/0_0.txt",
        "train/labeledBow.feat",
    )
    found, context = read(tmp_path / "train")
    assert labels(found) == ["neg", "pos"]
    assert "unlabelled_folder" in kinds(context, "info")
    assert context.layouts == {"aclImdb"}


def test_unsup_elsewhere_is_a_class_with_a_warning(tmp_path):
    found, context = read(make(tmp_path, "pos/a.txt", "unsup/b.txt"))
    assert labels(found) == ["pos", "unsup"]
    assert "unlabelled_folder" in kinds(context, "warning")
    assert context.layouts == set()


def test_every_file_in_another_encoding_is_named(tmp_path):
    make(tmp_path, "a/1.txt", "b/2.txt")
    (tmp_path / "a" / "3.txt").write_bytes("déjà vu".encode("cp1252"))
    (tmp_path / "b" / "4.txt").write_bytes("déjà vu".encode("cp1252"))
    (tmp_path / "b" / "5.txt").write_bytes("﻿marked".encode())
    found, context = read(tmp_path)
    named = [place for item in context.findings.problems() for place in item.rows]
    assert named == [f"{tmp_path}/a/3.txt", f"{tmp_path}/b/4.txt"]
    assert ("marked", "b") in found
    found, context = read(tmp_path, encoding="cp1252")
    assert not context.findings.has_errors()
    assert ("déjà vu", "a") in found


def test_the_digest_of_a_folder_covers_names_and_bytes(tmp_path):
    def digest():
        return read(tmp_path)[1].files[0].sha256

    make(tmp_path, "a/1.txt", "b/2.txt")
    first = digest()
    assert digest() == first
    (tmp_path / "a" / "1.txt").write_text("text of b/1.txt")
    second = digest()
    (tmp_path / "a" / "1.txt").rename(tmp_path / "a" / "9.txt")
    assert len({first, second, digest()}) == 3


def test_without_a_label_column_all_texts_below_are_rows(tmp_path):
    found, _ = read(make(tmp_path, "1.txt", "in/2.txt"), label=None)
    assert [text for text, _ in found] == ["text of 1.txt", "text of in/2.txt"]


def test_a_link_to_a_folder_is_told_and_not_followed(tmp_path):
    make(tmp_path, "data/pos/1.txt", "data/neg/1.txt", "outside/2.txt")
    (tmp_path / "data" / "pos" / "linked").symlink_to(tmp_path / "outside")
    found, context = read(tmp_path / "data")
    assert len(found) == 2
    assert kinds(context, "warning") == {"ignored_file"}


def test_a_link_to_nowhere_is_one_error_and_the_rest_is_read(tmp_path):
    make(tmp_path, "pos/1.txt", "neg/1.txt")
    (tmp_path / "pos" / "0.txt").symlink_to(tmp_path / "nowhere")
    found, context = read(tmp_path)
    assert len(found) == 2
    (problem,) = context.findings.problems()
    assert (problem.kind, problem.severity) == ("unreadable", "error")
    assert problem.rows[0].endswith("pos/0.txt")


@pytest.mark.parametrize(
    "names",
    [
        ("train_set", "test_set"),
        ("trainset", "testset"),
        ("01-train", "02-dev"),
        ("Train Data", "Test Data"),
    ],
)
def test_decorated_names_of_parts_are_no_classes_either(tmp_path, names):
    found, context = read(make(tmp_path, *(f"{name}/a.txt" for name in names)))
    assert found == []
    assert kinds(context, "error") == {"no_labels"}


@pytest.mark.parametrize(
    "names",
    [
        ("protest", "report"),
        ("training wheels", "bus"),
        ("1", "2"),
        ("set", "data"),
        ("trainer", "tester"),
    ],
)
def test_names_that_only_hold_such_a_word_are_classes(tmp_path, names):
    found, _ = read(make(tmp_path, *(f"{name}/a.txt" for name in names)))
    assert labels(found) == sorted(names)


def test_parts_inside_class_folders_are_not_mixed(tmp_path):
    files = ("pos/train/1.txt", "pos/test/2.txt", "neg/train/3.txt", "neg/test/4.txt")
    found, context = read(make(tmp_path, *files))
    assert found == []
    assert kinds(context, "error") == {"no_labels"}
