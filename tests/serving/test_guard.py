"""A body is counted while it is read, whatever its sender declares."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from lextune.errors import ConfigError
from lextune.serving.app import create_app
from lextune.serving.guard import Limits, Lingering
from lextune.serving.predictor import Predictor

SECRET = b"Zebra4711"


class Sender:
    """Sends a body in given chunks, then (where `endless`) the last one again and again."""

    def __init__(self, *chunks: bytes, endless: bool = False, pause: float = 0) -> None:
        self.chunks = list(chunks)
        self.endless = endless
        self.pause = pause
        self.reads = 0

    async def receive(self) -> dict[str, Any]:
        self.reads += 1
        await asyncio.sleep(self.pause)
        chunk = self.chunks[0] if len(self.chunks) == 1 and self.endless else self.chunks.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(self.chunks)}


def post(app: Any, receive: Any, **headers: str) -> tuple[int | None, bytes]:
    """Status (None where nothing was answered) and body of `POST /predict` on the bare ASGI interface."""
    sent = messages(app, receive, **headers)
    if not sent:
        return None, b""
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def messages(
    app: Any, receive: Any, path: str = "/predict", **headers: str
) -> list[dict[str, Any]]:
    """What the application sends."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"",
        "root_path": "", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    return sent


@pytest.fixture
def app(predictor: Predictor, small: Limits) -> Any:
    return create_app(predictor, small)


def test_a_body_in_chunks_within_the_limit_is_read(app: Any) -> None:
    body = json.dumps({"text": "superb"}).encode()
    status, answer = post(app, Sender(*(body[i : i + 1] for i in range(len(body)))).receive)
    assert status == 200
    assert json.loads(answer)["predictions"][0]["label"] == "positive"


@pytest.mark.parametrize(("size", "status"), [(2000, 200), (2001, 413)])
def test_the_limit_is_exact(app: Any, size: int, status: int) -> None:
    body = b'{"text": "superb"}'.ljust(size)
    assert post(app, Sender(body[:1999], body[1999:]).receive)[0] == status


@pytest.mark.parametrize("headers", [{}, {"content_length": "10"}, {"content_length": "x"}])
def test_an_endless_body_is_stopped_at_the_limit(app: Any, headers: dict[str, str]) -> None:
    sender = Sender(SECRET * 20, endless=True)
    status, answer = post(app, sender.receive, **headers)
    assert status == 413
    assert set(json.loads(answer)) == {"error"}
    assert b"2000 bytes" in answer
    assert SECRET not in answer
    assert sender.reads == 2000 // 180 + 1


@pytest.mark.parametrize("declared", ["2001", "9" * 5000])
def test_a_body_that_is_declared_too_large_is_not_read(app: Any, declared: str) -> None:
    sender = Sender(b"{}")
    assert post(app, sender.receive, content_length=declared)[0] == 413
    assert sender.reads == 0


def test_a_body_that_does_not_come_is_not_waited_for(predictor: Predictor) -> None:
    app = create_app(predictor, Limits(read_seconds=0.05))
    status, answer = post(app, Sender(b" ", endless=True, pause=0.01).receive)
    assert status == 408
    assert b"0.05 seconds" in answer


@pytest.mark.parametrize(
    ("path", "body", "headers", "closes"),
    [
        ("/predict", b"x" * 3000, {}, True),
        ("/predict", b"x" * 3000, {"content_length": "3000"}, True),
        ("/nothing", b"{}", {"content_length": "2"}, True),
        ("/predict", b"{}", {"content_length": "2", "content_encoding": "gzip"}, True),
        ("/predict", b"{}", {"transfer_encoding": "chunked", "content_encoding": "gzip"}, True),
        ("/predict", b"{}", {"content_length": "2"}, False),
        ("/nothing", b"", {"content_length": "0"}, False),
        ("/nothing", b"", {}, False),
        ("/predict", b'{"text": "superb"}', {"content_length": "18"}, False),
    ],
)
def test_an_answer_before_the_whole_body_was_read_closes_the_connection(
    app: Any, path: str, body: bytes, headers: dict[str, str], closes: bool
) -> None:
    sender = Sender(body[:2500], body[2500:]) if len(body) > 2500 else Sender(body)
    start = messages(app, sender.receive, path, **headers)[0]
    assert ((b"connection", b"close") in start["headers"]) is closes


def test_a_body_that_stopped_coming_closes_the_connection(predictor: Predictor) -> None:
    app = create_app(predictor, Limits(read_seconds=0.05))
    sender = Sender(b" ", b" ", endless=True, pause=0.2)
    start = messages(app, sender.receive, content_length="9")[0]
    assert start["status"] == 408
    assert (b"connection", b"close") in start["headers"]


@pytest.mark.parametrize("endless", [True, False])
def test_what_still_comes_is_thrown_away_before_the_connection_is_closed(
    app: Any, endless: bool
) -> None:
    sender = Sender(*[b"x" * 1500] * 4, endless=endless, pause=0.001)
    sent = messages(Lingering(app, seconds=0.1), sender.receive, content_length="999999")
    assert [message.get("more_body") for message in sent[1:]] == [True, False]
    assert sent[-1]["body"] == b""
    assert sender.reads >= 4
    assert json.loads(sent[1]["body"]).keys() == {"error"}


def test_a_client_that_goes_away_is_no_failure(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    assert post(app, gone) == (None, b"")
    assert not [one for one in caplog.records if one.name.startswith("lextune")]


@pytest.mark.parametrize("value", [0, -1])
def test_limits_that_let_nothing_through_are_refused(value: int) -> None:
    with pytest.raises(ConfigError) as caught:
        Limits(max_body_bytes=value, max_rows=value, read_seconds=float(value))
    assert len(caught.value.problems) == 3


def test_the_limits_that_hold_when_none_are_given() -> None:
    limits = Limits()
    assert (limits.max_body_bytes, limits.max_rows, limits.max_text_chars) == (
        1 << 20,
        256,
        100_000,
    )
