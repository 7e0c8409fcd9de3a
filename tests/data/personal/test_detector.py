"""The detector's settings, its order, its processes, and models that it asks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from lextune.data.personal.base import recognisers
from lextune.data.personal.detector import MODEL_TYPES, Detector
from lextune.data.personal.types import TYPES
from lextune.errors import ConfigError
from lextune.labels import Span

TEXTS = ["写信给li@example.com", "", "nothing here", "电话13800138000，邮箱a.b@example.org"] * 80


def test_every_type_is_found_by_a_recogniser_and_every_recogniser_finds_known_types() -> None:
    offered = {kind for _, one in recognisers for kind in one.types}
    assert offered == set(TYPES)
    assert list(TYPES) == sorted(TYPES)
    assert set(MODEL_TYPES.values()) <= set(TYPES)


def test_every_type_has_two_titles() -> None:
    for name, one in TYPES.items():
        assert one.name == name == name.upper()
        assert one.en
        assert any("\u4e00" <= sign <= "\u9fff" for sign in one.zh)


def test_the_special_categories_of_both_laws_are_named() -> None:
    gdpr = {name for name, one in TYPES.items() if one.gdpr}
    assert gdpr == {
        "BIOMETRIC_DATA", "ETHNIC_ORIGIN", "GENETIC_DATA", "HEALTH", "POLITICAL_OPINION", "RELIGIOUS_BELIEF", "SEX_LIFE",
        "TRADE_UNION_MEMBERSHIP",
    }  # fmt: skip
    pipl = {name for name, one in TYPES.items() if one.pipl}
    assert {
        "AGE_OF_MINOR",
        "BIOMETRIC_DATA",
        "CN_BANK_CARD",
        "HEALTH",
        "RELIGIOUS_BELIEF",
        "WHEREABOUTS",
    } <= pipl
    assert not TYPES["PERSON"].sensitive
    assert TYPES["HEALTH"].sensitive


def test_only_the_types_asked_for_are_found() -> None:
    text = "张伟先生，电话13800138000，邮箱a.b@example.org"
    assert {one.type for one in Detector(["PHONE_NUMBER"]).detect(text)} == {"PHONE_NUMBER"}
    assert {one.type for one in Detector().detect(text)} == {
        "PERSON",
        "PHONE_NUMBER",
        "EMAIL_ADDRESS",
    }


def test_an_unknown_type_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'EMAIL_ADDRESS'"):
        Detector(["EMAIL_ADRESS"])
    with pytest.raises(ConfigError, match="use one of"):
        Detector(["xyz"])
    with pytest.raises(ConfigError, match="no type"):
        Detector([])


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_a_score_that_is_none_is_refused(score: float) -> None:
    with pytest.raises(ConfigError, match="minimum score"):
        Detector(minimum_score=score)


def test_low_scores_are_left_out_unless_asked_for() -> None:
    assert Detector().detect("on 2020-05-06") == []
    assert [one.type for one in Detector(minimum_score=0.4).detect("on 2020-05-06")] == [
        "DATE_TIME"
    ]


def test_the_better_score_wins_then_the_longer() -> None:
    text = "mail https://example.com/?to=a@example.com now"
    hits = Detector().detect(text)
    assert [one.type for one in hits] in (["EMAIL_ADDRESS"], ["URL"])
    assert len(hits) == 1


@pytest.mark.parametrize("processes", [1, 2])
def test_many_texts_come_in_order(processes: int) -> None:
    detector = Detector()
    expected = [detector.detect(text) for text in TEXTS]
    assert list(detector.detect_many(iter(TEXTS), processes)) == expected


def test_no_process_is_refused() -> None:
    with pytest.raises(ConfigError, match="processes"):
        list(Detector().detect_many(TEXTS, 0))


def names(texts: Sequence[str]) -> list[list[Span]]:
    """A model that marks Zorblax, and something that is no personal data."""
    return [
        [Span(text.index("Zorblax"), text.index("Zorblax") + 7, "PER"), Span(0, 1, "PRODUCT")]
        if "Zorblax" in text
        else []
        for text in texts
    ]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_model_is_asked_as_well(processes: int) -> None:
    texts = ["I met Zorblax, 13800138000", "nobody"]
    hits = list(Detector(models=[names]).detect_many(texts, processes))
    assert [(one.type, one.rule) for one in hits[0]] == [
        ("PERSON", "model_0"),
        ("PHONE_NUMBER", "cn_mobile"),
    ]
    assert hits[1] == []
    assert [one.type for one in Detector(["PHONE_NUMBER"], models=[names]).detect(texts[0])] == [
        "PHONE_NUMBER"
    ]


def test_a_model_that_answers_wrongly_stops_the_work() -> None:
    with pytest.raises(ValueError, match="another number"):
        Detector(models=[lambda texts: []]).detect("a")
    with pytest.raises(ValueError, match="outside"):
        Detector(models=[lambda texts: [[Span(0, 9, "PER")]]]).detect("a")


def test_nothing_heavy_is_imported_and_no_socket_is_opened() -> None:
    code = (
        "import socket, sys\n"
        "def no(*a, **k): raise OSError('no network')\n"
        "socket.socket.connect = no; socket.getaddrinfo = no\n"
        "from lextune.data.personal.detector import Detector\n"
        "heavy = {'torch', 'transformers', 'numpy', 'phonenumbers', 'presidio_analyzer'}\n"
        "assert not heavy & set(sys.modules)\n"
        "print(len(Detector().detect('张伟先生，电话+44 20 7946 0958')))\n"
    )
    paths = {"PYTHONPATH": str(Path(__file__).resolve().parents[3] / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=paths, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "2"


@pytest.mark.parametrize("processes", [1, 2])
def test_few_texts_are_read_ahead(processes: int) -> None:
    read = 0

    def texts() -> Iterator[str]:
        nonlocal read
        for number in range(5_000):
            read += 1
            yield f"no {number}"

    stream = Detector(["EMAIL_ADDRESS"]).detect_many(texts(), processes)
    assert next(stream) == []
    assert read <= 256 * (2 * processes + 1)
    assert sum(1 for _ in stream) == 4_999
