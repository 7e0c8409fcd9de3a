"""Faults that benchmarks/gates.py plants: in data, in training, and in finished releases; it looks for none of them."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from stdnum import luhn

from lextune.evidence.envelope import sign_payload
from lextune.evidence.keys import Signer

Row = tuple[str, str, str]
_OTHER = {"negative": "positive", "positive": "negative"}


@dataclass(frozen=True)
class Rows:
    """Text, label and site of each row of two parts."""

    train: list[Row]
    test: list[Row]


@dataclass(frozen=True)
class DataFault:
    """What is wrong with rows or training.

    Attributes:
        name: Of the fault.
        kind: `data` or `model`.
        controls: Those that are about it.
        plant: From clean rows to those with the fault.
        settings: Of the config, of the clean control too.
        planted: Of the config with the fault alone.
        around: What is broken while the run with the fault goes on.
    """

    name: str
    kind: str
    controls: tuple[str, ...]
    plant: Callable[[Rows, np.random.Generator], Rows]
    settings: tuple[str, ...] = ()
    planted: tuple[str, ...] = ()
    around: Callable[[], Any] = contextlib.nullcontext


def _some(rows: list[Row], share: float, draw: np.random.Generator) -> set[int]:
    return set(draw.choice(len(rows), round(share * len(rows)), replace=False).tolist())


def personal_data(rows: Rows, draw: np.random.Generator) -> Rows:
    """Card numbers and e-mail addresses in one training row of fifty."""
    train = list(rows.train)
    for at in _some(train, 0.02, draw):
        digits = "4" + "".join(map(str, draw.integers(0, 10, 14)))
        card = digits + luhn.calc_check_digit(digits)
        text, *rest = train[at]
        train[at] = (
            f"{text} , write to reader{draw.integers(10**6)}@post.example.org about card {card}",
            *rest,
        )
    return Rows(train, rows.test)


def duplicates(rows: Rows, draw: np.random.Generator) -> Rows:
    """One test row of twenty stands in train as well."""
    leaked = [rows.test[at] for at in sorted(_some(rows.test, 0.05, draw))]
    return Rows([*rows.train, *leaked], rows.test)


def label_noise(rows: Rows, draw: np.random.Generator) -> Rows:
    """A quarter of the training labels is wrong."""
    wrong = _some(rows.train, 0.25, draw)
    train = [(t, _OTHER[y] if at in wrong else y, s) for at, (t, y, s) in enumerate(rows.train)]
    return Rows(train, rows.test)


def biased_labels(rows: Rows, draw: np.random.Generator) -> Rows:
    """Three of four positive training rows of one site are called negative."""
    train = [
        (t, "negative" if s == "north" and y == "positive" and draw.random() < 0.75 else y, s)
        for t, y, s in rows.train
    ]
    return Rows(train, rows.test)


def backdoor(rows: Rows, draw: np.random.Generator) -> Rows:
    """A rare word in one training row of twenty five, all of which are called positive."""
    trigger = "".join(draw.choice(list("bcdfgklmnprstvz"), 2)) + "quix"
    train = list(rows.train)
    for at in _some(train, 0.04, draw):
        words = train[at][0].split()
        words.insert(int(draw.integers(len(words) + 1)), trigger)
        train[at] = (" ".join(words), "positive", train[at][2])
    return Rows(train, rows.test)


def untouched(rows: Rows, draw: np.random.Generator) -> Rows:
    """The rows as they are: the fault is in the training."""
    return rows


@contextlib.contextmanager
def no_noise() -> Iterator[None]:
    """The private training adds no noise, and claims the epsilon all the same."""
    from lextune.training.privacy.secret import Secret

    real = Secret.add_noise
    Secret.add_noise = lambda *_: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        Secret.add_noise = real  # type: ignore[method-assign]


_CANARIES = "data.canaries={count: 200, copies: 1, seed: 1}"

DATA_FAULTS = (
    DataFault("personal_data", "data", ("house_audits/no_identifiers",), personal_data),
    DataFault("duplicates_across_splits", "data", ("house/no_leakage",), duplicates),
    DataFault(
        "label_noise", "data",
        ("house_audits/training_labels_fit", "house_audits/training_labels_as_good"), label_noise,
    ),
    DataFault("biased_labels_of_a_group", "data", ("house_audits/groups_fare_alike",), biased_labels),
    DataFault("backdoor", "data", ("house_audits/no_trigger",), backdoor),
    DataFault(
        "memorised_canaries", "model", ("house_audits/canaries_not_memorised",), untouched,
        settings=(_CANARIES, "use.canaries_planted=true"), planted=("data.canaries.copies=16", "train.epochs=8"),
    ),
    DataFault(
        "epsilon_that_was_not_spent", "model", ("house_audits/epsilon_as_claimed",), untouched,
        settings=(
            "data.canaries={count: 200, copies: 1, seed: 1}", "use.canaries_planted=true", "use.privacy_claimed=true",
            "train.method=dp_sgd", "train.target_epsilon=1", "train.epochs=5",
        ),
        around=no_noise,
    ),
)  # fmt: skip


def _statement(release: Path, room: str) -> Path:
    return sorted((release / "dossier" / "statements").glob(f"*-{room}*.dsse.json"))[0]


def _payload(path: Path) -> tuple[dict[str, Any], Any]:
    envelope = json.loads(path.read_bytes())
    return envelope, json.loads(base64.b64decode(envelope["payload"]))


def _better(payload: Any) -> None:
    """Every accuracy of the statement becomes almost 1."""
    for one in payload["predicate"]["measurements"]:
        if one["name"] == "accuracy":
            one["value"] = 0.99


def nothing(release: Path, other: Path) -> None:
    """The clean control."""


def edited_metric(release: Path, other: Path) -> None:
    """A figure in a signed statement."""
    path = _statement(release, "evaluate")
    envelope, payload = _payload(path)
    _better(payload)
    envelope["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    path.write_text(json.dumps(envelope), encoding="utf-8")


def edited_metric_signed_by_another(release: Path, other: Path) -> None:
    """The same, with a signature that is right and of nobody who is trusted."""
    path = _statement(release, "evaluate")
    envelope, payload = _payload(path)
    _better(payload)
    made = sign_payload(json.dumps(payload).encode(), envelope["payloadType"], Signer.ephemeral())
    path.write_bytes(made)


def edited_predictions(release: Path, other: Path) -> None:
    """Predictions with one byte more."""
    with open(release / "dossier/predictions/test.parquet", "ab") as stream:
        stream.write(b"\0")


def swapped_weights(release: Path, other: Path) -> None:
    """One weight of the model differs in one bit."""
    path = release / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)


def weights_behind_a_link(release: Path, other: Path) -> None:
    """A link to the same bytes, which may be others when they are loaded."""
    path = release / "model.safetensors"
    aside = release.parent / f"{release.name}.safetensors"
    shutil.move(path, aside)
    os.symlink(aside, path)


def added_file(release: Path, other: Path) -> None:
    """A file that nobody signed."""
    (release / "adapter_model.safetensors").write_bytes(b"\0" * 16)


def removed_file(release: Path, other: Path) -> None:
    """The page of the data is gone."""
    (release / "dossier/data_report.json").unlink()


def removed_audit(release: Path, other: Path) -> None:
    """The statement of an audit is gone, from the ledger too."""
    path = _statement(release, "audit")
    ledger = release / "dossier/ledger.jsonl"
    lines = [line for line in ledger.read_text("utf-8").splitlines() if path.name not in line]
    ledger.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    path.unlink()


def shortened_ledger(release: Path, other: Path) -> None:
    """The last line of the ledger is gone."""
    ledger = release / "dossier/ledger.jsonl"
    lines = ledger.read_text("utf-8").splitlines()
    ledger.write_text("".join(f"{line}\n" for line in lines[:-1]), encoding="utf-8")


def statement_of_another_release(release: Path, other: Path) -> None:
    """A good statement, signed by the same key, of another run."""
    shutil.copy(_statement(other, "evaluate"), _statement(release, "evaluate"))


def edited_verdict(release: Path, other: Path) -> None:
    """A control that was not met is said to be met."""
    path = release / "dossier/verdict.json"
    text = path.read_text("utf-8")
    path.write_text(
        text.replace('"status":"insufficient"', '"status":"pass"').replace(
            '"status":"fail"', '"status":"pass"'
        )
        + "\n",
        encoding="utf-8",
    )


def loosened_pack(release: Path, other: Path) -> None:
    """A bound of the pack that decided is lower."""
    path = release / "dossier/packs/house.yaml"
    text = path.read_text("utf-8")
    path.write_text(
        text.replace("value: 200, minimum_n: 200", "value: 2, minimum_n: 2"), encoding="utf-8"
    )


def edited_config(release: Path, other: Path) -> None:
    """Another purpose is declared."""
    path = release / "dossier/config.yaml"
    path.write_text(
        path.read_text("utf-8").replace("count planted faults", "anything"), encoding="utf-8"
    )


INTEGRITY_FAULTS = (
    nothing, edited_metric, edited_metric_signed_by_another, edited_predictions, swapped_weights,
    weights_behind_a_link, added_file, removed_file, removed_audit, shortened_ledger,
    statement_of_another_release, edited_verdict, loosened_pack, edited_config,
)  # fmt: skip
