"""The verb `serve`: an HTTP server over a verified release."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lextune.cli.app import app
from lextune.cli.output import Trust, say


@app.command("serve")
def serve(
    release: Annotated[Path, typer.Argument(help="A release's folder.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    max_body_bytes: Annotated[
        int | None,
        typer.Option(
            min=1, help="Larger requests are refused; 1 MiB, or 16 MiB where images are read."
        ),
    ] = None,
    max_rows: Annotated[
        int, typer.Option(min=1, help="More rows in one request are refused.")
    ] = 256,
    trust: Trust = None,
) -> None:
    """Serve a release over HTTP; what does not verify is not served."""
    from lextune.evidence.keys import load_trust
    from lextune.serving.server import serve as start

    limits = {"max_rows": max_rows}
    if max_body_bytes is not None:
        limits["max_body_bytes"] = max_body_bytes
    trusted = load_trust(Path(trust) if trust else None)
    start(release, host=host, port=port, limits=limits, notify=say, trust=trusted)
