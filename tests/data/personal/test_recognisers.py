"""Each recogniser on the vectors of the standards, and on the traps that others fell into."""

from __future__ import annotations

import datetime
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.cn import uscc
from stdnum.iso7064 import mod_11_2

from lextune.data.personal.base import Detection
from lextune.data.personal.detector import Detector

EVERYTHING = Detector(minimum_score=0.0)
DEFAULT = Detector()


def found(text: str, detector: Detector = DEFAULT) -> list[tuple[str, str]]:
    """Type and what was cut from the text."""
    return [(one.type, text[one.start : one.end]) for one in detector.detect(text)]


def one(text: str, kind: str) -> Detection:
    """The only detection of a type."""
    hits = [hit for hit in DEFAULT.detect(text) if hit.type == kind]
    assert len(hits) == 1, found(text)
    return hits[0]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("身份证号码11010519491231002X。", "CN_RESIDENT_ID", "11010519491231002X"),
        ("身份证:33010619920615105x", "CN_RESIDENT_ID", "33010619920615105x"),
        ("证件11010519491231002X有效", "CN_RESIDENT_ID", "11010519491231002X"),
        ("110105 19491231 002X", "CN_RESIDENT_ID", "110105 19491231 002X"),
        ("１１０１０５１９４９１２３１００２Ｘ", "CN_RESIDENT_ID", "１１０１０５１９４９１２３１００２Ｘ"),
        ("甲方91110000600037341L乙方", "CN_UNIFIED_SOCIAL_CREDIT_CODE", "91110000600037341L"),
        ("卡号6222021234567890128，谢谢", "CN_BANK_CARD", "6222021234567890128"),
        ("6222 0212 3456 7890 128", "CN_BANK_CARD", "6222 0212 3456 7890 128"),
        ("6222-0212-3456-7890-128 于 2024 年", "CN_BANK_CARD", "6222-0212-3456-7890-128"),
        ("卡号4111111111111111，谢谢", "CREDIT_CARD", "4111111111111111"),
        ("4111 1111 1111 1111", "CREDIT_CARD", "4111 1111 1111 1111"),
        ("2223000048400011", "CREDIT_CARD", "2223000048400011"),
        ("378282246310005", "CREDIT_CARD", "378282246310005"),
        ("请拨打13800138000联系", "PHONE_NUMBER", "13800138000"),
        ("微信同号13800138000", "PHONE_NUMBER", "13800138000"),
        ("tel13800138000", "PHONE_NUMBER", "13800138000"),
        ("138-0013-8000", "PHONE_NUMBER", "138-0013-8000"),
        ("+86 138 0013 8000", "PHONE_NUMBER", "+86 138 0013 8000"),
        ("１３８００１３８０００", "PHONE_NUMBER", "１３８００１３８０００"),
        ("电话：0571-87654321", "PHONE_NUMBER", "0571-87654321"),
        ("客服400-810-8888", "PHONE_NUMBER", "400-810-8888"),
        ("Call +44 20 7946 0958 today", "PHONE_NUMBER", "+44 20 7946 0958"),
        ("reach me at (212) 555-0123 x45", "PHONE_NUMBER", "(212) 555-0123 x45"),
        ("护照E12345678", "CN_PASSPORT", "E12345678"),
        ("护照号EA1234567", "CN_PASSPORT", "EA1234567"),
        ("港澳居民来往内地通行证H12345678", "CN_TRAVEL_PERMIT", "H12345678"),
        ("台胞证号码：12345678", "CN_TRAVEL_PERMIT", "12345678"),
        ("永久居留证CAN310080010123", "CN_PERMANENT_RESIDENT_CARD", "CAN310080010123"),
        ("车牌粤B12345停在", "CN_LICENSE_PLATE", "粤B12345"),
        ("沪A·D12345", "CN_LICENSE_PLATE", "沪A·D12345"),
        ("IBAN DE89370400440532013000", "IBAN_CODE", "DE89370400440532013000"),
        ("DE89 3704 0044 0532 0130 00 please", "IBAN_CODE", "DE89 3704 0044 0532 0130 00"),
        ("my SSN is 536-90-4399.", "US_SSN", "536-90-4399"),
        ("香港身份证A123456(3)", "HK_ID", "A123456(3)"),
        ("G123456(A)", "HK_ID", "G123456(A)"),
        ("身分證A123456789號", "TW_ID", "A123456789"),
        ("A800000014", "TW_ID", "A800000014"),
        ("写信给zhang.san@example.com。谢谢", "EMAIL_ADDRESS", "zhang.san@example.com"),
        ("ｚｈａｎｇ＠ｅｘａｍｐｌｅ．ｃｏｍ", "EMAIL_ADDRESS", "ｚｈａｎｇ＠ｅｘａｍｐｌｅ．ｃｏｍ"),
        ("see https://example.com/a?b=c.", "URL", "https://example.com/a?b=c"),
        ("网站www.example.cn，欢迎", "URL", "www.example.cn"),
        ("from 192.168.1.20 today", "IP_ADDRESS", "192.168.1.20"),
        ("2001:db8::ff00:42:8329", "IP_ADDRESS", "2001:db8::ff00:42:8329"),
        ("00:1A:2B:3C:4D:5E", "MAC_ADDRESS", "00:1A:2B:3C:4D:5E"),
        ("password: hunter2!x", "CREDENTIAL", "hunter2!x"),
        ("密码是Abc12345，请保密", "CREDENTIAL", "Abc12345"),
        ("AKIAIOSFODNN7EXAMPLE", "CREDENTIAL", "AKIAIOSFODNN7EXAMPLE"),
        ("出生于1990年5月2日", "DATE_OF_BIRTH", "1990年5月2日"),
        ("date of birth: 2 May 1990", "DATE_OF_BIRTH", "2 May 1990"),
        ("张伟，58岁", "AGE", "58岁"),
        ("a 58-year-old optician", "AGE", "58-year-old"),
        ("my son, 9 years old", "AGE_OF_MINOR", "9 years old"),
        ("现居浙江省杭州市西湖区文三路12号3栋506室。", "STREET_ADDRESS", "浙江省杭州市西湖区文三路12号3栋506室"),
        ("He resides at 826 Webster Street.", "STREET_ADDRESS", "826 Webster Street"),
        ("邮编：310012", "ZIP_CODE", "310012"),
        ("患者姓名：欧阳娜娜", "PERSON", "欧阳娜娜"),
        ("主治医师王建国医生", "PERSON", "王建国"),
        ("请联系李雷先生", "PERSON", "李雷"),
        ("由温迪·格伦医生诊治", "PERSON", "温迪·格伦"),
        ("Dr. Krisztina Szabo will see you", "PERSON", "Krisztina Szabo"),
        ("My name is Oluwaseun", "PERSON", "Oluwaseun"),
        ("She lives in Ljubljana.", "LOCATION", "Ljubljana"),
        ("I am Norwegian.", "NRP", "Norwegian"),
        ("确诊为糖尿病，正在治疗", "HEALTH", "糖尿病"),
        ("diagnosed with hypertension.", "HEALTH", "hypertension"),
        ("年收入为492876.42元", "FINANCIAL", "492876.42元"),
        ("他是回族", "ETHNIC_ORIGIN", "回族"),
        ("she is a Muslim", "RELIGIOUS_BELIEF", "Muslim"),
        ("政治面貌：中共党员", "POLITICAL_OPINION", "中共党员"),
        ("he is a union member", "TRADE_UNION_MEMBERSHIP", "union member"),
        ("基因检测结果", "GENETIC_DATA", "基因检测"),
        ("她的指纹", "BIOMETRIC_DATA", "指纹"),
        ("his sexual orientation", "SEX_LIFE", "sexual orientation"),
        ("有犯罪记录", "CRIMINAL_RECORD", "犯罪记录"),
        ("at 31.230416, 121.473701 now", "WHEREABOUTS", "31.230416, 121.473701"),
        ("driver's license number is D1234567", "US_DRIVER_LICENSE", "d1234567"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "CRYPTO", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ],
)  # fmt: skip
def test_it_is_found_and_cut_exactly(text: str, kind: str, value: str) -> None:
    assert (kind, value) in [
        (k, v if kind != "US_DRIVER_LICENSE" else v.lower()) for k, v in found(text)
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("job 1764000000018 done", "CREDIT_CARD"),  # milliseconds that pass Luhn
        ("卡号4111111111111112，谢谢", "CREDIT_CARD"),
        ("330106199206151051", "CN_RESIDENT_ID"),  # the last sign is wrong
        ("110105194902310021", "CN_RESIDENT_ID"),  # no 31 February
        ("91110000600037341L", "CN_RESIDENT_ID"),  # a company's
        ("91110000600037341M", "CN_UNIFIED_SOCIAL_CREDIT_CODE"),
        ("078-05-1120", "US_SSN"),  # printed on sample cards
        ("457-55-5462", "US_SSN"),
        ("219-09-9999", "US_SSN"),
        ("666-12-3456", "US_SSN"),
        ("000-12-3456", "US_SSN"),
        ("123-00-4567", "US_SSN"),
        ("123-45-0000", "US_SSN"),
        ("A123456(4)", "HK_ID"),
        ("A123456788", "TW_ID"),
        ("DE89370400440532013001", "IBAN_CODE"),
        ("12800138000", "PHONE_NUMBER"),
        ("version 10.0.19041.1 is out", "IP_ADDRESS"),
        ("999.1.1.1", "IP_ADDRESS"),
        ("the password is required", "CREDENTIAL"),
        ("a 150-year-old tradition", "AGE"),
        ("the house is 90 years old building", "AGE"),
        ("计算机专家", "PERSON"),
        ("银行经理", "PERSON"),
        ("The Civil Rights Act", "PERSON"),
        ("Monday is a day", "PERSON"),
        ("我们在黄金时间见", "PERSON"),
    ],
)  # fmt: skip
def test_it_is_not_found(text: str, kind: str) -> None:
    assert kind not in [hit for hit, _ in found(text)]


