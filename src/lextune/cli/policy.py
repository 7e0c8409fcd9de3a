"""The verbs `policy list`, `show` and `schema`: packs as people read them."""

from __future__ import annotations

from typing import Annotated

import typer

from lextune.cli.app import group
from lextune.cli.output import Json, Language, Tongue, print_json, say, table, use_json

policy = group("policy", "Policy packs: laws and standards as data.")


@policy.command("list")
def list_packs(lang: Language = Tongue.EN, as_json: Json = False) -> None:
    """The shipped packs."""
    use_json(as_json)
    from lextune.policy.packs import list_packs as shipped

    packs = shipped()
    if as_json:
        keys = ("id", "version", "checked_on")
        found = [{key: one.model_dump(mode="json")[key] for key in keys} for one in packs]
        print_json(
            {"packs": [one | {"sha256": p.digest} for one, p in zip(found, packs, strict=True)]}
        )
        return
    rows = [
        (
            one.id,
            one.version,
            str(one.checked_on),
            str(len(one.controls)),
            getattr(one.titles, lang),
        )
        for one in packs
    ]
    table("Packs", ["pack", "version", "checked on", "controls", "title"], rows)


@policy.command("show")
def show(
    pack: Annotated[str, typer.Argument(help="Id of a shipped pack, or a YAML file.")],
    lang: Language = Tongue.EN,
    as_json: Json = False,
) -> None:
    """The facts that a pack asks about, and its controls."""
    use_json(as_json)
    from lextune.policy.packs import load_pack

    found = load_pack(pack)
    if as_json:
        print_json(found.model_dump(mode="json", by_alias=True))
        return
    say(
        f"{getattr(found.titles, lang)} ({found.id} {found.version}, checked on {found.checked_on})"
    )
    say(found.source.strip())
    facts = [(one.id, getattr(one.question, lang)) for one in found.facts]
    if facts:
        table("Facts it asks about", ["fact", "question"], facts)
    table(
        "Controls",
        ["control", "basis", "effect", "title"],
        [
            (one.id, one.basis, f"{one.effect}, {one.severity}", getattr(one.titles, lang))
            for one in found.controls
        ],
    )


@policy.command("schema")
def schema() -> None:
    """Print the JSON schema of a pack."""
    from lextune.policy.packs import pack_json_schema

    print_json(pack_json_schema())
