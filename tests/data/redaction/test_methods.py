"""Methods: equal data get equal replacements, others do not, and no stand-in is somebody's number."""

from __future__ import annotations

import datetime
import pickle
import re
import unicodedata

import phonenumbers
import pytest
import stdnum.cn.ric
import stdnum.iban
import stdnum.luhn
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.data.personal.detector import Detector
from lextune.data.redaction.comparing import comparable
from lextune.data.redaction.methods import Replacing
from lextune.data.redaction.secret import Draw, Secret, secret_from_environment, secret_from_file
from lextune.errors import ConfigError

SECRET, OTHER = Secret(b"a secret of tests alone"), Secret(b"another secret of tests")
PSEUDONYM = Replacing("pseudonym", SECRET)
DIGITS = st.text("0123456789", min_size=8, max_size=8)
WIDE = str.maketrans({str(n): chr(0xFF10 + n) for n in range(10)})


@settings(deadline=None)  # the first call loads numbering plans and recognisers
@given(DIGITS)
def test_a_mobile_number_in_any_writing_is_one_that_nobody_has(digits):
    number = f"138{digits}"
    writings = [
        number, number.translate(WIDE), f"{number[:3]}-{number[3:7]}-{number[7:]}",
        f"+86 {number[:3]} {number[3:7]} {number[7:]}", f"0086{number}", f"(+86){number}",
    ]  # fmt: skip
    made = [PSEUDONYM("PHONE_NUMBER", one) for one in writings]
    assert len({comparable("PHONE_NUMBER", one) for one in made}) == 1
    assert {re.sub(r"\d", "0", one) for one in made} == {re.sub(r"\d", "0", w) for w in writings}
    assert unicodedata.normalize("NFKC", made[1]) == made[0]
    assert re.fullmatch(r"1[3-9]\d{9}", made[0])
    assert not phonenumbers.is_valid_number(phonenumbers.parse(made[0], "CN"))


@pytest.mark.parametrize(
    "value",
    ["+44 7700 912345", "(0)20 7946 0958", "010-62345678", "+49 30 901820", "+1 212-555-0123"],
)
def test_other_telephones_keep_their_shape_and_are_not_valid(value):
    made = PSEUDONYM("PHONE_NUMBER", value)
    assert made != value
    assert re.sub(r"\d", "0", made) == re.sub(r"\d", "0", value)
    assert made[: value.find(" ")] == value[: value.find(" ")] or not value.startswith("+")
    if value.startswith("+1"):
        assert re.fullmatch(r"\+1 \d{3}-555-01\d{2}", made)
    elif value.startswith("+"):
        assert not phonenumbers.is_valid_number(phonenumbers.parse(made, None))


@settings(deadline=None)
@given(
    st.sampled_from(["11010519491231002X", "440308199901010012"]),
    st.binary(min_size=16, max_size=16),
)
def test_a_resident_id_is_plausible_but_its_check_sign_is_wrong(value, key):
    made = Replacing("pseudonym", Secret(key))("CN_RESIDENT_ID", value)
    assert re.fullmatch(r"[1-6]\d{16}\d", made)
    datetime.date.fromisoformat(f"{made[6:10]}-{made[10:12]}-{made[12:14]}")
    assert not stdnum.cn.ric.is_valid(made)


@settings(deadline=None)
@given(st.binary(min_size=16, max_size=16))
def test_cards_and_accounts_fail_their_checks(key):
    replace = Replacing("pseudonym", Secret(key))
    card = replace("CREDIT_CARD", "4111 1111 1111 1111")
    assert re.fullmatch(r"4\d{3} \d{4} \d{4} \d{4}", card)
    assert not stdnum.luhn.is_valid(card.replace(" ", ""))
    account = replace("IBAN_CODE", "DE89 3704 0044 0532 0130 00")
    assert re.fullmatch(r"DE\d{2}( \d{4}){4} \d{2}", account)
    assert not stdnum.iban.is_valid(account)
    for kind, value, shape in (
        ("HK_ID", "A123456(3)", r"[A-Z][12]\d{5}\(\d\)"), ("TW_ID", "A123456789", r"[A-Z][12]\d{8}"),
        ("CN_UNIFIED_SOCIAL_CREDIT_CODE", "91110000600037341L", r"[59]\d{7}[0-9A-Z]{10}"),
    ):  # fmt: skip
        made = replace(kind, value)
        assert re.fullmatch(shape, made)
        assert not Detector([kind], 0.0).detect(made)
    assert replace("US_SSN", "078-05-1120").startswith("666-")
    assert re.fullmatch(r"\d{6}-[90]\d{6}", replace("KR_RRN", "971013-9019902"))


