from __future__ import annotations

import base64
import dataclasses
import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest

from lextune.errors import InsufficientError, VerificationError
from lextune.evidence.canonical import canonical
from lextune.evidence.envelope import (
    PAYLOAD_TYPE,
    open_envelope,
    open_with_signers,
    sign,
    sign_payload,
)
from lextune.evidence.keys import Signer, Trust
from lextune.evidence.statements import make_statement
from lextune.records import FileDigest, Statement

_FILE = FileDigest(path="model.safetensors", sha256="a" * 64, size=3)


def _statement() -> Statement:
    return make_statement("train", [_FILE], {"record": {"method": "full"}, "run": "r"})


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _changed(envelope: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    content = json.loads(envelope)
    return canonical(change(content) or content)


def test_a_signed_statement_comes_back_as_it_was(signer: Signer, trust: Trust) -> None:
    statement = _statement()
    data = sign(statement, signer)
    assert canonical(json.loads(data)) == data
    opened, signers = open_with_signers(data, trust)
    assert opened == statement
    assert [key.name for key in signers] == ["the maker"]


def _edit_payload(content: dict[str, Any]) -> None:
    payload = base64.b64decode(content["payload"]).replace(b"full", b"lora")
    content["payload"] = _b64(payload)


def _repeat(content: dict[str, Any]) -> None:
    content["signatures"].append(content["signatures"][0])


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (_edit_payload, "does not match"),
        (lambda c: c.update(signatures=[]), "carries no signature"),
        (lambda c: c["signatures"][0].update(keyid="0" * 64), "unknown signer"),
        (lambda c: c["signatures"][0].update(keyid=""), "key id is not 64 hexadecimal digits"),
        (
            lambda c: c["signatures"][0].update(keyid="\x1b[2J"),
            "key id is not 64 hexadecimal digits",
        ),
        (
            lambda c: c["signatures"][0].update(keyid="A" * 64),
            "key id is not 64 hexadecimal digits",
        ),
        (lambda c: c["signatures"][0].update(keyid=3), "key id is not 64 hexadecimal digits"),
        (lambda c: c["signatures"][0].update(sig=_b64(b"123")), "does not match"),
        (lambda c: c["signatures"][0].update(sig=_b64(bytes(64))), "does not match"),
        (lambda c: c.update(payloadType="application/json"), "payload type is 'application/json'"),
        (lambda c: c.update(payloadType=PAYLOAD_TYPE + " "), "payload type"),
        (lambda c: c.update(payloadType=PAYLOAD_TYPE.upper()), "payload type"),
        (lambda c: c.update(note="unsigned words"), "no DSSE envelope"),
        (lambda c: c["signatures"][0].update(cert="x"), "no DSSE envelope"),
        (_repeat, "no DSSE envelope"),
        (lambda c: c.update(payload=c["payload"] + "\n"), "no DSSE envelope"),
        (lambda c: c.update(payload=c["payload"].rstrip("=") + "*"), "no DSSE envelope"),
        (lambda c: c.update(payload=3), "no DSSE envelope"),
        (lambda c: c.pop("payload") and None, "no DSSE envelope"),
        (lambda c: [c], "no DSSE envelope"),
    ],
)
def test_each_fault_is_told_apart(
    signer: Signer, trust: Trust, change: Callable[[dict[str, Any]], Any], fact: str
) -> None:
    data = _changed(sign(_statement(), signer), change)
    with pytest.raises(VerificationError, match=fact) as caught:
        open_envelope(data, trust, "0001-x.dsse.json")
    assert caught.value.problems[0].where == "0001-x.dsse.json" or "envelope" in fact
    assert caught.value.problems[0].remedy


