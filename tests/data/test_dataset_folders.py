"""Data sets of Hugging Face: saved to disk, as a hub keeps them, and in a hub's cache."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import huggingface_hub
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import ipc

from lextune import hub
from lextune.config import ColumnsConfig, DataConfig
from lextune.data.findings import Findings
from lextune.data.formats import ReadContext, ReadOptions
from lextune.data.prepare import prepare, stream_rows
from lextune.errors import DataError

FEATURES = {"label": {"names": ["neg", "pos"], "_type": "ClassLabel"}}
COMMIT = "c0ffee" * 6 + "c0ff"


def read(word, **options):
    context = ReadContext(ReadOptions(**options), Findings())
    return list(stream_rows(str(word), context=context)), context


def pairs(rows):
    return [(row.values["text"], row.values["label"]) for row in rows]


def saved(folder: Path, shards: int = 1, split: str | None = None, start: int = 0) -> Path:
    """One split as save_to_disk leaves it."""
    folder.mkdir(parents=True)
    files = [f"data-{number:05}-of-{shards:05}.arrow" for number in range(shards)]
    for number, name in enumerate(files):
        table = pa.table({"text": [f"t{start + number}"], "label": [number % 2]})
        with pa.OSFile(str(folder / name), "wb") as sink, ipc.new_stream(sink, table.schema) as out:
            out.write_table(table)
    state = {"_data_files": [{"filename": name} for name in files], "_split": split}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text(json.dumps({"features": FEATURES}))
    return folder


def saved_parts(folder: Path) -> Path:
    saved(folder / "train", shards=2)
    saved(folder / "test", start=5)
    (folder / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    return folder


class TestSavedToDisk:
    """`Dataset.save_to_disk` and `DatasetDict.save_to_disk`."""

    def test_a_split_is_read_in_the_order_of_its_shards_with_names_of_classes(self, tmp_path):
        folder = saved(tmp_path / "d", shards=3)
        rows, context = read(folder)
        assert pairs(rows) == [("t0", "neg"), ("t1", "pos"), ("t2", "neg")]
        assert [file.path for file in context.files] == [f"{folder}/data-{n:05}-of-00003.arrow" for n in range(3)]  # fmt: skip
        assert not context.findings.has_errors()

    @pytest.mark.parametrize(("part", "rows"), [("train", 2), ("test", 1), ("train/", 2)])
    def test_a_part_is_a_folder_below(self, tmp_path, part, rows):
        assert len(read(f"{saved_parts(tmp_path / 'd')}/{part}")[0]) == rows

    def test_several_parts_must_be_told_apart(self, tmp_path):
        folder = saved_parts(tmp_path / "d")
        with pytest.raises(DataError) as caught:
            read(folder)
        assert f"{folder}/train, {folder}/test" in caught.value.problems[0].remedy

    def test_a_shard_that_is_gone_is_named(self, tmp_path):
        folder = saved(tmp_path / "d", shards=3)
        (folder / "data-00001-of-00003.arrow").unlink()
        with pytest.raises(DataError, match="data-00001-of-00003"):
            read(folder)

    @pytest.mark.parametrize("name", ["../secret.arrow", "/etc/passwd"])
    def test_no_file_outside_the_folder_is_read(self, tmp_path, name):
        folder = saved(tmp_path / "d")
        (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
        with pytest.raises(DataError, match="outside"):
            read(folder)

    def test_what_the_library_itself_saves_is_read(self, tmp_path):
        datasets = pytest.importorskip("datasets")
        datasets.disable_progress_bars()
        label = datasets.ClassLabel(names=["neg", "pos"])
        features = datasets.Features({"text": datasets.Value("string"), "label": label})
        rows = {"text": [f"t {n}" for n in range(40)], "label": [n % 2 for n in range(40)]}
        whole = datasets.Dataset.from_dict(rows, features=features)
        datasets.DatasetDict({"train": whole, "test": whole.select(range(4))}).save_to_disk(
            str(tmp_path / "d"), num_shards={"train": 3, "test": 1}
        )
        config = DataConfig(train=(f"{tmp_path}/d/train",), test=(f"{tmp_path}/d/test",))
        assert prepare(config).report.classes == {
            "train": {"neg": 20, "pos": 20}, "test": {"neg": 2, "pos": 2},
        }  # fmt: skip

    def test_tokens_and_tags_of_the_library_become_spans(self, tmp_path):
        datasets = pytest.importorskip("datasets")
        datasets.disable_progress_bars()
        tags = datasets.Sequence(datasets.ClassLabel(names=["O", "B-PER", "I-PER"]))
        features = datasets.Features({"tokens": datasets.Sequence(datasets.Value("string")), "ner_tags": tags})  # fmt: skip
        rows = {"tokens": [["Ada", "L", str(n)] for n in range(30)], "ner_tags": [[1, 2, 0]] * 30}
        datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "d"))
        columns = ColumnsConfig(text="tokens", label="ner_tags")
        prepared = prepare(DataConfig(train=(str(tmp_path / "d"),), columns=columns), kind="spans")
        assert prepared.ref.classes == ("PER",)
        assert set(prepared.parts["test"]["label"].to_pylist()) == {'[[0,5,"PER"]]'}


README = """---
license: mit
configs:
- config_name: plain
  default: true
  data_files:
  - split: train
    path: data/train-*
  - split: test
    path:
    - data/test.csv
