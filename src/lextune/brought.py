"""What people bring to a run besides its data: signed attestations, and documents; it measures and decides nothing.

An attestation is an envelope that a person signed. It lies whole in the dossier, and the run's own statement says
what it lists; whoever decides opens the person's envelope again and compares.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

from lextune.errors import ConfigError, Problem, VerificationError
from lextune.evidence.canonical import canonical, load_json
from lextune.evidence.dossier import Dossier
from lextune.evidence.envelope import open_envelope, sign
from lextune.evidence.keys import Signer, Trust
from lextune.evidence.statements import make_statement, room_of
from lextune.files import disk_problems, list_files, read_regular, sha256
from lextune.policy.attestations import Attestation, check_attestations, check_names
from lextune.policy.schema import Pack
from lextune.records import Statement, Subject

_AGAIN = "give a file of `lextune attest`"
#: Where papers lie in a dossier.
_FOLDERS = ("attestations", "documents")
#: Names and endings that are names of files everywhere, also where case does not count.
_PLAIN, _SUFFIX = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}"), re.compile(r"\.[a-z0-9]{1,16}")
#: A signed paper is copied into a statement, and statements over 64 MiB are not read.
_LARGEST_SIGNED = 16 << 20


def sign_attestation(attestation: Attestation, model: Sequence[Subject], signer: Signer) -> bytes:
    """An attestation as a signed envelope.

    Args:
        attestation: What is said.
        model: The files of the trained model that it speaks of; empty where it speaks of no model.
        signer: The person's key.

    Raises:
        ConfigError: It brings figures and names no model: they could be used for another one.
    """
    if attestation.measurements and not model:
        raise ConfigError(
            Problem(
                "the attestation brings figures and names no model",
                "say with --of which run's model was measured",
                "they would count for any model",
            )
        )
    named = [Subject(name=attestation.name, digest={"sha256": sha256(_text(attestation))})]
    record = attestation.model_dump(mode="json")
    return sign(make_statement("attestation", [*named, *model], {"record": record}), signer)


def _text(attestation: Attestation) -> bytes:
    return canonical(attestation.model_dump(mode="json"))


def open_attestation(
    data: bytes, trust: Trust, where: str = "attestation"
) -> tuple[Attestation, tuple[Subject, ...]]:
    """The attestation inside a signed envelope, and the files of the model that it speaks of.

    Raises:
        VerificationError: It is not signed by a trusted key, or is no attestation.
    """
    statement = open_envelope(data, trust, where)
    try:
        if room_of(statement) != "attestation":
            raise ValueError
        attestation = Attestation.model_validate(statement.predicate["record"])
        first, *model = statement.subject
        if (first.name, first.digest) != (attestation.name, {"sha256": sha256(_text(attestation))}):
            raise ValueError
        if attestation.measurements and not model:
            raise ValueError
    except (KeyError, ValueError) as error:
        raise VerificationError(
            Problem("this signed statement is no attestation", _AGAIN, where=where)
        ) from error
    return attestation, tuple(model)


class Paper(NamedTuple):
    """A document as it was read.

    Attributes:
        file: Its own name.
        expires: Last day on which it counts; None does not end.
    """

    file: str
    data: bytes
    expires: datetime.date | None = None


@dataclass(frozen=True)
class Brought:
    """Papers, read once and checked.

    Attributes:
        attestations: Each with the files of the model that it speaks of, and its signed envelope.
        documents: By name.
    """

    attestations: tuple[tuple[Attestation, tuple[Subject, ...], bytes], ...] = ()
    documents: Mapping[str, Paper] = field(default_factory=dict)

    def check_model(self, statements: Iterable[Statement]) -> None:
        """Refuse what speaks of another model than the one that these statements trained.

        Raises:
            VerificationError: The first such attestation.
        """
        trained = _trained(statements)
        for attestation, model, _ in self.attestations:
            _check_model(attestation, model, trained)

    def into(self, dossier: Dossier) -> None:
        """Put everything into a dossier, with a statement for each; what a killed process left half done goes first."""
        _sweep(dossier)
        for name, paper in self.documents.items():
            kept = dossier.write_file(_place(dossier.folder, name, paper), paper.data)
            listed = {"name": name, "sha256": kept.sha256, "path": kept.path}
            if paper.expires is not None:
                listed["expires"] = str(paper.expires)
            record = {"documents": [listed]}
            subjects = [kept.model_copy(update={"path": f"dossier/{kept.path}"})]
            dossier.append("document", make_statement("document", subjects, {"record": record}))
        for attestation, _, envelope in self.attestations:
            digest = sha256(envelope)
            kept = dossier.write_file(
                f"attestations/{attestation.name}-{digest[:8]}.json", envelope
            )
            predicate = {
                "record": {
                    "attestations": [attestation.entry(digest)], "envelope": json.loads(envelope),
                },
                "measurements": [one.model_dump(mode="json") for one in attestation.measurements],
            }  # fmt: skip
            subjects = [kept.model_copy(update={"path": f"dossier/{kept.path}"})]
            dossier.append("attestation", make_statement("attestation", subjects, predicate))


def _sweep(dossier: Dossier) -> None:
    """Remove copies of papers that no statement names: with them there the dossier could never be released."""
    named = {item.name for _, statement in dossier.statements() for item in statement.subject}
    for folder in _FOLDERS:
        place = dossier.folder / folder
        for name in list_files(place) if place.is_dir() and not place.is_symlink() else ():
            if f"dossier/{folder}/{name}" not in named:
                with disk_problems(place):
                    (place / name).unlink()


def _place(dossier: Path, name: str, paper: Paper) -> str:
    """Where a document goes: under its name, and never over another that a statement names already."""
    plain = name if _PLAIN.fullmatch(name) else sha256(name.encode())[:32]
    ending = PurePosixPath(paper.file).suffix.lower()
    ending = ending if _SUFFIX.fullmatch(ending) else ""
    path = f"documents/{plain}{ending}"
    if (dossier / path).exists() and read_regular(dossier / path) != paper.data:
        return f"documents/{plain}-{sha256(paper.data)[:32]}{ending}"
    return path


def read_brought(
    attestations: Sequence[str | Path],
    documents: Mapping[str, tuple[str | Path, datetime.date | None]],
    packs: Sequence[Pack],
    trust: Trust,
) -> Brought:
    """Read and check what people bring.

    Args:
        documents: Name to path and last day.

    Raises:
        ConfigError: A file cannot be read, or no pack asks for it.
        VerificationError: An attestation is not signed by a trusted key.
    """
    opened = []
    for name in attestations:
        data = read_signed(name, "attestation")
        attestation, model = open_attestation(data, trust, str(name))
        opened.append((attestation, model, canonical(load_json(data, str(name)))))
    papers = {
        name: Paper(Path(path).name, _read(path, "document", "policy.documents"), expires)
        for name, (path, expires) in documents.items()
    }
    problems = check_attestations([one for one, _, _ in opened], packs)
    problems += check_names(list(papers), packs, "document")
    problems += [
        Problem(f"the document {name!r} is an empty file", "give the file that holds it")
        for name, paper in papers.items()
        if not paper.data.strip()
    ]
    if problems:
        raise ConfigError(problems)
    return Brought(tuple(opened), papers)


def read_signed(name: str | Path, kind: Literal["attestation", "waiver", "facts"]) -> bytes:
    """The bytes of a file that a person signed; its signature is not checked here.

    Raises:
        ConfigError: It cannot be read, or is larger than 16 MiB.
        VerificationError: It is a link, or no file.
    """
    key = {"facts": "policy.facts"}.get(kind, f"policy.{kind}s")
    data = _read(name, kind, key)
    if len(data) > _LARGEST_SIGNED:
        fact = f"the {kind} {name} is larger than 16 MiB"
        raise ConfigError(Problem(fact, "keep long texts in a document, and sign that it holds"))
    return data


def _read(name: str | Path, kind: str, key: str) -> bytes:
    try:
        return read_regular(Path(name))
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ConfigError(
            Problem(f"the {kind} {name} cannot be read ({why})", f"check {key}")
        ) from error


def check_brought(statements: Iterable[Statement], trust: Trust) -> None:
    """Compare what the dossier's statements list of attestations with what the persons signed.

    Raises:
        VerificationError: An envelope is not signed by a trusted key, says something else, or speaks of
            another model than the one that was trained here.
    """
    found = list(statements)
    trained = _trained(found)
    for statement in found:
        if room_of(statement) == "attestation":
            _check_one(statement.predicate, trained, trust)


def _check_one(predicate: Mapping[str, Any], trained: Mapping[str, str], trust: Trust) -> None:
    record = predicate.get("record")
    envelope = record.get("envelope") if isinstance(record, Mapping) else None
    data = canonical(envelope)
    attestation, model = open_attestation(data, trust)
    measured = [one.model_dump(mode="json") for one in attestation.measurements]
    says = (record or {}).get("attestations"), predicate.get("measurements")
    if canonical(list(says)) != canonical([[attestation.entry(sha256(data))], measured]):
        raise VerificationError(
            Problem(
                f"the dossier says something else of the attestation {attestation.name!r} than "
                f"{attestation.person} signed",
                "bring it again to a new run",
                "it was changed after it was signed",
            )
        )
    _check_model(attestation, model, trained)


def _trained(statements: Iterable[Statement]) -> dict[str, str]:
    """Digest of each file of the model by its name; empty where nothing was trained yet."""
    for statement in statements:
        if room_of(statement) == "train":
            return {one.name: one.digest.get("sha256", "") for one in statement.subject}
    return {}


def _check_model(
    attestation: Attestation, model: Sequence[Subject], trained: Mapping[str, str]
) -> None:
    other = [one.name for one in model if trained.get(one.name) != one.digest.get("sha256")]
    if model:  # runs share files, so some of them do not say which model it was
        other += sorted(trained.keys() - {one.name for one in model})
    if other:
        raise VerificationError(
            Problem(
                f"the attestation {attestation.name!r} speaks of another model ({other[0]} differs)",
                "let the person look at this model, and sign again",
                "what is true of one model need not be true of another",
            )
        )
