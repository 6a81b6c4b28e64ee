"""The application: paths, what each of them takes and gives, and `/openapi.json`."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from plait.serving import schema
from plait.serving.batching import Batcher
from plait.serving.bodies import read_body
from plait.serving.champions import Champions
from plait.serving.failures import Refusal, failed, of_status
from plait.serving.guard import PREDICT, Asked
from plait.serving.limits import Limits
from plait.serving.log import Log
from plait.serving.metrics import Metrics
from plait.serving.page import PAGE, POLICY

SAID = {
    400: "The body is no JSON in UTF-8.",
    401: "The token is missing or wrong.",
    408: "The body came too slowly.",
    413: "The body, a text or the number of texts is too large.",
    415: "The body is not of type application/json.",
    421: "The header Host names another machine.",
    422: "Other fields than expected, or a text without a visible character.",
    429: "Too many texts wait; the header Retry-After says when to come again.",
    500: "A fault of the server.",
    503: "The server is stopping, or memory ran out.",
    504: "No answer in time.",
}


@dataclass
class Desk:
    """What the paths share."""

    champions: Champions
    batcher: Batcher
    metrics: Metrics
    log: Log
    limits: Limits
    log_texts: bool = False
    stopping: bool = False


def application(desk: Desk) -> FastAPI:
    """The application of a server."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        works = [desk.log.run(), desk.batcher.run(), desk.champions.run()]
        tasks = [asyncio.create_task(each) for each in works]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    served = desk.champions.current.champion.service
    made = FastAPI(
        title=f"plait: {served}",
        version=version("plait"),
        description=f"Answers of the service `{served}`, by the champion of its registry.",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    made.add_exception_handler(HTTPException, _refused)
    made.add_exception_handler(Refusal, _refused)
    made.add_exception_handler(Exception, _refused)
    _predict(made, desk)
    _about(made, desk)
    _health(made, desk)
    return made


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What `/openapi.json` says of statuses."""
    return {each: {"model": schema.Problem, "description": SAID[each]} for each in statuses}


async def _refused(request: Request, error: Exception) -> Response:
    asked: Asked = request.scope["state"]["asked"]
    if isinstance(error, HTTPException):
        error = of_status(error.status_code, str(error.detail), error.headers)
    refusal = error if isinstance(error, Refusal) else failed()
    asked.kind = refusal.kind
    return _json(refusal.body(asked.id), refusal.status, refusal.headers)


def _json(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, "application/json")


def _predict(made: FastAPI, desk: Desk) -> None:
    taken = {
        "required": True,
        "content": {"application/json": {"schema": schema.asked_for(desk.limits)}},
    }

    @made.post(
        PREDICT,
        summary="Answer one text or several",
        response_model=schema.Replies,
        responses=_errors(*SAID),
        openapi_extra={"requestBody": taken},
    )
    async def predict(request: Request) -> Response:
        return await answer(request, desk)


async def answer(request: Request, desk: Desk) -> Response:
    """The reply to a request for answers."""
    asked: Asked = request.scope["state"]["asked"]
    found = schema.question(await read_body(request, desk.limits), desk.limits)
    texts = found.all()
    asked.seen["texts"] = len(texts)
    if desk.log_texts:
        asked.seen["text"] = texts
    ask = await desk.batcher.answer(desk.champions.current, texts)
    champion, replies = ask.service.champion, ask.future.result()
    asked.seen |= {"batch": max(ask.batches), "record": champion.number}
    desk.metrics.answered(replies)
    body = {
        "service": champion.service,
        "record": champion.number,
        "stage": champion.stage,
        "replies": [reply.as_json(found.top) for reply in replies],
    }
    return _json(json.dumps(body, ensure_ascii=False).encode())


def _about(made: FastAPI, desk: Desk) -> None:
    @made.get(
        "/v1/service",
        summary="What is served",
        response_model=schema.Description,
        responses=_errors(401, 421),
    )
    async def service() -> Response:
        return _json(json.dumps(_described(desk.champions)).encode())

    @made.get(
        "/metrics",
        summary="Counts, for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}, **_errors(401, 421)},
    )
    async def metrics() -> Response:
        return Response(desk.metrics.text(), media_type="text/plain; version=0.0.4")

    @made.get("/", include_in_schema=False)
    async def page() -> Response:
        headers = {"Content-Security-Policy": POLICY}
        return Response(PAGE, headers=headers, media_type="text/html")


def _described(champions: Champions) -> dict[str, Any]:
    champion = champions.current.champion
    tasks = {
        task.name: {"kind": task.kind, "labels": list(task.labels), "candidate": name}
        for name, model in champions.current.models.items()
        for task in model.tasks
        if champion.tasks.get(task.name) == name
    }
    refused = champions.refused
    return {
        **served(champions),
        "plan": champion.plan,
        "since": champion.time,
        "tasks": tasks,
        "bundles": dict(champion.bundles),
        "refused": {"record": refused[0], "message": refused[1]} if refused else None,
    }


def served(champions: Champions) -> dict[str, Any]:
    """Who answers."""
    champion = champions.current.champion
    return {"service": champion.service, "record": champion.number, "stage": champion.stage}


def _health(made: FastAPI, desk: Desk) -> None:
    @made.get(
        "/health/live",
        summary="Whether the process runs",
        response_model=schema.Alive,
        responses=_errors(421),
    )
    async def live() -> Response:
        return _json(b'{"status": "live"}')

    @made.get(
        "/health/ready",
        summary="Whether requests should come here",
        response_model=schema.State,
        responses=_errors(421, 503),
    )
    async def ready() -> Response:
        if desk.stopping:
            raise Refusal(503, "stopping", "The server is stopping.", "Ask another server.")
        refused = desk.champions.refused
        state = {"status": "ready", **served(desk.champions), "refused": refused and refused[0]}
        return _json(json.dumps(state).encode())
