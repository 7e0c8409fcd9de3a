"""One look at an image file: sizes, format, hash and kinds of metadata, and nothing that the metadata says."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from lextune.data.images.metadata import PERSONAL as PERSONAL_KINDS
from lextune.data.images.probe import probe
from lextune.images import UnfitImageError, decode
from pictures import PERSONAL, encoded, photo


def kinds(data):
    return set(probe(data).metadata)


def bits(one, other):
    return (probe(one).perceptual ^ probe(other).perceptual).bit_count()


def test_a_probe_says_what_the_file_is():
    data = encoded(photo(size=(64, 48)), "JPEG", exif={0x112: 6})
    found = probe(data)
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert (found.size, found.stored, found.orientation) == ((48, 64), (64, 48), 6)
    assert (found.format, found.mode, found.metadata) == ("JPEG", "RGB", ())


@settings(max_examples=30, deadline=None)
@given(
    turn=st.integers(1, 8), kind=st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF"]),
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
)  # fmt: skip
def test_the_size_is_that_of_the_decoded_image(turn, kind, size):
    data = encoded(Image.new("RGB", size), kind, exif={0x112: turn})
    height, width, _ = decode(data).shape
    assert probe(data).size == (width, height)
    assert probe(data).stored == size


@pytest.mark.parametrize(
    ("name", "fits"),
    [("a.jpg", True), ("a.JPEG", True), ("a", True), ("a.png", False), ("a.txt", False)],
)
def test_a_suffix_that_says_another_format_is_noticed(name, fits):
    assert probe(encoded(photo(), "JPEG")).fits(name) is fits


def test_several_jpegs_in_one_file_are_a_jpeg():
    data = encoded(photo(), "MPO", save_all=True, append_images=[photo(1)])
    assert probe(data).format == "JPEG"


@pytest.mark.parametrize(
    "change",
    [
        lambda image: encoded(image, "JPEG", quality=50),
        lambda image: encoded(image.resize((128, 96), Image.Resampling.LANCZOS), "PNG"),
        lambda image: encoded(image.convert("L"), "PNG"),
        lambda image: encoded(ImageEnhance.Contrast(image).enhance(0.8), "JPEG", quality=85),
        lambda image: encoded(
            image.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=90, exif={0x112: 6}
        ),
    ],
    ids=["quality", "size", "grey", "contrast", "turned"],
)
def test_images_that_look_alike_have_near_hashes_and_others_have_not(change):
    for seed in range(20):
        image = photo(seed, size=(256, 192))
        original = encoded(image)
        assert bits(original, change(image)) <= 8
        assert bits(original, encoded(photo(seed + 1000, size=(256, 192)))) > 8


def test_the_hash_compares_neighbours_across():
    ramp = np.tile(np.arange(90, dtype=np.uint8), (80, 1))
    assert probe(encoded(Image.fromarray(ramp))).perceptual == 2**64 - 1
    assert probe(encoded(Image.fromarray(ramp[:, ::-1]))).perceptual == 0


ALL = {"comment", "owner_name", "gps", "date_taken", "camera_serial"}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_kinds_of_exif_are_found_in_every_format(kind):
    assert kinds(encoded(photo(), kind, exif=PERSONAL)) == ALL


def test_kinds_of_exif_are_found_in_tiff():
    tags = ImageFileDirectory_v2()
    tags[0x013B] = "Ada Example"
    tags[0x8825] = PERSONAL["gps"]
    tags[0x8769] = PERSONAL["photo"]
    found = kinds(encoded(photo(), "TIFF", tiffinfo=tags))
    assert found == {"owner_name", "gps", "date_taken", "camera_serial"}


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ({0x112: 3}, set()),
        ({0x013B: " \0 "}, set()),
        ({"photo": {0x9286: b"ASCII\0\0\0   \0"}}, set()),
        ({"photo": {0x9286: b"ASCII\0\0\0hello"}}, {"comment"}),
        ({"gps": {0: b"\2\3\0\0"}}, set()),
        ({0x010F: "Acme", 0x0110: "One"}, {"camera"}),
        ({0x0132: "2026:01:02 03:04:05"}, {"date_taken"}),
        ({0x8298: "(c) Ada"}, {"copyright"}),
        ({0x9C9D: "Ada".encode("utf-16-le")}, {"owner_name"}),
        ({"photo": {0x927C: b"secret"}}, {"maker_note"}),
        ({"photo": {0xA420: "0123"}}, {"image_id"}),
    ],
)
def test_each_tag_is_a_kind_unless_it_is_blank(tags, found):
    assert kinds(encoded(photo(), "JPEG", exif=tags)) == found


def test_a_thumbnail_in_exif_is_found():
    # Pillow does not write the folder of thumbnails: a TIFF head with two folders, the second with the offset
    tiff = (
        b"MM\0\x2a\0\0\0\x08" + b"\0\0" + b"\0\0\0\x0e"
        + b"\0\x01" + b"\x02\x01\0\x04\0\0\0\x01\0\0\0\x20" + b"\0\0\0\0"
    )  # fmt: skip
    segment = b"Exif\0\0" + tiff
    head = b"\xff\xe1" + (len(segment) + 2).to_bytes(2) + segment
    plain = encoded(photo(), "JPEG")
    assert kinds(plain[:2] + head + plain[2:]) == {"thumbnail"}


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description exif:GPSLatitude="52,30N" aux:SerialNumber="1"'
    b' xmpMM:DocumentID="2"><dc:creator>Ada</dc:creator><mwg-rs:Regions/></rdf:Description></rdf:RDF></x:xmpmeta>'
)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_kinds_are_found_in_xmp(kind):
    found = kinds(encoded(photo(), kind, xmp=XMP))
    assert found == {"gps", "camera_serial", "image_id", "owner_name", "face_regions"}


def test_texts_of_png_and_comments_are_found():
    info = PngInfo()
    info.add_text("Author", "Ada")
    info.add_itxt("anything", "else")
    info.add_text("Software", "x")
    info.add_text("empty", " ")
    assert kinds(encoded(photo(), pnginfo=info)) == {"owner_name", "comment", "software"}
    assert kinds(encoded(photo(), "JPEG", comment=b"hello")) == {"comment"}
    assert kinds(encoded(photo(), "GIF", comment=b"hello")) == {"comment"}


def test_metadata_that_cannot_be_read_is_a_kind_of_its_own():
    data = encoded(photo(), "JPEG", exif=PERSONAL)
    broken = data.replace(b"Exif\0\0MM", b"Exif\0\0??").replace(b"Exif\0\0II", b"Exif\0\0??")
    assert kinds(broken) == {"unreadable_metadata"}
    assert "unreadable_metadata" in PERSONAL_KINDS


def test_a_probe_holds_nothing_that_the_metadata_says():
    found = str(dataclasses.asdict(probe(encoded(photo(), "JPEG", exif=PERSONAL))))
    assert not any(word in found for word in ("Ada", "garden", "SN-42", "2026", "52"[::-1] + "N"))


def test_a_truncated_jpeg_is_refused_at_reduced_scale_too():
    data = encoded(photo(size=(640, 480)), "JPEG")
    with pytest.raises(UnfitImageError) as error:
        probe(data[: len(data) // 2])
    assert error.value.kind == "damaged_image"


@pytest.mark.shared
@pytest.mark.slow
def test_real_images_are_probed_as_they_are_decoded(shared):
    paths = sorted((shared / "data" / "object_detection" / "raccoon" / "images").iterdir())
    found = [probe(path.read_bytes()) for path in paths]
    for path, one in zip(paths, found, strict=True):
        height, width, _ = decode(path.read_bytes()).shape
        assert one.size == (width, height)
    assert sum("gps" in one.metadata for one in found) == 1
    assert sum("owner_name" in one.metadata for one in found) == 2