def test_a_card_between_han_signs_has_its_place() -> None:
    hit = one("卡号4111111111111111，谢谢", "CREDIT_CARD")
    assert (hit.start, hit.end, hit.checksum) == (2, 18, True)


def test_the_number_behind_a_permit_says_whose_it_is() -> None:
    kinds = {"81": "CN_RESIDENCE_PERMIT", "82": "CN_RESIDENCE_PERMIT", "83": "CN_RESIDENCE_PERMIT"}
    kinds |= {"91": "CN_PERMANENT_RESIDENT_CARD", "11": "CN_RESIDENT_ID"}
    for region, kind in kinds.items():
        body = f"{region}000019900102001"
        assert found(body + mod_11_2.calc_check_digit(body)) == [
            (kind, body + mod_11_2.calc_check_digit(body))
        ]


def test_a_mistyped_identity_number_is_still_a_number_that_the_text_calls_so() -> None:
    for text in ("身份证号码为330106199206151051。", "Her ID card number is 330106199206151051."):
        hit = one(text, "ID_NUMBER")
        assert text[hit.start : hit.end] == "330106199206151051"
        assert hit.checksum is False


def test_an_identity_number_of_fifteen_digits_needs_its_word() -> None:
    hits = found("旧身份证110105491231002")
    assert hits in ([("CN_RESIDENT_ID", "110105491231002")], [("ID_NUMBER", "110105491231002")])
    assert found("单号110105491231002") == []


