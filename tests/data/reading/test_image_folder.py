"""Folders of images: which folder is a class, which file an image, and what a table beside them says."""

from __future__ import annotations

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lextune.config import ColumnsConfig, DataConfig
from lextune.data.checks import read_parts
from lextune.data.dataset import read_options
from lextune.data.findings import Findings
from lextune.data.formats import ReadContext, ReadOptions
from lextune.data.prepare import stream_rows
from lextune.data.reading.image_folder import holds_images
from lextune.labels import read_classes
from pictures import encoded, photo


def write(folder, *names):
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(photo(number)))
    return folder


def read(path, **options):
    context = ReadContext(ReadOptions(text="image", input_kind="image", **options), Findings())
    return list(stream_rows(str(path), context=context)), context


def load(path, kind="class", **columns):
    """Rows as they are used, and the problems."""
    config = DataConfig(train=(str(path),), columns=ColumnsConfig(**columns))
    context = ReadContext(read_options(config, kind, "image"), Findings())
    return read_parts(config, context)["train"], context.findings.problems()


def names(rows, root):
    return [(row.values["image"].removeprefix(f"{root}/"), row.values.get("label")) for row in rows]


def kinds(problems):
    return {(one.kind, one.severity) for one in problems}


def test_a_folder_is_a_class_and_a_file_an_image(tmp_path):
    rows, context = read(write(tmp_path, "cat/a.png", "cat/deep/b.png", "dog/c.png"))
    assert names(rows, tmp_path) == [("cat/a.png", "cat"), ("cat/deep/b.png", "cat"), ("dog/c.png", "dog")]  # fmt: skip
    assert [row.where for row in rows] == [row.values["image"] for row in rows]
    assert context.findings.problems() == ()
    (file,) = context.files
    assert file.path == str(tmp_path)
    assert file.size == sum(path.stat().st_size for path in tmp_path.rglob("*.png"))


def test_the_digest_of_a_folder_is_that_of_its_files_names_and_bytes(tmp_path):
    digests = set()
    for number, files in enumerate((("a/x.png", "b/y.png"), ("a/x.png", "b/z.png"), ("a/x.png",))):
        _, context = read(write(tmp_path / str(number), *files))
        digests.add(context.files[0].sha256)
    _again, context = read(write(tmp_path / "again", "a/x.png"))
    assert len(digests) == 3
    assert context.files[0].sha256 in digests


def test_hidden_folders_are_no_classes_and_suffixes_may_be_in_any_case(tmp_path):
    rows, _ = read(write(tmp_path, "a/x.JPG", "a/.y.png", ".ipynb_checkpoints/z.png", "b/w.Png"))
    assert names(rows, tmp_path) == [("a/x.JPG", "a"), ("b/w.Png", "b")]


@pytest.mark.parametrize(
    "files", [("train/a.png", "test/b.png"), ("train/cat/a.png", "val/cat/b.png"), ("train/a.png",)]
)
def test_parts_are_no_classes(tmp_path, files):
    rows, context = read(write(tmp_path, *files))
    assert rows == []
    (problem,) = context.findings.problems()
    assert problem.kind == "no_labels"
    assert "data.train: " in problem.remedy


def test_a_folder_of_images_alone_has_no_labels(tmp_path):
    rows, context = read(write(tmp_path, "a.png", "b.png"))
    assert rows == []
    (problem,) = context.findings.problems()
    assert (problem.kind, problem.severity) == ("no_labels", "error")
    assert "metadata.csv" in problem.remedy


def test_where_no_label_is_wanted_every_image_is_a_row(tmp_path):
    root = write(tmp_path / "all", "b.png", "train/a.png", "test/c.png")
    rows, _context = read(root, label=None)
    assert names(rows, root) == [("b.png", None), ("test/c.png", None), ("train/a.png", None)]
    one, _ = read(root / "b.png", label=None)
    assert names(one, root) == [("b.png", None)]
    assert one[0].where == str(root / "b.png")


