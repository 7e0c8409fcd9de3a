"""Sources: compression, globs, pins, distributions, and what cannot be opened."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import importlib.metadata
import lzma
from pathlib import Path

import pyarrow as pa
import pytest

from lextune.config import DataConfig
from lextune.data.checks import check_path
from lextune.data.findings import Findings
from lextune.data.formats import ReadContext, ReadOptions, formats
from lextune.data.prepare import stream_rows
from lextune.errors import ConfigError, MissingExtraError, VerificationError

BODY = b"text,label\n" + b"".join(b"text %d,x\n" % number for number in range(20_000))


def zstd(data):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


def read(word, **options):
    context = ReadContext(ReadOptions(**options), Findings())
    return list(stream_rows(word, context=context)), context


PACK = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd}


@pytest.mark.parametrize("suffix", PACK)
def test_compressed_files_are_read_and_hashed_as_stored(write, suffix):
    data = PACK[suffix](BODY)
    rows, context = read(write.bytes(f"a.csv{suffix}", data))
    assert len(rows) == 20_000
    assert rows[-1].values["text"] == "text 19999"
    assert context.files[0].sha256 == hashlib.sha256(data).hexdigest()
    assert context.files[0].size == len(data)


@pytest.mark.parametrize("suffix", PACK)
def test_a_compressed_file_cut_short_is_an_error(write, suffix):
    data = PACK[suffix](BODY)
    _, context = read(write.bytes(f"a.csv{suffix}", data[: len(data) // 2]))
    assert context.findings.error_kinds() == {"damaged"}


@pytest.mark.parametrize("suffix", PACK)
def test_a_compressed_file_under_a_plain_name_is_an_error(write, suffix):
    _, context = read(write.bytes("a.csv", PACK[suffix](BODY)))
    assert "compressed" in context.findings.error_kinds()


@pytest.mark.parametrize("suffix", PACK)
def test_a_plain_file_under_a_compressed_name_is_an_error(write, suffix):
    _, context = read(write.bytes(f"a.csv{suffix}", BODY))
    assert context.findings.error_kinds() == {"damaged"}


def test_a_compressed_parquet_file_is_read(write):
    data = gzip.compress(Path(write.parquet([("a", "x")])).read_bytes())
    assert len(read(write.bytes("b.parquet.gz", data))[0]) == 1


def test_several_files_and_globs_are_read_together(write, tmp_path):
    write.csv([("a", "x"), ("b", "y")], "one.csv")
    write.csv([("c", "x"), ("d", "y")], "two.csv")
    listed = write.jsonl([("e", "x")])
    report = check_path(DataConfig(train=(f"{tmp_path}/*.csv", listed)))
    assert report.rows == 5
    assert set(report.encodings) == {f"{tmp_path}/one.csv", f"{tmp_path}/two.csv", listed}


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("none.csv", "no_source"),
        ("none", "no_source"),
        ("none*.csv", "no_source"),
        ("hub:imdb", "no_source"),
    ],
)
def test_what_is_not_there_is_named(tmp_path, monkeypatch, word, kind):
    monkeypatch.chdir(tmp_path)
    assert read(word)[1].findings.error_kinds() == {kind}


@pytest.mark.parametrize(
    ("name", "hint"), [("a.zip", "unpack"), ("a.tar.xz", "unpack"), ("a.doc", "data.format")]
)
def test_an_unknown_suffix_says_what_to_do(write, name, hint):
    _, context = read(write.bytes(name, b"x"))
    assert hint in context.findings.problems()[0].remedy


def test_the_format_can_be_told_and_a_misspelt_one_is_suggested(write):
    path = write.bytes("a.data", b"text,label\na,x\n")
    assert len(read(path, format="delimited")[0]) == 1
    with pytest.raises(ConfigError, match="did you mean 'delimited'"):
        read(path, format="delimitd")


def test_suffixes_count_in_any_case(write):
    assert len(read(write.bytes("A.CSV.GZ", gzip.compress(b"text,label\na,x\n")))[0]) == 1


def test_every_reader_is_found_and_claims_its_suffixes_alone():
    suffixes = [suffix for _, known in formats for suffix in known.suffixes]
    assert {"delimited", "folder", "jsonl", "parquet"} <= set(formats.names())
    assert len(suffixes) == len(set(suffixes))


def test_a_pinned_file_must_be_the_pinned_one(write):
    path = write.csv([("a", "x"), ("b", "y")])
    good = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    assert check_path(DataConfig(train=(path,), sha256={path: good})).rows == 2
    with pytest.raises(VerificationError, match="is pinned"):
        check_path(DataConfig(train=(path,), sha256={path: "0" * 64}))


def test_a_pin_of_a_file_that_is_not_read_is_an_error(write):
    report = check_path(
        DataConfig(train=(write.csv([("a", "x"), ("b", "y")]),), sha256={"other.csv": "0" * 64})
    )
    assert "unused_pin" in {item.kind for item in report.errors()}


def test_a_distribution_that_is_not_installed_says_how_to_install_it():
    with pytest.raises(MissingExtraError, match="pip install no-such-package"):
        read("pypi:no-such-package/data.csv")


def test_a_file_of_a_distribution_is_checked_against_record_and_pin():
    names = [str(file) for file in importlib.metadata.files("pytest") or []]
    path = next(name for name in names if name.endswith("entry_points.txt"))
    word = f"pypi:pytest/{path}"
    with pytest.raises(VerificationError, match="is pinned"):
        read(word, format="delimited", pins={word: "0" * 64})
    _, context = read(word, format="delimited")
    assert context.findings.error_kinds() == {"missing_column"}