@pytest.mark.parametrize(
    ("kind", "value", "shape"),
    [
        ("EMAIL_ADDRESS", "Ada@Lovelace.org", r"[a-z]{8}@example\.(com|net|org)"),
        ("PERSON", "ADA LOVELACE", r"[A-Z]+ [A-Z]+"),
        ("PERSON", "Ada", r"[A-Z][a-z]+"),
        ("PERSON", "Özlem Ünal", r"[A-Z][a-z]+ [A-Z][a-z]+"),
        ("PERSON", "Анна", r"\[PERSON:[a-z]{15}\]"),
        ("PERSON", "张三", r"[一-鿿]{2}"),
        ("PERSON", "欧阳娜娜", r"[一-鿿]{4}"),
        ("PERSON", "李雷先生", r"[一-鿿]{2}先生"),
        ("IP_ADDRESS", "8.8.8.8", r"198\.1[89]\.\d+\.\d+"),
        ("IP_ADDRESS", "2a00:1450::1", r"2001:db8:.*"),
        ("DOMAIN_NAME", "ada.org", r"[a-z]{8}\.example\.(com|net|org)"),
        ("MAC_ADDRESS", "00:1b:63:84:45:e6", r"[0-9a-f][26ae](:[0-9a-f]{2}){5}"),
        ("CN_LICENSE_PLATE", "京A·12345", r"[一-鿿][A-Z]·\d{5}"),
        ("PASSPORT", "E12345678", r"[A-Z]\d{8}"),
        ("CN_RESIDENCE_PERMIT", "810000199408230021", r"810000\d{12}"),
        ("CN_UNIFIED_SOCIAL_CREDIT_CODE", "91110000600037341L", r"[59]\d{7}[0-9A-Z]{10}"),
        ("US_ITIN", "912-70-1234", r"9\d\d-00-\d{4}"),
        ("URL", "https://ada.org/~me", r"https://example\.org/[a-z]{8}"),
        ("DATE_OF_BIRTH", "1990-01-02", r"\d{4}-[01]\d-[01]\d"),
        ("DATE_OF_BIRTH", "1990年1月2日", r"\d{4}年\d月\d日"),
        ("DATE_OF_BIRTH", "January 5, 1990", r"[A-Z][a-z]+ \d, \d{4}"),
        ("DATE_OF_BIRTH", "5 January 1990", r"\d [A-Z][a-z]+ \d{4}"),
        ("DATE_TIME", "03/04/19", r"\d\d/\d\d/\d\d"),
        ("DATE_OF_BIRTH", "一九九〇年", r"\[DATE_OF_BIRTH:[a-z]{15}\]"),
        ("CREDENTIAL", "hunter2", r"\[CREDENTIAL:[a-z]{15}\]"),
    ],
)  # fmt: skip
def test_shapes(kind, value, shape):
    made = PSEUDONYM(kind, value)
    assert re.fullmatch(shape, made)
    assert comparable(kind, made) != comparable(kind, value)
    assert Replacing("pseudonym", OTHER)(kind, value) != made


@pytest.mark.parametrize("method", ["hash", "pseudonym"])
def test_equal_data_are_equal_and_another_secret_makes_others(method):
    one, other = Replacing(method, SECRET), Replacing(method, OTHER)
    for kind, first, again in [
        ("EMAIL_ADDRESS", "ada@lovelace.org", "ＡＤＡ@lovelace.org"),
        ("PERSON", "Ada  Lovelace", "Ada Lovelace"), ("PERSON", "张三", "张 三"),
        ("CN_RESIDENT_ID", "11010519491231002X", "11010519491231002x"),
        ("PHONE_NUMBER", "13800138000", "138\u200b0013\u200b8000"),
    ]:  # fmt: skip
        assert comparable(kind, one(kind, first)) == comparable(kind, one(kind, again))
        assert one(kind, first) != other(kind, first)
        assert pickle.loads(pickle.dumps(one))(kind, first) == one(kind, first)


def test_tags_hold_letters_alone_and_are_known_by_their_secret_alone():
    made = Replacing("hash", SECRET)("EMAIL_ADDRESS", "ada@lovelace.org")
    assert re.fullmatch(r"\[EMAIL_ADDRESS:[a-z]{15}\]", made)
    assert Replacing("hash", SECRET).is_placeholder(made)
    assert not Replacing("hash", OTHER).is_placeholder(made)
    assert not Replacing("hash", SECRET).is_placeholder("[EMAIL_ADDRESS]")
    assert not Replacing("mask").is_placeholder(made)
    assert Replacing("mask").is_placeholder("[EMAIL_ADDRESS]")


def test_a_secret_is_needed_and_never_shown(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="secret"):
        Replacing("hash")
    with pytest.raises(ValueError, match="secret"):
        Replacing("mask", SECRET)
    assert "tests" not in repr(SECRET) + repr(vars(Replacing("hash", SECRET)))
    path = tmp_path / "secret"
    path.write_bytes(b"a secret of tests alone\n")
    assert secret_from_file(path).draw("x").letters(9) == SECRET.draw("x").letters(9)
    monkeypatch.setenv("OURS", "a secret of tests alone")
    assert secret_from_environment("OURS").draw("x").letters(9) == SECRET.draw("x").letters(9)
    path.write_bytes(b"hush hush")
    monkeypatch.setenv("OURS", "hush hush")
    for read in (lambda: secret_from_file(path), lambda: secret_from_environment("OURS")):
        with pytest.raises(ConfigError, match="fewer than 16 bytes") as error:
            read()
        assert "hush" not in str(error.value)
    monkeypatch.delenv("OURS")
    with pytest.raises(ConfigError, match="OURS is not set"):
        secret_from_environment("OURS")
    with pytest.raises(ConfigError, match="cannot be read"):
        secret_from_file(tmp_path / "none")


def test_draws_go_on_and_are_even():
    draw = SECRET.draw("even")
    counts = [0] * 10
    for _ in range(20_000):
        counts[draw.below(10)] += 1
    assert min(counts) > 1800
    assert max(counts) < 2200
    assert Draw(b"x" * 32).letters(50) == Draw(b"x" * 32).letters(50)
