"""Rows without live consent and rows of erased people are left out before anything is done with them, and counted."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.config import ColumnsConfig, DataConfig
from lextune.data.admission import Gate
from lextune.data.checks import check_path
from lextune.data.findings import Findings
from lextune.data.formats import RawRow
from lextune.data.prepare import prepare
from lextune.errors import DataError
from lextune.rights import ConsentConfig

DAY = datetime.date(2026, 11, 28)
CONSENT = ColumnsConfig(consent="agreed", subject="user")


def config(*train: str, **more: Any) -> DataConfig:
    return DataConfig(train=train, lawful_basis="consent", columns=CONSENT, **more)


def admits(values: dict[str, str | None], consent: ConsentConfig | None = None) -> tuple[bool, str]:
    """Whether a row is admitted, and the kind of the finding if not."""
    findings = Findings()
    gate = Gate(config("x", consent=consent), DAY)
    admitted = gate.admits(RawRow(values, "x:1"), findings)
    return admitted, next((one.kind for one in findings.problems()), "")


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("yes", ""), ("YES", ""), (" yes ", ""), ("ｙｅｓ", ""), ("true", ""), ("1", ""),
        ("no", "refused_consent"), ("False", "refused_consent"), ("0", "refused_consent"),
        (None, "no_consent"), ("", "no_consent"), ("  ", "no_consent"),
        ("maybe", "unknown_consent"), ("1.0", "unknown_consent"), ("yes, but", "unknown_consent"),
        ("nan", "unknown_consent"),
    ],
)  # fmt: skip
def test_only_a_word_that_means_given_is_consent(cell: str | None, kind: str) -> None:
    assert admits({"agreed": cell}) == (not kind, kind)


def test_other_words_can_be_named() -> None:
    rule = ConsentConfig(given=("同意",), refused=("不同意",))
    assert admits({"agreed": "同意"}, rule) == (True, "")
    assert admits({"agreed": "不同意"}, rule) == (False, "refused_consent")
    assert admits({"agreed": "yes"}, rule) == (False, "unknown_consent")


@pytest.mark.parametrize(
    ("left", "until", "kind"),
    [
        (None, None, ""), ("2026-11-29", None, ""), ("2026-11-28", None, "withdrawn_consent"),
        ("2025-01-01T10:00:00Z", None, "withdrawn_consent"),
        ("2026-11-28T23:30:00-02:00", None, ""),  # the 29th in UTC
        (None, "2026-11-28", ""), (None, "2026-11-27", "expired_consent"),
        ("28.11.2026", None, "unreadable_consent_day"), (None, "soon", "unreadable_consent_day"),
        ("0001-01-01T00:00:00+23:59", None, "unreadable_consent_day"),
    ],
)  # fmt: skip
def test_consent_ends_on_its_days(left: str | None, until: str | None, kind: str) -> None:
    rule = ConsentConfig(withdrawn_at="left", valid_until="until")
    row = {"agreed": "yes", "left": left, "until": until}
    assert admits(row, rule) == (not kind, kind)


@given(cell=st.text(max_size=12))
def test_whatever_the_cell_says_only_the_named_words_admit(cell: str) -> None:
    admitted, _ = admits({"agreed": cell})
    import unicodedata

    plain = unicodedata.normalize("NFKC", cell).strip().casefold()
    assert admitted == (plain in {"yes", "true", "1"})


@pytest.fixture
def reviews(write: Any) -> Callable[..., str]:
    """200 rows of 40 people; every 10th refuses, every 25th says something else."""

    def build(name: str = "reviews.csv", start: int = 0, rows: int = 200) -> str:
        lines = ["text,label,user,agreed"]
        for n in range(start, start + rows):
            word = "no" if n % 10 == 0 else "perhaps" if n % 25 == 1 else "yes"
            lines.append(f"secret{n} words,{'ab'[n % 2]},u{n % 40},{word}")
        return str(write.bytes(name, "\n".join(lines).encode()))

    return build


def values(prepared: Any) -> dict[str, float]:
    return {one.name: one.value for one in prepared.measurements}


def all_texts(prepared: Any) -> set[str]:
    return {text for part in prepared.parts.values() for text in part["text"].to_pylist()}


def test_rows_without_consent_reach_no_part_and_are_counted(reviews: Any) -> None:
    prepared = prepare(config(reviews()), gate=Gate(config("x"), DAY))
    found = values(prepared)
    assert found["rows_without_consent"] == 28
    assert found["consent_share"] == pytest.approx(172 / 200)
    assert {one.n for one in prepared.measurements if "consent" in one.name} == {200}
    assert len(all_texts(prepared)) == 172
    assert not {f"secret{n} words" for n in range(0, 200, 10)} & all_texts(prepared)
    assert prepared.ref.origin is not None
    assert prepared.ref.origin.excluded == {"refused_consent": 20, "unknown_consent": 8}
    assert prepared.report.rows == 172


def test_the_digests_are_those_of_data_without_these_rows(reviews: Any, write: Any) -> None:
    path = reviews()
    with open(path, encoding="utf-8") as file:
        kept = [line for line in file.read().splitlines() if line.endswith(("yes", "agreed"))]
    only = write.bytes("kept.csv", "\n".join(kept).encode())
    whole, part = prepare(config(path)), prepare(config(only))
    assert whole.ref.fingerprint == part.ref.fingerprint
    assert whole.ref.splits == part.ref.splits


def test_every_part_is_asked_for_consent(reviews: Any) -> None:
    prepared = prepare(
        config(
            reviews("train.csv"),
            validation=(reviews("val.csv", 1000, 100),),
            test=(reviews("test.csv", 2000, 50),),
        )
    )
    assert values(prepared)["rows_without_consent"] == 28 + 14 + 7
    assert {name: split.rows for name, split in prepared.ref.splits.items()} == {
        "train": 172, "validation": 86, "test": 43,
    }  # fmt: skip


def test_unknown_words_are_told_with_counts_and_many_are_not_shown(
    reviews: Any, write: Any
) -> None:
    report = check_path(config(reviews()))
    (told,) = [one for one in report.problems if one.kind == "unknown_consent_word"]
    assert "'perhaps' 8" in told.fact
    assert told.count == 8
    names = "\n".join(f"t{n},{'ab'[n % 2]},u,Name Of{n}" for n in range(60))
    other = write.bytes(
        "names.csv", f"text,label,user,agreed\n{names}\nx,a,u,yes\ny,b,u,yes".encode()
    )
    report = check_path(config(other))
    assert "Name Of" not in report.model_dump_json()
    assert "name of" not in report.model_dump_json()


def test_a_missing_column_of_consent_is_an_error(write: Any) -> None:
    path = write.csv([("a", "x"), ("b", "y")])
    with pytest.raises(DataError, match=r"no column 'agreed'") as caught:
        prepare(DataConfig(train=(path,), lawful_basis="consent", columns=ColumnsConfig(consent="agreed")))  # fmt: skip
    assert "data.columns.consent" in str(caught.value)


def test_columns_of_days_and_of_sensitive_data_must_be_there(write: Any) -> None:
    rows = "text,label,agreed\na,x,yes\nb,y,yes\n"
    path = write.bytes("a.csv", rows.encode())
    columns = ColumnsConfig(consent="agreed", sensitive=("health",))
    rule = ConsentConfig(withdrawn_at="left", valid_until="until")
    given_ = DataConfig(train=(path,), lawful_basis="consent", columns=columns, consent=rule)
    told = str(check_path(given_).problems)
    for option in (
        "data.columns.sensitive",
        "data.consent.withdrawn_at",
        "data.consent.valid_until",
    ):
        assert option in told


def test_nobody_who_consents_leaves_no_rows(write: Any) -> None:
    path = write.bytes("a.csv", b"text,label,user,agreed\na,x,u,no\nb,y,u,no\n")
    with pytest.raises(DataError, match="no rows that may be used"):
        prepare(config(path))


def test_without_a_basis_of_consent_nothing_is_asked_or_measured(reviews: Any) -> None:
    prepared = prepare(DataConfig(train=(reviews(),), lawful_basis="contract"))
    assert not [name for name in values(prepared) if "consent" in name]
    assert prepared.ref.origin is not None
    assert prepared.ref.origin.consent is None
    assert prepared.report.rows == 200


def test_data_past_its_retention_is_not_read() -> None:
    late = DataConfig(train=("gone.csv",), retention_until=datetime.date(2026, 11, 27))
    for act in (prepare, check_path):
        with pytest.raises(DataError, match="may be kept until 2026-11-27") as caught:
            act(late, gate=Gate(late, DAY))  # type: ignore[operator]
        assert len(caught.value.problems) == 1


class TestErasure:
    """u3 asked for erasure; five of the 200 rows are about u3."""

    def gate(self, data: DataConfig) -> Gate:
        return Gate(data, DAY, lambda subject: subject == "u3")

    def test_their_rows_stop_the_run(self, reviews: Any) -> None:
        data = config(reviews())
        with pytest.raises(DataError, match=r"asked for erasure \(5 rows\)") as caught:
            prepare(data, gate=self.gate(data))
        assert "data.erased: exclude" in str(caught.value)
        assert "u3" not in str(caught.value)

    def test_or_are_left_out_and_counted(self, reviews: Any) -> None:
        data = config(reviews(), erased="exclude")
        prepared = prepare(data, gate=self.gate(data))
        found = values(prepared)
        assert found["erased_rows"] == 5
        assert found["rows_without_consent"] + 5 + len(all_texts(prepared)) == 200
        names = {name for part in prepared.subjects for name in part.subjects.counts()}
        assert "u3" not in names
        assert len(names) == 35  # u0, u10, u20 and u30 always refused

    def test_where_no_column_names_people_that_is_told(self, reviews: Any) -> None:
        data = DataConfig(train=(reviews(),))
        report = check_path(data, gate=self.gate(data))
        assert "erasure_unchecked" in {one.kind for one in report.problems}

    def test_nobody_erased_nothing_measured(self, reviews: Any) -> None:
        assert "erased_rows" not in values(prepare(config(reviews())))


def test_whom_rows_are_about_goes_with_their_ids_and_places(reviews: Any) -> None:
    prepared = prepare(config(reviews()))
    total = 0
    for part in prepared.subjects:
        rows = prepared.parts[part.part]
        where = dict(zip(rows["id"].to_pylist(), rows["where"].to_pylist(), strict=True))
        assert {
            row.decode(): place for row, place in zip(part.ids, part.places, strict=True)
        } == where
        for number, place in zip(part.subjects.numbers, part.places, strict=True):
            line = int(place.rpartition(":")[2].split()[0])
            assert part.subjects.names[number] == f"u{(line - 2) % 40}"
        total += len(part.ids)
    assert total == 172
    assert prepare(DataConfig(train=(reviews(),))).subjects == ()
