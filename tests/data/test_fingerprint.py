"""Names by content: neither the order of rows nor the file format changes them."""

from __future__ import annotations

import hashlib
import json
import unicodedata

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lextune.config import DataConfig
from lextune.data.dataset import load_rows, read_options
from lextune.data.findings import Findings
from lextune.data.fingerprint import fingerprint, normalise, row_digest, row_ids
from lextune.data.formats import ReadContext

letters = st.characters(exclude_categories=["Cs", "Cc"])
texts = st.text(letters, min_size=1, max_size=15)
rows_of = st.lists(st.tuples(texts, st.sampled_from(["pos", "neg", "好"])), min_size=1, max_size=6)


def digests_of(rows):
    return np.array([row_digest(text, label, {}) for text, label in rows], "S32")


def test_the_names_of_the_first_version():
    """Whoever wrote a fingerprint down must find it again."""
    digests = digests_of([("a", "x"), ("b", "y"), *[("a", "x")] * 10])
    ids = [name.decode() for name in row_ids(digests)]
    canonical = hashlib.sha256(b'["a","x",[]]').hexdigest()
    assert ids[0] == f"{canonical[:16]}-1"
    assert ids[-1] == f"{canonical[:16]}-11"
    lines = sorted(
        hashlib.sha256(row).hexdigest() for row in [b'["a","x",[]]'] * 11 + [b'["b","y",[]]']
    )
    assert (
        fingerprint(digests)
        == hashlib.sha256("".join(f"{one}\n" for one in lines).encode()).hexdigest()
    )


@given(text=st.text(), label=st.text(), groups=st.dictionaries(st.text(), st.none() | st.text()))
def test_a_row_is_named_by_its_json(text, label, groups):
    row = json.dumps(
        [text, label, sorted(groups.items())], ensure_ascii=False, separators=(",", ":")
    )
    digest = hashlib.sha256(row.encode("utf-8", "surrogatepass")).digest()
    assert row_digest(text, label, groups) == digest


@given(rows=rows_of, data=st.data())
def test_order_changes_neither_ids_nor_fingerprint(rows, data):
    shuffled = data.draw(st.permutations(rows))
    one, other = digests_of(rows), digests_of(shuffled)
    assert fingerprint(one) == fingerprint(other)
    assert sorted(row_ids(one)) == sorted(row_ids(other))
    assert len(set(row_ids(one))) == len(rows)


@given(rows=rows_of)
def test_one_more_copy_or_one_row_less_is_another_data_set(rows):
    digests, more = digests_of(rows), digests_of([*rows, rows[0]])
    assert len({fingerprint(digests), fingerprint(more), fingerprint(digests[1:])}) == 3


def test_cells_cannot_run_into_each_other():
    cases = [
        ("ab", "c", {}),
        ("a", "bc", {}),
        ("a", "b", {"g": "c"}),
        ("a", "b", {"g": None}),
        ("a", "b", {}),
    ]
    assert len({row_digest(*case) for case in cases}) == len(cases)
    assert row_digest("a", "b", {"x": "1", "y": "2"}) == row_digest("a", "b", {"y": "2", "x": "1"})


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=rows_of)
def test_the_file_format_changes_nothing(tmp_path_factory, write, rows):
    write.folder = tmp_path_factory.mktemp("formats")
    found = set()
    for make in write.all().values():
        config = DataConfig(train=(make(rows),))
        context = ReadContext(read_options(config), Findings())
        loaded = load_rows(config.train, config, context)
        assert not context.findings.has_errors()
        found.add((fingerprint(loaded.digests), tuple(sorted(loaded.ids))))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ｇｏｏｄ！", "good!"),
        ("a  b\t\nc ", " A b c"),
        ("Straße", "STRASSE"),
        (unicodedata.normalize("NFD", "é"), "É"),
    ],
)
def test_width_case_and_spaces_are_made_one(one, other):
    assert normalise(one) == normalise(other)


@given(text=st.text(st.characters() | st.sampled_from(" \t\n\x1c\x85\xa0\u2003\u3000\u200b\ufeff")))
def test_normalising_is_what_its_docstring_says(text):
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    assert normalise(text) == plain
    assert normalise(text.encode("ascii", "ignore").decode()) == " ".join(
        text.encode("ascii", "ignore").decode().casefold().split()
    )


def test_normalising_keeps_different_texts_apart():
    assert len({normalise(text) for text in ("good", "not good", "goods", "g ood")}) == 4
