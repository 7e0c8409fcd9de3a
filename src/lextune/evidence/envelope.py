"""DSSE envelopes: signs bytes and opens them against trusted keys; it knows no room and no folder.

Dead Simple Signing Envelope v1.0.2 (https://github.com/secure-systems-lab/dsse): the signature covers
PAE(payloadType, payload), so a payload cannot be passed off under another type.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.exceptions import VerificationError as LibraryError
from securesystemslib.signer import Signature

from lextune.errors import Problem, VerificationError
from lextune.evidence.canonical import canonical, load_json
from lextune.evidence.keys import Signer, Trust, TrustedKey
from lextune.records import Statement

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_ASK = "get the file again from who made it"
_KEYID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Opened:
    """What a valid envelope holds, and the trusted keys that signed it.

    Attributes:
        passed_over: Key ids of signatures that prove nothing: by keys that are not trusted, or have expired.
    """

    payload: bytes
    signers: tuple[TrustedKey, ...]
    passed_over: tuple[str, ...] = ()


def sign(statement: Statement, signer: Signer) -> bytes:
    """The canonical JSON bytes of an envelope around a statement.

    Raises:
        InsufficientError: The statement holds a value that JSON cannot say (NaN, infinity).
    """
    # Not mode="json": that would write NaN as null without a word.
    payload = canonical(statement.model_dump(by_alias=True))
    return sign_payload(payload, PAYLOAD_TYPE, signer)


def sign_payload(payload: bytes, payload_type: str, signer: Signer) -> bytes:
    """The canonical JSON bytes of an envelope around any payload."""
    envelope = Envelope(payload, payload_type, {})
    envelope.signatures[signer.keyid] = signer.sign(envelope.pae())
    return canonical(envelope.to_dict())


def open_envelope(data: bytes, trust: Trust, where: str = "") -> Statement:
    """The statement inside an envelope that a trusted key signed.

    Raises:
        VerificationError: Not JSON, or with a repeated key; another payload type; unsigned; signed by a key
            that is not trusted, or has expired; a signature that does not match; not an in-toto
            Statement v1. The fact says which.
    """
    return open_with_signers(data, trust, where)[0]


def open_with_signers(
    data: bytes, trust: Trust, where: str = ""
) -> tuple[Statement, tuple[TrustedKey, ...]]:
    """As `open_envelope`, with the trusted keys that signed."""
    opened = open_payload(data, PAYLOAD_TYPE, trust, where)
    content = load_json(opened.payload, _called(where, "the statement"))
    wanted = {"_type", "subject", "predicateType", "predicate"}
    try:
        if not isinstance(content, dict) or set(content) != wanted:
            raise ValueError(f"it must have exactly the keys {', '.join(sorted(wanted))}")
        return Statement.model_validate(content), opened.signers
    except (ValidationError, ValueError) as error:
        detail = (
            "; ".join(
                f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()
            )
            if isinstance(error, ValidationError)
            else str(error)
        )
        raise _problem("the payload is not an in-toto Statement v1", where, detail) from error


def open_payload(data: bytes, payload_type: str, trust: Trust, where: str = "") -> Opened:
    """The payload of an envelope of exactly this type, signed by at least one trusted key.

    A signature by a key that is not trusted is passed over where a trusted one is beside it; a wrong
    signature under a trusted key's id is refused even then.

    Raises:
        VerificationError: As `open_envelope`.
    """
    found_type, payload, signatures = _parse(data, where)
    if found_type != payload_type:
        raise _problem(f"the payload type is {found_type!r}, not {payload_type!r}", where)
    if not signatures:
        raise _problem("the envelope carries no signature", where)
    signed = Envelope(payload, payload_type, {}).pae()
    signers, problems = [], []
    for keyid, signature in signatures.items():
        key = trust.keys.get(keyid)
        if key is None:
            problems.append(_unknown_signer(keyid, where))
            continue
        try:
            key.key.verify_signature(Signature(keyid, signature.hex()), signed)
        except (UnverifiedSignatureError, LibraryError) as error:
            raise _problem(
                f"the signature of {key.name!r} ({keyid}) does not match",
                where,
                "the content was changed after signing, or another key signed it",
            ) from error
        if key.until is not None and trust.on > key.until:
            problems.append(_expired(key, where))
            continue
        signers.append(key)
    if not signers:
        raise VerificationError(problems)
    proved = {key.keyid for key in signers}
    return Opened(payload, tuple(signers), tuple(one for one in signatures if one not in proved))


def _parse(data: bytes, where: str) -> tuple[str, bytes, dict[str, bytes]]:
    envelope = load_json(data, _called(where, "the envelope"))
    if not isinstance(envelope, dict) or set(envelope) != {"payload", "payloadType", "signatures"}:
        raise _problem(
            "this is no DSSE envelope",
            where,
            "it must have exactly the keys payload, payloadType and signatures",
        )
    listed = envelope["signatures"]
    if not isinstance(envelope["payloadType"], str) or not isinstance(listed, list):
        raise _problem("this is no DSSE envelope", where, "a field has a wrong type")
    signatures: dict[str, bytes] = {}
    for item in listed:
        if not isinstance(item, dict) or set(item) != {"keyid", "sig"}:
            raise _problem(
                "this is no DSSE envelope", where, "a signature has exactly the keys keyid and sig"
            )
        keyid = item["keyid"]
        # Also keeps what a terminal would obey out of the messages, which print key ids.
        if not isinstance(keyid, str) or not _KEYID.fullmatch(keyid):
            raise _problem(
                "this is no DSSE envelope", where, "a key id is not 64 hexadecimal digits"
            )
        if keyid in signatures:
            raise _problem("this is no DSSE envelope", where, "a key id stands twice")
        signatures[keyid] = _base64(item["sig"], where)
    payload = _base64(envelope["payload"], where)
    # Base64 needs no escapes, so the long payload is set into the canonical form of the rest as it is.
    rest = canonical({**envelope, "payload": ""}).removeprefix(b'{"payload":""')
    if data != b'{"payload":"' + envelope["payload"].encode("ascii") + b'"' + rest:
        raise _problem(
            "the envelope is not written as canonical JSON (RFC 8785)",
            where,
            "the signature covers its payload alone, so its other bytes could be changed unseen",
        )
    return envelope["payloadType"], payload, signatures


def _base64(text: Any, where: str) -> bytes:
    # Standard alphabet with padding, and nothing a lenient decoder would skip.
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (AttributeError, UnicodeEncodeError, binascii.Error) as error:
        raise _problem("this is no DSSE envelope", where, "a field is not base64") from error
    if base64.b64encode(data).decode() != text:
        raise _problem("this is no DSSE envelope", where, "a field is not canonical base64")
    return data


def _called(where: str, noun: str) -> str:
    return f"{where}: {noun}" if where else noun


def _problem(fact: str, where: str, reason: str = "") -> VerificationError:
    return VerificationError(Problem(fact, _ASK, reason, where))


def _unknown_signer(keyid: str, where: str) -> Problem:
    return Problem(
        f"unknown signer: the trust file does not name the key {keyid}",
        "if you trust the signer, get the public key from them (not from the release) and add it",
        where=where,
    )


def _expired(key: TrustedKey, where: str) -> Problem:
    return Problem(
        f"the key of {key.name!r} ({key.keyid}) expired: the trust file accepts it until {key.until}",
        "ask for a release signed with the signer's present key",
        where=where,
    )
