"""The command tree that the verbs hang themselves into; it holds no verb."""

from __future__ import annotations

import typer

app = typer.Typer(
    name="lextune",
    help="Fine-tune pretrained models under laws and policies: no evidence, no release.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def group(name: str, text: str) -> typer.Typer:
    """A noun with verbs of its own, as in `lextune runs list`."""
    made = typer.Typer(help=text, no_args_is_help=True)
    app.add_typer(made, name=name)
    return made
