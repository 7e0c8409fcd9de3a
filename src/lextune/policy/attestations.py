"""Attestations: a person says that something outside the run is so, or is not; signatures are checked elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import Field

from lextune.errors import Problem
from lextune.policy.pack_problems import did_you_mean
from lextune.policy.schema import (
    AttestationRequirement,
    DocumentRequirement,
    Pack,
    figures,
    leaves,
)
from lextune.records import Day, Measurement, Record


class Attestation(Record):
    """What a person answers for with a signature.

    Attributes:
        name: As packs ask for it (`human_review_offered`).
        statement: What is said, in the person's own words.
        met: False where the person says that it is not so; a control that asks for it then fails.
        expires: Last day on which it holds; None where it does not end.
        measurements: Figures that lextune does not measure itself. They are of one model, which the signed
            statement names as its subjects.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=100)  # part of a file name
    statement: str = Field(min_length=1, pattern=r"\S")
    person: str = Field(min_length=1, pattern=r"\S")
    met: bool = True
    expires: Day | None = None
    measurements: tuple[Measurement, ...] = ()

    def entry(self, digest: str) -> dict[str, Any]:
        """What a statement of the room attestation lists of it.

        Args:
            digest: Hex SHA-256 of its signed envelope.
        """
        listed: dict[str, Any] = {"name": self.name, "sha256": digest, "person": self.person}
        if not self.met:
            listed["met"] = False
        if self.expires is not None:
            listed["expires"] = str(self.expires)
        return listed


def asked_for(packs: Iterable[Pack], room: Literal["document", "attestation"]) -> set[str]:
    """Names of the documents, or of the attestations, that the packs may ask for."""
    kind = DocumentRequirement if room == "document" else AttestationRequirement
    return {
        getattr(one, room)
        for pack in packs
        for control in pack.controls
        for one in leaves(control.requires)
        if isinstance(one, kind)
    }


def check_names(
    names: Sequence[str], packs: Sequence[Pack], room: Literal["document", "attestation"]
) -> list[Problem]:
    """Names that no pack asks for: such a paper would meet nothing."""
    known = asked_for(packs, room)
    return [
        Problem(
            f"no chosen pack asks for the {room} {name!r}",
            did_you_mean(name, known)
            if known
            else f"remove it, or choose a pack that asks for {room}s",
            "it would meet nothing",
        )
        for name in names
        if name not in known
    ]


def check_attestations(found: Sequence[Attestation], packs: Sequence[Pack]) -> list[Problem]:
    """As `check_names`; one that brings figures may have another name, where a pack reads one of them."""
    read = {
        name for pack in packs for control in pack.controls for name in figures(control.requires)
    }
    names = [one.name for one in found if not any(two.name in read for two in one.measurements)]
    return check_names(names, packs, "attestation")