def test_other_files_and_empty_folders_are_told(tmp_path):
    write(tmp_path, "a/x.png")
    (tmp_path / "a" / "notes.txt").write_text("x")
    (tmp_path / "b").mkdir()
    (tmp_path / "README").write_text("x")
    rows, context = read(tmp_path)
    assert len(rows) == 1
    found = {(one.kind, one.severity): one for one in context.findings.problems()}
    assert set(found) == {("ignored_file", "info"), ("ignored_file", "warning"), ("empty_folder", "warning")}  # fmt: skip
    assert found["ignored_file", "warning"].rows == (f"{tmp_path}/a/notes.txt",)


def test_every_image_that_cannot_be_read_is_named_at_once(tmp_path):
    write(tmp_path, "a/good.png", "b/fine.png")
    (tmp_path / "a" / "empty.png").write_bytes(b"")
    (tmp_path / "a" / "cut.png").write_bytes(encoded(photo(), "PNG")[:200])
    (tmp_path / "b" / "page.jpg").write_bytes(b"<html>")
    (tmp_path / "b" / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (tmp_path / "b" / "lost.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "b" / "pointer.png").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    rows, problems = load(tmp_path)
    assert len(rows) == 2
    found = {one.kind: one for one in problems if one.severity == "error"}
    assert {kind: one.count for kind, one in found.items()} == {
        "empty_image": 1, "damaged_image": 1, "not_an_image": 2, "unreadable_image": 1, "lfs_pointer": 1,
    }  # fmt: skip
    assert set(found["not_an_image"].rows) == {f"{tmp_path}/b/page.jpg", f"{tmp_path}/b/phone.heic"}


def test_a_wrong_suffix_is_told_and_read(tmp_path):
    write(tmp_path, "a/x.png", "b/y.png")
    (tmp_path / "a" / "x.png").write_bytes(encoded(photo(), "JPEG"))
    rows, problems = load(tmp_path)
    assert len(rows) == 2
    assert [(one.kind, one.severity, one.rows) for one in problems if "suffix" in one.kind] == [
        ("image_suffix", "info", (f"{tmp_path}/a/x.png",))
    ]


def test_rows_of_the_same_bytes_are_the_same_row_wherever_they_lie(tmp_path):
    one, _ = load(write(tmp_path / "one", "a/x.png", "b/y.png"))
    other, _ = load(write(tmp_path / "other", "a/1.png", "b/deep/2.png"))
    assert sorted(one.ids.tolist()) == sorted(other.ids.tolist())
    assert one.texts[0].startswith("sha256:")
    assert one.images.sizes.tolist() == [[64, 64], [48, 48]]


def table(folder, name, rows):
    if name.endswith(".csv"):
        with open(folder / name, "w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), folder / name)
    else:
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl", "metadata.parquet"])
def test_a_table_beside_the_images_says_their_labels(tmp_path, name):
    write(tmp_path, "x.png", "in/y.png", "z.png")
    table(tmp_path, name, [
        {"file_name": "x.png", "label": "cat", "where": "home"}, {"file_name": "in/y.png", "label": "dog", "where": "out"},
    ])  # fmt: skip
    rows, problems = load(tmp_path, group=("where",))
    assert [rows.labels[row] for row in range(2)] == ["cat", "dog"]
    assert list(rows.images.files) == [str(tmp_path / "x.png"), str(tmp_path / "in" / "y.png")]
    assert rows.groups["where"].counts() == {"home": 1, "out": 1}
    (told,) = [one for one in problems if one.kind == "ignored_file"]
    assert (told.severity, told.count, told.rows) == ("info", 1, (f"{tmp_path}/z.png",))


def test_what_is_wrong_in_the_table_is_told_with_its_lines(tmp_path):
    write(tmp_path, "x.png")
    table(tmp_path, "metadata.jsonl", [
        {"file_name": "x.png", "label": "cat"}, {"file_name": "gone.png", "label": "dog"}, {"label": "dog"},
        {"file_name": "also/gone.png", "label": "dog"},
    ])  # fmt: skip
    _, problems = load(tmp_path)
    found = {one.kind: one for one in problems}
    place = f"{tmp_path}/metadata.jsonl"
    assert found["missing_column"].rows == (f"{place}:3 (record 3)",)
    assert found["unreadable_image"].rows == (f"{place}:2 (record 2)", f"{place}:4 (record 4)")
    assert found["unreadable_image"].count == 2


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.parquet"])
def test_tables_name_images_from_their_own_folder(tmp_path, name, monkeypatch):
    write(tmp_path, "data/x.png", "data/in/y.png")
    rows = [{"image": "x.png", "label": "cat"}, {"image": "in/y.png", "label": "dog"},
            {"image": str(tmp_path / "data" / "x.png"), "label": "cat"}]  # fmt: skip
    table(tmp_path / "data", name, rows)
    monkeypatch.chdir(tmp_path)
    found, problems = load(f"data/{name}")
    assert [path.rpartition("data/")[2] for path in found.images.files] == ["x.png", "in/y.png", "x.png"]  # fmt: skip
    assert found.ids[0][:16] == found.ids[2][:16]
    assert not [one for one in problems if one.severity == "error"]


def test_images_inside_a_table_are_kept_as_files(tmp_path):
    """The image column of Hugging Face datasets, as structs of bytes and path, and plain bytes."""
    data = [encoded(photo(number)) for number in range(3)]
    write(tmp_path, "named.png")
    struct = [{"bytes": data[0], "path": "a.png"}, {"bytes": None, "path": "named.png"},
              {"bytes": data[2], "path": None}]  # fmt: skip
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    found = pa.table({"image": pa.array(struct, kind), "label": ["a", "b", "a"]})
    pq.write_table(found, tmp_path / "structs.parquet")
    pq.write_table(pa.table({"image": data, "label": ["a", "b", "a"]}), tmp_path / "plain.parquet")
    structs, problems = load(tmp_path / "structs.parquet")
    assert not [one for one in problems if one.severity == "error"]
    plain, _ = load(tmp_path / "plain.parquet")
    assert len(structs) == len(plain) == 3
    for row in (0, 2):
        assert structs.texts[row] == plain.texts[row]
        with open(plain.images.files[row], "rb") as stream:
            assert stream.read() == data[row]


def test_a_missing_image_column_names_its_option(tmp_path):
    (tmp_path / "rows.csv").write_text("file,label\nx.png,a\n")
    _, problems = load(tmp_path / "rows.csv")
    assert "data.columns.image" in problems[0].remedy


def test_several_classes_may_be_folders_of_one(tmp_path):
    rows, _ = load(write(tmp_path, "a/x.png", "b/y.png"), kind="classes")
    assert [read_classes(rows.labels[row]) for row in range(2)] == [("a",), ("b",)]


def test_columns_that_a_folder_cannot_have_are_refused(tmp_path):
    _, problems = load(write(tmp_path, "a/x.png", "b/y.png"), group=("camera",))
    assert ("missing_column", "error") in kinds(problems)


def test_a_folder_of_images_is_known_by_its_names(tmp_path):
    write(tmp_path / "one", "a/x.png", "a/y.JPEG", "b/z.gif")
    (tmp_path / "one" / "SOURCE.md").write_text("x")
    assert holds_images(tmp_path / "one")
    assert holds_images(tmp_path / "one" / "a" / "x.png")
    (tmp_path / "two").mkdir()
    assert not holds_images(tmp_path / "two")
    for number in range(3):
        (tmp_path / "one" / f"{number}.txt").write_text("x")
    assert not holds_images(tmp_path / "one")
    assert not holds_images(tmp_path / "nowhere")


@pytest.mark.shared
def test_hymenoptera_is_read_with_its_odd_file(shared):
    root = shared / "data" / "image_classification" / "hymenoptera_320" / "train"
    rows, problems = load(root)
    assert rows.labels.counts() == {"ants": 124, "bees": 121}
    assert any(path.endswith("imageNotFound.gif") for path in rows.images.files)
    assert not [one for one in problems if one.severity == "error"]