- config_name: other
  data_files: other.jsonl
dataset_info:
- config_name: plain
  features:
  - name: text
    dtype: string
  - name: label
    dtype:
      class_label:
        names:
          '0': neg
          '1': pos
---
# A data set
"""


def repository(folder: Path, readme: str | None = README) -> Path:
    """Files as a hub keeps them."""
    (folder / "data").mkdir(parents=True)
    for number in range(2):
        table = pa.table({"text": [f"t{number}"], "label": [number]})
        pq.write_table(table, folder / "data" / f"train-{number:05}-of-00002.parquet")
    (folder / "data" / "test.csv").write_text("text,label\nt9,pos\n")
    (folder / "other.jsonl").write_text('{"text": "o", "label": "pos"}\n')
    (folder / "load.py").write_text("raise SystemExit('code was run')\n")
    if readme is not None:
        (folder / "README.md").write_text(readme)
    return folder


class TestRepository:
    """A repository's files on disk."""

    @pytest.mark.parametrize(
        ("part", "found"),
        [
            ("train", [("t0", "neg"), ("t1", "pos")]), ("plain/train", [("t0", "neg"), ("t1", "pos")]),
            ("test", [("t9", "pos")]), ("other", [("o", "pos")]), ("other/train", [("o", "pos")]),
        ],
    )  # fmt: skip
    def test_splits_are_those_of_the_readme(self, tmp_path, part, found):
        assert pairs(read(f"{repository(tmp_path / 'd')}/{part}")[0]) == found

    def test_an_open_choice_lists_what_there_is(self, tmp_path):
        folder = repository(tmp_path / "d")
        with pytest.raises(DataError) as caught:
            read(folder)
        assert f"{folder}/plain/train, {folder}/plain/test" in caught.value.problems[0].remedy
        repository(tmp_path / "e", README.replace("  default: true\n", ""))
        with pytest.raises(DataError, match="configuration"):
            read(tmp_path / "e")

    def test_without_configs_names_tell_the_split(self, tmp_path):
        folder = repository(tmp_path / "d", README.replace("configs:", "ignored:"))
        assert len(read(f"{folder}/train")[0]) == 2
        assert len(read(f"{folder}/test")[0]) == 1

    def test_a_pattern_may_not_leave_the_folder(self, tmp_path):
        folder = repository(tmp_path / "d", README.replace("data/train-*", "../*/data/train-*"))
        with pytest.raises(DataError, match="outside"):
            read(f"{folder}/train")

    def test_a_folder_of_classes_with_a_readme_stays_one(self, tmp_path):
        for name in ("neg", "pos"):
            (tmp_path / "d" / name).mkdir(parents=True)
            (tmp_path / "d" / name / "1.txt").write_text(name)
        (tmp_path / "d" / "README.md").write_text("---\nlicense: mit\n---\n")
        assert pairs(read(tmp_path / "d")[0]) == [("neg", "neg"), ("pos", "pos")]

    def test_data_that_code_would_make_is_refused(self, tmp_path):
        folder = tmp_path / "d"
        folder.mkdir()
        (folder / "load.py").write_text("raise SystemExit")
        (folder / "README.md").write_text("---\ndataset_info: {}\n---\n")
        with pytest.raises(DataError, match="code is never run"):
            read(folder)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub's cache as huggingface_hub lays it out: links in snapshots to files in blobs."""
    root = tmp_path / "hub"
    base = root / "datasets--ann--reviews"
    source = repository(tmp_path / "source")
    (base / "blobs").mkdir(parents=True)
    (base / "refs").mkdir()
    (base / "refs" / "main").write_text(COMMIT)
    for number, path in enumerate(sorted(path for path in source.rglob("*") if path.is_file())):
        link = base / "snapshots" / COMMIT / path.relative_to(source)
        link.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, base / "blobs" / str(number))
        link.symlink_to(os.path.relpath(base / "blobs" / str(number), link.parent))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(root))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub._Gate, "closed_by_us", False)
    return base / "snapshots" / COMMIT


