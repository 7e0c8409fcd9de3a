"""What quality checks say of sounds: of their lengths, and of the words that are said in them."""

from __future__ import annotations

import pytest

from lextune.config import ColumnsConfig, DataConfig, QualityConfig
from lextune.data.checks import check_path
from lextune.data.quality.base import quality_checks
from lextune.data.report.page import make_page
from sounds import put, tone


@pytest.fixture
def checked(tmp_path):
    def check(kind="transcript", **columns):
        lines = ["audio,words,speaker"]
        for number in range(24):
            name = f"{number}.wav"
            put(tmp_path / name, tone(0.5 + number / 10, 200 + 10 * number, 8000), 8000)
            lines.append(
                f"{name},yesterday we were told of a zebra in the garden {number % 3},s{number % 4}"
            )
        (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
        words = tmp_path / "words.txt"
        words.write_text("zebra\n")
        quality = QualityConfig(checks=quality_checks.names(), keyword_lists=(str(words),))
        config = DataConfig(
            train=(str(tmp_path / "rows.csv"),),
            quality=quality,
            columns=ColumnsConfig(label="words", **columns),
        )
        return check_path(config, kind=kind, inputs="audio")

    return check


def test_lengths_rates_and_speakers(checked):
    found = {one.check: one for one in checked().quality}
    about = found["sounds"].details["train"]
    assert about["seconds"]["n"] == sum(about["seconds"]["counts"]) == 24
    assert (about["rates"], about["channels"], about["formats"]) == (
        {"8000": 24},
        {"1": 24},
        {"WAV": 24},
    )
    assert about["rows_by_speaker"] == [6] * 4
    values = {one.name: one.value for one in found["sounds"].measurements}
    assert values == {
        "total_seconds": pytest.approx(24 * 0.5 + 27.6), "median_seconds": pytest.approx(1.65),
        "longest_seconds": 2.8, "speakers": 4,
    }  # fmt: skip


def test_checks_of_texts_look_at_what_is_said(checked):
    found = {one.check: one for one in checked().quality}
    assert found["lengths"].details["train"]["characters"]["quantiles"]["1"] == len(
        "yesterday we were told of a zebra in the garden 1"
    )
    assert found["screening"].measurements[0].value == 0.0  # of all rows, none is without a zebra
    assert found["languages"].details["train"]["languages"] == {"en": 24}
    assert {name for name, one in found.items() if one.status == "complete"} == {
        "lengths", "languages", "screening", "sounds",
    }  # fmt: skip


def test_of_classes_there_is_nothing_to_read(checked):
    found = {one.check: one for one in checked("class").quality}
    assert found["lengths"].status == "not_applicable"
    assert "rows are sounds" in found["lengths"].reason
    assert found["coverage"].status == "complete"


def test_the_page_shows_lengths_and_who_speaks(checked):
    page = make_page(checked().document())
    assert "Sounds" in page
    assert "8000: 24" in page
    assert "<td>4</td>" in page
    assert "zebra" not in page


def test_of_texts_it_says_nothing(tmp_path):
    (tmp_path / "rows.csv").write_text("text,label\nfine,a\ndull,b\n")
    config = DataConfig(
        train=(str(tmp_path / "rows.csv"),), quality=QualityConfig(checks=("sounds",))
    )
    (found,) = check_path(config).quality
    assert found.status == "not_applicable"
