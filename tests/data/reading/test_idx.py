"""MNIST's files: images with the labels that lie beside them, and every way in which the two can fail to fit."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lextune.data.findings import Findings
from lextune.data.formats import ReadContext, ReadOptions
from lextune.data.prepare import stream_rows
from lextune.images import decode

IMAGES, LABELS = "t-images-idx3-ubyte", "t-labels-idx1-ubyte"


def idx(values):
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


def write(folder, pixels, labels, images=IMAGES, beside=LABELS):
    for name, values in ((images, pixels), (beside, labels)):
        if values is not None:
            data = values if isinstance(values, bytes) else idx(np.asarray(values, np.uint8))
            (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder / images


def read(path, **options):
    context = ReadContext(ReadOptions(text="image", input_kind="image", **options), Findings())
    return list(stream_rows(str(path), context=context)), context


PIXELS = np.arange(3 * 4 * 5).reshape(3, 4, 5)


@pytest.mark.parametrize("images", [IMAGES, f"{IMAGES}.gz", "T-Images.IDX3-ubyte", "t-images.idx3-ubyte"])  # fmt: skip
@pytest.mark.parametrize("packed", [False, True])
def test_labels_are_found_beside_their_images(tmp_path, images, packed):
    bare = images.removesuffix(".gz")
    beside = bare.replace("images", "labels").replace("Images", "Labels").replace("idx3", "idx1")
    beside = beside.replace("IDX3", "IDX1") + (".gz" if packed else "")
    path = write(tmp_path, PIXELS, [7, 0, 7], images, beside)
    rows, context = read(path)
    assert [row.values["label"] for row in rows] == ["7", "0", "7"]
    assert [row.where for row in rows] == [f"{path}: row {number}" for number in (1, 2, 3)]
    assert {file.path for file in context.files} == {str(path), str(tmp_path / beside)}
    assert context.findings.problems() == ()
    for row, pixels in zip(rows, PIXELS, strict=True):
        with open(row.values["image"], "rb") as stream:
            found = decode(stream.read())
        assert (found == pixels[..., None]).all()


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_pixels_come_back_as_they_are(tmp_path, data):
    shape = tuple(data.draw(st.integers(1, 9)) for _ in range(3))
    pixels = data.draw(arrays(np.uint8, shape))
    rows, _ = read(write(tmp_path, pixels, None), label=None)
    assert len(rows) == shape[0]
    for row, one in zip(rows, pixels, strict=True):
        with open(row.values["image"], "rb") as stream:
            assert (decode(stream.read())[..., 0] == one).all()


def test_a_folder_with_one_such_file_is_enough(tmp_path):
    write(tmp_path, PIXELS, [1, 2, 3])
    rows, _ = read(tmp_path)
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("pixels", "labels", "kind"),
    [
        (PIXELS, [1, 2], "idx_mismatch"),
        (PIXELS, None, "no_labels"),
        (idx(np.zeros((3, 4, 5), np.uint8))[:-1], [1, 2, 3], "broken_idx"),
        (idx(np.zeros((3, 4, 5), np.uint8)) + b"\0", [1, 2, 3], "broken_idx"),
        (idx(np.zeros((3, 4), np.uint8)), [1, 2, 3], "broken_idx"),
        (b"", [1, 2, 3], "broken_idx"),
        (struct.pack(">HBB3I", 0, 8, 3, 1, 2**31, 2**31), [1], "broken_idx"),
        (struct.pack(">HBB3I", 0, 13, 3, 1, 1, 1) + b"\0\0\0\0", [1], "broken_idx"),
        (PIXELS, idx(np.zeros(3, np.uint8))[:-1], "broken_idx"),
        (PIXELS, idx(np.zeros(3, np.uint8)) + b"\0", "broken_idx"),
    ],
)
def test_files_that_do_not_fit_are_errors(tmp_path, pixels, labels, kind):
    _, context = read(write(tmp_path, pixels, labels))
    assert context.findings.error_kinds() == {kind}


@pytest.mark.shared
@pytest.mark.slow
def test_mnist_has_its_official_counts(shared):
    path = shared / "data" / "image_classification" / "mnist_t10k_idx"
    rows, _ = read(path)
    labels = [row.values["label"] for row in rows]
    assert [labels.count(str(digit)) for digit in range(10)] == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