def test_a_korean_number_since_october_2020_has_no_checksum() -> None:
    hit = one("주민등록번호 210315-3123456", "KR_RRN")
    assert hit.checksum is None
    assert not [k for k, _ in found("991399-1234567") if k == "KR_RRN"]  # no month 13


@given(
    st.integers(0, 9),
    st.integers(0, 999),
    st.dates(datetime.date(1900, 1, 1), datetime.date(2024, 12, 31)),
)
def test_only_the_right_check_sign_makes_a_resident_id(
    sign: int, serial: int, born: datetime.date
) -> None:
    body = f"110105{born:%Y%m%d}{serial:03}"
    right = mod_11_2.calc_check_digit(body)
    kinds = [kind for kind, _ in found(f"号{body}{sign}。")]
    assert ("CN_RESIDENT_ID" in kinds) is (str(sign) == right)


@given(
    st.text("0123456789", min_size=11, max_size=18),
    st.sampled_from(["4", "51", "62", "3528", "6011"]),
)
def test_no_card_without_luhn(body: str, prefix: str) -> None:
    number = prefix + body
    if not luhn.is_valid(number):
        assert ("CREDIT_CARD", number) not in found(number, EVERYTHING)
        assert ("CN_BANK_CARD", number) not in found(number, EVERYTHING)


@given(
    st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=9, max_size=9), st.integers(100000, 999999)
)
def test_only_the_right_check_sign_makes_a_credit_code(organisation: str, region: int) -> None:
    body = f"91{region}{organisation}"
    right = uscc.calc_check_digit(body + "0")
    for sign in "0123456789ABCDEFGHJKLMNPQRTUWXY":
        hits = [
            v for k, v in found(body + sign, EVERYTHING) if k == "CN_UNIFIED_SOCIAL_CREDIT_CODE"
        ]
        if hits:
            assert sign == right


VALUES = [
    ("CN_RESIDENT_ID", "11010519491231002X"),
    ("CN_BANK_CARD", "6222021234567890128"),
    ("CREDIT_CARD", "4111111111111111"),
    ("PHONE_NUMBER", "13800138000"),
]


@given(st.sampled_from(VALUES), st.data())
def test_width_and_separators_and_unseen_signs_hide_nothing(
    value: tuple[str, str], data: st.DataObject
) -> None:
    kind, number = value
    step = data.draw(st.sampled_from([3, 4, 6]))
    gap = data.draw(st.sampled_from(["", " ", "-", "\u3000", "\u200b", "－", " - ", "\u00a0", "·"]))
    wide = data.draw(st.booleans())
    pieces = [number[i : i + step] for i in range(0, len(number), step)]
    text = gap.join(pieces)
    if wide:
        text = "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalnum() else c for c in text)
    before, after = data.draw(
        st.sampled_from([("号码", "，谢谢"), ("", ""), ("是：", "。"), ("(", ")")])
    )
    assert (kind, text) in found(before + text + after)


@given(
    st.text(
        st.sampled_from(
            "张伟先生是一名58岁的13800138000，\n。 Dr. Smith lives at 12 Main Street@a.com-/:（）１２３\u200b身份证x"
        ),
        max_size=60,
    )
)
def test_places_lie_in_the_text_and_never_overlap(text: str) -> None:
    hits = EVERYTHING.detect(text)
    for hit in hits:
        assert 0 <= hit.start < hit.end <= len(text)
        assert 0 <= hit.score <= 1
    assert all(a.end <= b.start for a, b in itertools.pairwise(hits))


@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    assert DEFAULT.detect(text) == DEFAULT.detect(text)
