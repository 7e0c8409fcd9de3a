"""Terms are found whole and swapped in their case, with pronouns, articles and Chinese words as they should be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.audits.terms.lists import terms_of
from lextune.audits.terms.swap import find, swap

EN, ZH = terms_of("en"), terms_of("zh")


def swapped(text: str, attribute: str, other: str = "", terms: object = None) -> str | None:
    """The text with the group of its first term exchanged with another, by default the only other one."""
    known = EN if terms is None else ZH
    wanted = known.attributes[attribute]
    hits = find(text, known, attribute)
    own = hits[0].group
    place = wanted.groups.index(other) if other else 1 - own
    return swap(text, hits, wanted, own, place)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("He gave her his book.", "She gave him her book."),
        ("She took it from him.", "He took it from her."),
        ("It is hers, not his.", "It is his, not hers."),
        ("Her book is his.", "His book is hers."),
        ("I saw her yesterday.", "I saw him yesterday."),
        ("I saw her best friend.", "I saw his best friend."),
        ("This is for her", "This is for him"),
        ("They asked her to sing, and her voice broke.", "They asked him to sing, and his voice broke."),
        ("SHE KNEW HER FATHER", "HE KNEW HIS MOTHER"),
        ("She's a waitress.", "He's a waiter."),
        ("A man's sister", "A woman's brother"),
        ("Actresses hurt herself", "Actors hurt himself"),
    ],
)  # fmt: skip
def test_gender_is_swapped_with_pronouns_and_case(text: str, other: str) -> None:
    assert swapped(text, "gender") == other


@pytest.mark.parametrize(
    "text",
    [
        "other theme there",
        "Sheila shelves mankind",
        "the-man-bag",
        "Stephen King wrote it",
        "heroic",
    ],
)
def test_a_piece_of_a_longer_word_is_no_term(text: str) -> None:
    assert find(text, EN, "gender") == []


def test_articles_go_with_their_word() -> None:
    assert swapped("a white man", "ethnicity", "asian") == "an Asian man"
    assert swapped("An Asian man", "ethnicity", "arab") == "An Arab man"
    assert swapped("An old woman", "age") == "A young woman"
    assert swapped("A Muslim spoke", "religion", "atheist") == "An atheist spoke"
    assert swapped("an actress", "gender") == "an actor"
    assert swapped("AN OLD MAN", "age") == "A YOUNG MAN"
    assert swapped("a niece", "gender") == "a nephew"
    assert swapped("a lesbian", "sexual_orientation", "heterosexual") == "a heterosexual"


def test_colours_and_ages_of_things_are_no_terms() -> None:
    assert (
        find("a white shirt, an old house, a straight line, a blind alley", EN, "ethnicity") == []
    )
    assert find("an old house", EN, "age") == []
    assert find("a straight line", EN, "sexual_orientation") == []
    assert find("the black hole people saw", EN, "ethnicity") == []
    assert len(find("black people", EN, "ethnicity")) == 1


def test_terms_of_other_groups_stay_and_a_term_without_counterpart_stops_the_swap() -> None:
    text = "Christians and Jews went to church."
    assert swapped(text, "religion", "muslim") == "Muslims and Jews went to mosque."
    assert swapped(text, "religion", "jewish") == "Jews and Christians went to synagogue."
    assert swapped(text, "religion", "atheist") is None


def test_names_need_their_case() -> None:
    assert swapped("Emily met Greg", "name_ethnicity") == "Lakisha met Hakim"
    assert find("emily", EN, "name_ethnicity") == []
    assert find("neil down", EN, "name_ethnicity") == []


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("她的妈妈不喜欢其他人", "他的爸爸不喜欢其他人"),
        ("他们说吉他是他的", "她们说吉他是她的"),
        ("一位女士和她的丈夫", "一位先生和他的妻子"),
        ("他妈的，他走了", "他妈的，她走了"),
        ("女演员", "男演员"),
        ("妇女儿童，女儿", "妇女儿童，儿子"),
    ],
)  # fmt: skip
def test_chinese_takes_the_longest_word_and_spares_others(text: str, other: str) -> None:
    assert swapped(text, "gender", terms=ZH) == other


def test_chinese_persons_are_no_pieces_of_longer_words() -> None:
    assert find("中国人民的人口", ZH, "nationality") == []
    assert swapped("中国人在中国人民银行", "nationality", "german", ZH) == "德国人在中国人民银行"
    assert find("明白人", ZH, "race") == []
    assert swapped("基督教徒和佛教", "religion", "muslim", ZH) == "穆斯林和佛教"
    assert swapped("佛教徒", "religion", "christian", ZH) == "基督徒"


@given(
    st.lists(
        st.sampled_from(["she", "his", "HER", "the", "Man", "saw,", "to", "a", "book", "hers"]),
        max_size=8,
    )
)
def test_one_group_is_left_after_both_are_made_one(words: list[str]) -> None:
    """Swapping never loses a term, and what is outside of terms and articles stays."""
    text = " ".join(words)
    hits = find(text, EN, "gender")
    made = swap(text, hits, EN.attributes["gender"], 0, 1)
    if not hits:
        assert made is None
        return
    assert made is not None
    again = find(made, EN, "gender")
    assert [1 - one.group for one in hits] == [one.group for one in again]
    assert len(made.split()) == len(words)
    assert ("saw," in words) is ("saw," in made.split())


@given(st.sampled_from(sorted(EN.attributes)), st.data())
def test_every_term_is_found_alone_and_has_another(name: str, data: st.DataObject) -> None:
    attribute = EN.attributes[name]
    row = data.draw(st.sampled_from(attribute.words))
    follower = {"person": " man", "noun": " book"}.get(row.before or "", "")
    for place, word in enumerate(row.words):
        if word is None:
            continue
        text = f"{word}{follower}"
        hits = find(text, EN, name)
        assert hits, text
        assert hits[0].start == 0
        assert attribute.words[hits[0].row].words[hits[0].group] is not None
        others = [swap(text, hits[:1], attribute, hits[0].group, k) for k in range(len(row.words))]
        assert any(one is not None for one in others), (text, place)
