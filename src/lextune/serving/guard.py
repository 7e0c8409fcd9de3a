"""Keeps requests within their limits and answers what fails, without ever repeating what was sent; it knows no route."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from lextune.errors import ConfigError, DataError, LextuneError, Problem
from lextune.labels import InputKind

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("lextune.serving")
CLOSE = (b"connection", b"close")
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


@dataclass(frozen=True)
class Limits:
    """How much one request, and all of them together, may ask for.

    Attributes:
        max_body_bytes: Bytes of a body, counted while it is read.
        max_rows: Inputs in one request.
        max_text_chars: Characters (code points) of one text.
        max_image_bytes: Bytes of the file of one image.
        max_pixels: Pixels of all images of a request, as their headers say: a small file may hold very many.
        max_sound_bytes: Bytes of the file of one sound.
        max_seconds: Seconds of all sounds of a request, as their headers say.
        max_events: Events of all histories of a request.
        max_explained: Inputs of a request whose answers are explained: each takes as long as some dozens of answers.
        max_pending: Requests that wait for the model at once; the next is told to come again.
        read_seconds: Seconds until the whole body must have come.
    """

    max_body_bytes: int = 1 << 20
    max_rows: int = 256
    max_text_chars: int = 100_000
    max_image_bytes: int = 10 << 20
    max_pixels: int = 50_000_000
    max_sound_bytes: int = 20 << 20
    max_seconds: float = 600.0
    max_events: int = 100_000
    max_explained: int = 8
    max_pending: int = 32
    read_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Refuse limits that let nothing through.

        Raises:
            ConfigError: Naming every limit that is not above zero.
        """
        wrong = [one.name for one in fields(self) if not getattr(self, one.name) > 0]
        if wrong:
            raise ConfigError(
                [Problem(f"the limit {name} is not above 0", "give a larger one") for name in wrong]
            )


def usual_limits(inputs: InputKind, given: Mapping[str, Any] | None = None) -> Limits:
    """The limits where nobody names others: a body of 16 MiB for images, of 32 MiB for sounds, else of 1 MiB.

    `given` are fields that somebody names.
    """
    large = {"image": 16 << 20, "audio": 32 << 20}
    usual = {"max_body_bytes": large[inputs]} if inputs in large else {}
    return Limits(**{**usual, **(given or {})})


class RequestRefused(LextuneError):
    """A request that is not answered as asked.

    Args:
        status: The HTTP status code.
        problems: What is wrong with it; no text of the request may stand in them.
    """

    def __init__(self, status: int, problems: Problem | Sequence[Problem]) -> None:
        super().__init__(problems)
        self.status = status


def json_response(
    content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer that no cache keeps."""
    from starlette.responses import JSONResponse

    return JSONResponse(dict(content), status, {**_HEADERS, **(headers or {})})


def error_response(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """`{"error": text}`, as the Open Inference Protocol writes errors."""
    retry = {"retry-after": "1"} if status == 503 else {}
    return json_response({"error": text}, status, {**retry, **(headers or {})})


class Guard:
    """ASGI middleware: counts the bytes of a body while it is read, and turns every failure into JSON.

    A failure that nobody foresaw is logged by its type and place alone: its message might quote a text. An
    answer that comes before the whole body was read closes the connection, or the rest of a refused upload
    would still be taken in.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a body that cannot grow past the limit."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        from starlette.requests import ClientDisconnect

        read, started, whole = 0, False, not _has_body(scope)

        async def counted() -> Message:
            nonlocal read, whole
            message = await receive()
            read += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            self._check(read)
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            if not started and not whole:
                message = {**message, "headers": [*message.get("headers", ()), CLOSE]}
            started = True
            await send(message)

        try:
            # A declared length is believed only where it is too large: that spares the reading.
            self._check(_declared_length(scope))
            await self.app(scope, counted, watched)
        except ClientDisconnect:
            return
        except Exception as error:
            response = _answer(error)
            if not started:
                await response(scope, receive, watched)

    def _check(self, size: int) -> None:
        if size > self.max_body_bytes:
            raise RequestRefused(
                413,
                Problem(
                    f"the body has more than {self.max_body_bytes} bytes",
                    "send less in one request",
                ),
            )


class Lingering:
    """ASGI middleware of the process that listens: answers whole before it closes on an unread body.

    A socket that is closed with unread bytes in it resets the connection, and the reset overtakes the answer.
    So what still comes is thrown away, for a short while.
    """

    def __init__(self, app: ASGIApp, seconds: float = 1.0) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; hold back the end of an answer that closes the connection."""
        closing = False

        async def held(message: Message) -> None:
            nonlocal closing
            if message["type"] == "http.response.start":
                closing = CLOSE in message["headers"]
            elif closing and not message.get("more_body", False):
                await send({**message, "more_body": True})
                await self._discard(receive)
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        await self.app(scope, receive, held)

    async def _discard(self, receive: Receive) -> None:
        import anyio

        with anyio.move_on_after(self.seconds):
            while (await receive()).get("more_body", False):
                pass


def _answer(error: Exception) -> Response:
    if isinstance(error, RequestRefused):
        return error_response(error.status, str(error))
    if isinstance(error, ConfigError | DataError):
        return error_response(400, str(error))
    if isinstance(error, LextuneError):
        _log.error("%s", error)
        return error_response(500, str(error))
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
    _log.error("%s at %s", type(error).__name__, place)
    problem = Problem(
        "the server failed on this request", "report it; the server's log names the place"
    )
    return error_response(500, str(problem))


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            # More digits than any real length, and Python would refuse to read thousands of them.
            return int(value[:20])
    return 0
