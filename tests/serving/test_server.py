"""Nothing listens before all is verified; a real process serves, refuses and ends quietly."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fresh import imported_by
from lextune import extras
from lextune.errors import EnvironmentProblem, MissingExtraError, VerificationError
from lextune.serving import server as module
from lextune.serving.guard import Limits
from lextune.serving.server import serve

_SCRIPT = """
import sys
from lextune.serving.guard import Limits
from lextune.serving.server import serve
serve(sys.argv[1], port=0, limits=Limits(max_body_bytes=100_000), notify=lambda text: print(text, flush=True))
print("came back", flush=True)
"""


@pytest.fixture(scope="module")
def process(released: Any) -> Iterator[tuple[subprocess.Popen[str], int, list[str]]]:
    """A serving process, its port, and the lines that it said until it served."""
    environment = {**os.environ, "LEXTUNE_HOME": str(released.home)}
    running = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, str(released.folder)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    assert running.stdout is not None
    said: list[str] = []
    for line in running.stdout:
        said.append(line.strip())
        if match := re.fullmatch(r"serving at http://127\.0\.0\.1:(\d+)", said[-1]):
            yield running, int(match[1]), said
            break
    if running.poll() is None:
        running.kill()
    running.communicate()


def ask(port: int, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


class TestARealProcess:
    """In the order of a life: it says what it serves, answers, refuses, and ends."""

    def test_it_verifies_before_it_serves(self, process: Any, released: Any) -> None:
        said = process[2]
        assert said[:-1] == [
            f"verifying {released.folder}",
            "verified: tiny 1.2.3, signed by default",
        ]

    def test_it_answers(self, process: Any) -> None:
        port = process[1]
        assert ask(port, "GET", "/health") == (200, {"status": "live"})
        assert ask(port, "GET", "/v2/health/ready") == (200, {"ready": True})
        status, found = ask(port, "POST", "/predict", json.dumps({"text": "a superb film"}))
        assert (status, found["predictions"][0]["label"]) == (200, "positive")

    def test_a_chunked_body_over_the_limit_is_refused_on_the_wire(self, process: Any) -> None:
        # http.client sends an iterable with Transfer-Encoding: chunked.
        status, found = ask(process[1], "POST", "/predict", iter([b"x" * 10_000] * 30))
        assert status == 413
        assert set(found) == {"error"}

    def test_a_declared_body_over_the_limit_is_refused_on_the_wire(self, process: Any) -> None:
        assert ask(process[1], "POST", "/predict", b"x" * 300_000)[0] == 413

    @pytest.mark.parametrize("chunked", [False, True])
    def test_a_refused_upload_is_answered_and_its_connection_closed(
        self, process: Any, chunked: bool
    ) -> None:
        """The rest of the body never comes: only the server can end this."""
        length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 9000000"
        with socket.create_connection(("127.0.0.1", process[1]), timeout=20) as connection:
            connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\n" + length + b"\r\n\r\n")
            body = b"x" * 150_000
            connection.sendall(b"%x\r\n%s\r\n" % (len(body), body) if chunked else body)
            answer = b""
            while part := connection.recv(65_536):
                answer += part
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in answer.lower()
        assert answer.endswith(b"}")

    def test_a_connection_lives_on_after_an_answer_to_a_whole_body(self, process: Any) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", process[1], timeout=20)
        for body, status in ((b'{"text": "fine"}', 200), (b'{"txt": 1}', 400), (b"{}", 400)):
            connection.request("POST", "/predict", body)
            response = connection.getresponse()
            assert response.status == status
            assert response.getheader("connection") is None
            response.read()
        connection.close()

    def test_it_ends_with_0_and_says_nothing_but_what_it_was_asked_to(self, process: Any) -> None:
        running = process[0]
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=20)
        assert (running.returncode, out.split("\n"), err) == (0, ["stopped", "came back", ""], "")


def test_what_does_not_verify_is_refused_before_any_socket(
    copied: Path, released: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_listen", lambda *_: pytest.fail("a socket was opened"))
    (copied / "config.json").write_text("{}")
    with pytest.raises(VerificationError) as caught:
        serve(copied, trust=released.trust)
    assert caught.value.exit_code == 5


@pytest.fixture
def served(
    monkeypatch: pytest.MonkeyPatch, predictor: Any
) -> tuple[list[str], list[dict[str, Any]]]:
    """Sentences that were told, and what uvicorn was given; it returns at once, as when stopped."""
    import uvicorn

    calls: list[dict[str, Any]] = []

    def run(self: Any, sockets: list[socket.socket]) -> None:
        calls.append({"config": self.config, "port": sockets[0].getsockname()[1]})

    monkeypatch.setattr(module, "load_release", lambda *_: predictor)
    monkeypatch.setattr(uvicorn.Server, "run", run)
    return [], calls


def test_uvicorn_keeps_no_access_log_and_waits_for_requests(served: Any) -> None:
    serve("release", port=0, notify=served[0].append)
    config = served[1][0]["config"]
    assert (config.access_log, config.log_config, config.lifespan) == (False, None, "off")
    assert config.timeout_graceful_shutdown == 30
    assert served[0][2:] == [f"serving at http://127.0.0.1:{served[1][0]['port']}", "stopped"]


def test_the_limits_reach_the_application(served: Any) -> None:
    serve("release", port=0, limits=Limits(max_body_bytes=77))
    app = served[1][0]["config"].app.app
    assert [one.kwargs for one in app.user_middleware] == [{"max_body_bytes": 77}]


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_an_open_address_is_said_to_be_one(served: Any, host: str, warned: bool) -> None:
    serve("release", host=host, port=0, notify=served[0].append)
    assert any("asks nobody for a password" in text for text in served[0]) is warned


def test_a_port_in_use_is_named_with_its_remedy(served: Any) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EnvironmentProblem) as caught:
            serve("release", port=port)
    assert caught.value.problems[0].fact == f"port {port} of 127.0.0.1 is in use"
    assert "--port" in caught.value.problems[0].remedy
    assert served[1] == []


@pytest.mark.parametrize("host", ["192.0.2.1", ".."])
def test_an_address_that_this_machine_does_not_have(served: Any, host: str) -> None:
    with pytest.raises(EnvironmentProblem, match="Remedy: use --host"):
        serve("release", host=host, port=0)
    assert served[1] == []


@pytest.mark.parametrize("port", [-1, 65_536, 70_000])
def test_a_number_that_is_no_port(served: Any, port: int) -> None:
    with pytest.raises(EnvironmentProblem, match="Remedy: use a --port"):
        serve("release", port=port)
    assert served[1] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_work_and_the_handlers_come_back(number: int) -> None:
    before = signal.getsignal(number)
    reached = False
    with module._stoppable():
        signal.raise_signal(number)
        reached = True
    assert not reached
    assert signal.getsignal(number) is before


def test_a_missing_extra_names_its_command(released: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError) as caught:
        serve(released.folder, trust=released.trust)
    assert caught.value.problems[0].fact == "fastapi, uvicorn are not installed"
    assert caught.value.problems[0].remedy == extras.install_command("serve")


def test_importing_the_room_is_light() -> None:
    heavy = {"torch", "transformers", "fastapi", "starlette", "uvicorn", "anyio"}
    assert imported_by("import lextune.serving.server", heavy) == set()
