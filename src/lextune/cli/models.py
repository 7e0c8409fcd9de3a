"""The verb `models list`: the pretrained models that ordinary packages ship."""

from __future__ import annotations

from lextune.cli.app import group
from lextune.cli.output import Json, print_json, table, use_json

models = group("models", "Pretrained models.")


@models.command("list")
def list_models(as_json: Json = False) -> None:
    """The catalogue. Any hub id or local folder in Hugging Face layout works as well."""
    use_json(as_json)
    from lextune.models.catalogue import catalogue

    found = catalogue()
    if as_json:
        print_json({"models": {name: one.model_dump() for name, one in found.items()}})
        return
    rows = [
        (name, one.version, one.upstream, ", ".join(one.languages)) for name, one in found.items()
    ]
    table("Catalogue", ["model.source", "version", "copy of", "languages"], rows)
