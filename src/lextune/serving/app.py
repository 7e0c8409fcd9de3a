"""The routes over one predictor; it reads no release, opens no socket, and repeats nothing that was sent in an error or a log."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from lextune.errors import Problem
from lextune.extras import require
from lextune.serving.guard import (
    Guard,
    Limits,
    RequestRefused,
    error_response,
    json_response,
    usual_limits,
)
from lextune.serving.protocol import (
    EXPLANATION,
    OUTPUTS,
    Wish,
    check_explained,
    infer_document,
    model_document,
    parse_file,
    parse_infer,
    parse_predict,
    parse_wish,
    predict_document,
)

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

    from lextune.serving.explanations import Explanation
    from lextune.serving.predictor import AnyPrediction, Predictor

__all__ = ["Limits", "create_app"]

#: Bodies of these kinds are the input itself.
_FILES = ("image", "audio")
_MODEL = "/v2/models/{name}"
_VERSION = _MODEL + "/versions/{version}"


def create_app(predictor: Predictor | None, limits: Limits | None = None) -> FastAPI:
    """The ASGI application.

    Args:
        predictor: The model; None makes an application that is alive but not ready until
            `app.state.predictor` is set.
        limits: What a request may ask for; None is usual for the kind of the model's inputs, or for texts where
            there is no model yet.

    Raises:
        MissingExtraError: The extra `serve` is not installed.
    """
    require("serve")
    from fastapi import FastAPI
    from starlette.exceptions import HTTPException

    limits = limits or usual_limits(predictor.input_kind if predictor else "text")
    # Plain routes: requests are read by hand, and pages that load scripts from elsewhere are not offered.
    app = FastAPI(
        title="lextune", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    app.state.predictor = predictor
    routes = _Routes(limits)
    for method, path, endpoint in (
        ("GET", "/health", routes.health),
        ("GET", "/ready", routes.ready),
        ("POST", "/predict", routes.predict),
        ("GET", "/v2", routes.server_metadata),
        ("GET", "/v2/", routes.server_metadata),
        ("GET", "/v2/health/live", routes.server_live),
        ("GET", "/v2/health/ready", routes.server_ready),
        ("GET", _MODEL, routes.model_metadata),
        ("GET", _VERSION, routes.model_metadata),
        ("GET", _MODEL + "/ready", routes.model_ready),
        ("GET", _VERSION + "/ready", routes.model_ready),
        ("POST", _MODEL + "/infer", routes.infer),
        ("POST", _VERSION + "/infer", routes.infer),
    ):
        app.add_route(path, endpoint, methods=[method])
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(Guard, max_body_bytes=limits.max_body_bytes)
    return app


class _Routes:
    """One method per route. Those that do not predict never wait for one that does."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._places = threading.BoundedSemaphore(limits.max_pending)

    async def health(self, _: Request) -> Response:
        return json_response({"status": "live"})

    async def ready(self, request: Request) -> Response:
        _predictor(request)
        return json_response({"status": "ready"})

    async def predict(self, request: Request) -> Response:
        predictor = _predictor(request)
        body = await self._body(request)
        wish = Wish()
        if request.headers.get("content-type", "").strip().lower().partition("/")[0] not in _FILES:
            wish, body = parse_wish(body, self.limits, predictor)
        inputs = self._inputs(request, predictor, body)
        found, why = await self._predictions(predictor, inputs, wish)
        return json_response(predict_document(predictor, found, why))

    def _inputs(self, request: Request, predictor: Predictor, body: bytes) -> list[Any]:
        kind = request.headers.get("content-type", "").strip().lower()
        asked = predictor.input_kind
        if asked in ("image", "audio") and kind.startswith(f"{asked}/"):
            return [*parse_file(body, self.limits, asked)]
        return parse_predict(body, self.limits, predictor.input_kind)

    async def server_metadata(self, _: Request) -> Response:
        from lextune import __version__

        return json_response({"name": "lextune", "version": __version__, "extensions": []})

    async def server_live(self, _: Request) -> Response:
        return json_response({"live": True})

    async def server_ready(self, request: Request) -> Response:
        _predictor(request)
        return json_response({"ready": True})

    async def model_metadata(self, request: Request) -> Response:
        return json_response(model_document(_named(request)))

    async def model_ready(self, request: Request) -> Response:
        return json_response({"name": _named(request).name, "ready": True})

    async def infer(self, request: Request) -> Response:
        predictor = _named(request)
        outputs = OUTPUTS[predictor.label_kind]
        body = await self._body(request)
        asked = parse_infer(body, self.limits, outputs, predictor.input_kind)
        wish = Wish(EXPLANATION in asked.outputs)
        if wish.explain:
            check_explained(predictor, len(asked.inputs), self.limits)
        found, why = await self._predictions(predictor, asked.inputs, wish)
        return json_response(infer_document(predictor, asked, found, why))

    async def _body(self, request: Request) -> bytes:
        """The body; the guard stops it at its limit while it is read."""
        import anyio

        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise RequestRefused(
                415, Problem("the body is compressed", "send it without Content-Encoding")
            )
        try:
            with anyio.fail_after(self.limits.read_seconds):
                return await request.body()
        except TimeoutError as error:
            raise RequestRefused(
                408,
                Problem(
                    f"the body did not come within {self.limits.read_seconds:g} seconds",
                    "send it in one go",
                ),
            ) from error

    async def _predictions(
        self, predictor: Predictor, inputs: list[Any], wish: Wish
    ) -> tuple[list[AnyPrediction], list[Explanation]]:
        """Predict, and explain where that is asked for, in a worker thread, so that the event loop stays free to answer."""
        import anyio.to_thread

        if not self._places.acquire(blocking=False):
            raise RequestRefused(
                503,
                Problem(
                    f"{self.limits.max_pending} requests are waiting for the model already",
                    "try again in a moment, with fewer requests at once",
                ),
            )
        try:
            return await anyio.to_thread.run_sync(_answered, predictor, inputs, wish)
        finally:
            self._places.release()


def _answered(
    predictor: Predictor, inputs: list[Any], wish: Wish
) -> tuple[list[AnyPrediction], list[Explanation]]:
    found = predictor.predict(inputs)
    if not wish.explain:
        return found, []
    why = predictor.explain(inputs, wish.label)
    return found, [one for one in why if not isinstance(one, Problem)]


def _predictor(request: Request) -> Predictor:
    predictor: Predictor | None = request.app.state.predictor
    if predictor is None:
        raise RequestRefused(
            503, Problem("the model is not loaded yet", "ask again when /ready answers 200")
        )
    return predictor


def _named(request: Request) -> Predictor:
    """The model, if the path names it by its own name and, where it gives one, its own version."""
    predictor, path = _predictor(request), request.path_params
    if path["name"] != predictor.name:
        raise RequestRefused(
            404,
            Problem("there is no model of this name here", f"the model is {predictor.name}"),
        )
    if path.get("version", predictor.version) != predictor.version:
        raise RequestRefused(
            404,
            Problem("the model has no such version here", f"the version is {predictor.version}"),
        )
    return predictor


async def _http_error(_: Request, error: Any) -> Response:
    """What the router itself refuses: an unknown path, another method."""
    known = {
        404: Problem("there is no such path", "ask for GET /v2, or read docs/serving.md"),
        405: Problem("the path does not know this method", "use the method in the header Allow"),
    }
    text = str(known.get(error.status_code, "the request was refused"))
    return error_response(error.status_code, text, error.headers)