class TestHub:
    """Names of a hub, from its cache alone."""

    @pytest.mark.parametrize(
        ("rest", "texts"),
        [
            (":train", ["t0", "t1"]), ("/plain:test", ["t9"]), ("/other", ["o"]), (f"@{COMMIT}/other:train", ["o"]),
            (f"@{COMMIT}:test", ["t9"]),
        ],
    )  # fmt: skip
    def test_a_name_is_read_from_the_cache(self, cache, rest, texts):
        rows, context = read(f"hub:ann/reviews{rest}")
        assert [row.values["text"] for row in rows] == texts
        assert all(file.path.startswith(f"hub:ann/reviews@{COMMIT}/") for file in context.files)
        told = [item for item in context.findings.problems() if item.kind == "revision"]
        assert bool(told) is ("@" not in rest)

    def test_the_commit_is_in_the_record(self, cache):
        test = ("hub:ann/reviews:test",)
        config = DataConfig(train=("hub:ann/reviews:train",), test=test, validation=test)
        prepared = prepare(config)
        assert prepared.ref.sources[0] == "hub:ann/reviews:train"
        assert f"hub:ann/reviews@{COMMIT}/data/test.csv" in {
            file.path for file in prepared.ref.files
        }

    @pytest.mark.parametrize("word", ["hub:ann/other:train", f"hub:ann/reviews@{'f' * 40}:train"])
    def test_what_is_not_in_the_cache_is_named_without_a_socket(self, cache, word):
        with pytest.raises(DataError, match="neither in the cache"):
            read(word)

    @pytest.mark.parametrize("word", ["hub:reviews", "hub:", "hub:a/b/c/d", "hub:a/b:", "hub:../x"])
    def test_what_is_no_name_is_told_how_to_write_it(self, cache, word):
        _, context = read(word)
        assert "hub:OWNER/NAME" in context.findings.problems()[0].remedy

    def test_an_open_choice_is_written_as_a_hub_name(self, cache):
        with pytest.raises(DataError) as caught:
            read("hub:ann/reviews")
        assert "hub:ann/reviews/plain:train, hub:ann/reviews/plain:test" in caught.value.problems[0].remedy  # fmt: skip

    def test_a_snapshot_in_part_is_downloaded_again_or_named_offline(self, cache, monkeypatch):
        gone = cache / "data" / "train-00001-of-00002.parquet"
        kept = gone.resolve().read_bytes()
        gone.unlink()
        with pytest.raises(DataError, match="train-00001-of-00002"):
            read("hub:ann/reviews:train")
        real, asked = huggingface_hub.snapshot_download, []

        def download(hub_id, **named):
            if named.get("local_files_only"):
                return real(hub_id, **named)
            asked.append((hub_id, named["repo_type"], huggingface_hub.constants.HF_HUB_OFFLINE))
            assert not any(pattern.endswith((".py", "*")) for pattern in named["allow_patterns"])
            gone.write_bytes(kept)
            return str(cache)

        monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        hub.go_offline()  # as after reading a model: what the config names may still be fetched
        assert len(read("hub:ann/reviews:train")[0]) == 2
        assert asked == [("ann/reviews", "dataset", False)]
        assert huggingface_hub.constants.HF_HUB_OFFLINE

    def test_a_whole_snapshot_is_not_downloaded_again(self, cache, monkeypatch):
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        assert len(read("hub:ann/reviews:train")[0]) == 2  # a socket would break the test
