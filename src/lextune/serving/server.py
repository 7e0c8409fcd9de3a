"""Verifies and loads a release, then serves it over HTTP until it is told to stop; it knows no route and prints nothing."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lextune.errors import EnvironmentProblem, Problem
from lextune.evidence.keys import Trust
from lextune.extras import require
from lextune.serving.app import create_app
from lextune.serving.guard import Limits, Lingering, usual_limits
from lextune.serving.predictor import Predictor, load_release

#: How long requests under way may take to end once the server was told to stop.
_GRACE_SECONDS = 30


def serve(
    folder: str | Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | Mapping[str, Any] | None = None,
    notify: Callable[[str], None] | None = None,
    trust: Trust | None = None,
) -> None:
    """Serve a release until SIGINT or SIGTERM.

    Nothing listens before the release is verified, the model loaded from the bytes that were hashed, and a
    first prediction made.

    Args:
        folder: The release.
        host: Name or address to listen on.
        port: 0 takes any free one.
        limits: What a request may ask for: all of it, or some fields over what is usual for the release's inputs.
        notify: Told in sentences what goes on; among them the address.
        trust: Whom to trust; None means the user's own trust file.

    Raises:
        VerificationError: The release does not verify; no socket was opened.
        MissingExtraError: The extra `serve` is not installed.
        EnvironmentProblem: The address cannot be listened on.
    """
    require("serve")
    require("text")
    import uvicorn

    tell = notify or (lambda _: None)
    tell(f"verifying {folder}")
    predictor = load_release(folder, trust)
    if predictor.input_kind != "record":  # there is no record that says nothing
        predictor.predict([_nothing(predictor)])
    signers = ", ".join(predictor.verification.evidence.signers)
    tell(f"verified: {predictor.name} {predictor.version}, signed by {signers}")
    if not isinstance(limits, Limits):
        limits = usual_limits(predictor.input_kind, limits)
    app = create_app(predictor, limits)
    with contextlib.closing(_listen(host, port)) as listener:
        address, taken = listener.getsockname()[:2]
        if not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
            tell(
                "other machines can reach this server, and it asks nobody for a password. "
                "Remedy: put a proxy that does in front of it"
            )
        shown = f"[{address}]" if ":" in address else address
        tell(f"serving at http://{shown}:{taken}")
        config = uvicorn.Config(
            Lingering(app), access_log=False, log_config=None, log_level="warning", lifespan="off", ws="none",
            proxy_headers=False, server_header=False, timeout_graceful_shutdown=_GRACE_SECONDS,
        )  # fmt: skip
        with _stoppable():
            uvicorn.Server(config).run(sockets=[listener])
    tell("stopped")


def _nothing(predictor: Predictor) -> Any:
    """What a first prediction is made of."""
    if predictor.input_kind == "text":
        return ""
    if predictor.input_kind == "audio":
        from lextune.serving.sounds import silence

        return silence()
    if predictor.input_kind == "history":
        return {"events": []}
    from lextune.serving.pictures import blank

    return blank()


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens; what comes before the server is up waits in its queue."""
    # getaddrinfo takes 70000 for 4464, which is what is left of it in 16 bits.
    if not 0 <= port <= 65535:
        raise EnvironmentProblem(Problem(f"{port} is no port", "use a --port from 0 to 65535"))
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise EnvironmentProblem(
            Problem(f"{host!r} is no address of this machine", "use --host 127.0.0.1")
        ) from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise EnvironmentProblem(_not_bound(host, port, error)) from error
    return listener


def _not_bound(host: str, port: int, error: OSError) -> Problem:
    if error.errno == errno.EADDRINUSE:
        return Problem(
            f"port {port} of {host} is in use",
            "choose another with --port (0 takes any free one), or stop what uses it",
        )
    if error.errno == errno.EACCES:
        return Problem(
            f"port {port} of {host} may not be used by this user", "choose a --port above 1023"
        )
    return Problem(f"{host} cannot be listened on", "use --host 127.0.0.1", error.strerror or "")


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """End quietly on SIGINT and SIGTERM: uvicorn raises them again once the last request is answered."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, stop) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