@pytest.mark.parametrize(
    "write",
    [
        lambda c: json.dumps(c, indent=1),
        lambda c: json.dumps(c, separators=(",", ":")) + "\n",
        lambda c: json.dumps(dict(reversed(c.items())), separators=(",", ":")),
    ],
)
def test_the_same_envelope_in_other_bytes_is_refused(
    signer: Signer, trust: Trust, write: Callable[[dict[str, Any]], str]
) -> None:
    data = write(json.loads(sign(_statement(), signer))).encode()
    with pytest.raises(VerificationError, match="not written as canonical JSON"):
        open_envelope(data, trust)


def test_repeated_keys_are_refused_in_the_envelope(signer: Signer, trust: Trust) -> None:
    data = sign(_statement(), signer)
    twice = data.replace(b'{"payload":', b'{"payloadType":"x","payload":', 1)
    with pytest.raises(VerificationError, match="'payloadType' twice"):
        open_envelope(twice, trust)


def test_repeated_keys_are_refused_in_the_payload(signer: Signer, trust: Trust) -> None:
    payload = canonical(_statement().model_dump(mode="json", by_alias=True))
    twice = payload.replace(b'"status":', b'"status":"crashed","status":', 1)
    assert twice != payload
    with pytest.raises(VerificationError, match="'status' twice"):
        open_envelope(sign_payload(twice, PAYLOAD_TYPE, signer), trust)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(_type="https://in-toto.io/Statement/v0.1"),
        lambda c: c.update(type=c.pop("_type")),
        lambda c: c.update(predicate=[]),
        lambda c: c.update(subject=[{"name": "x"}]),
        lambda c: c.pop("predicateType") and None,
        lambda c: c.update(extra=1),
        lambda c: [c],
    ],
)
def test_a_signed_payload_that_is_no_statement_is_refused(
    signer: Signer, trust: Trust, change: Callable[[dict[str, Any]], Any]
) -> None:
    content = _statement().model_dump(mode="json", by_alias=True)
    data = sign_payload(canonical(change(content) or content), PAYLOAD_TYPE, signer)
    with pytest.raises(VerificationError, match="not an in-toto Statement v1"):
        open_envelope(data, trust)


def test_another_signer_is_unknown(stranger: Signer, trust: Trust) -> None:
    with pytest.raises(VerificationError, match=f"unknown signer.*{stranger.keyid}"):
        open_envelope(sign(_statement(), stranger), trust)


def test_a_trusted_signature_beside_an_unknown_one_is_enough(
    signer: Signer, stranger: Signer, trust: Trust
) -> None:
    other = json.loads(sign(_statement(), stranger))["signatures"]
    data = _changed(sign(_statement(), signer), lambda c: c["signatures"].extend(other))
    assert open_envelope(data, trust).predicate["run"] == "r"


def test_a_wrong_signature_of_a_trusted_key_is_refused_beside_a_right_one(
    signer: Signer, stranger: Signer
) -> None:
    other = json.loads(sign(_statement(), stranger))["signatures"]
    other[0]["sig"] = _b64(bytes(64))
    data = _changed(sign(_statement(), signer), lambda c: c["signatures"].extend(other))
    with pytest.raises(VerificationError, match="does not match"):
        open_envelope(data, Trust.of(signer, stranger))


@pytest.mark.parametrize(("day", "accepted"), [(24, True), (25, True), (26, False)])
def test_a_key_is_accepted_until_its_last_day(
    signer: Signer, trust: Trust, day: int, accepted: bool
) -> None:
    key = dataclasses.replace(trust.keys[signer.keyid], until=datetime.date(2026, 11, 25))
    old = Trust({signer.keyid: key}, datetime.date(2026, 11, day))
    data = sign(_statement(), signer)
    if accepted:
        assert open_envelope(data, old)
    else:
        with pytest.raises(VerificationError, match=r"expired.*2026-11-25"):
            open_envelope(data, old)


def test_a_statement_with_nan_is_not_signed(signer: Signer) -> None:
    statement = make_statement("train", [], {"record": {"loss": float("nan")}})
    with pytest.raises(InsufficientError):
        sign(statement, signer)
