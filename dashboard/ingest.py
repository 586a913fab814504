"""The door for what is pushed to us: ``POST /ingest/<feed>``, from the web's side and from the feeds' side.

A web process holds no state, so it hands a post on to the feeds' process over a local socket. The answer is
2xx only when the events are on disk, and 503 with ``Retry-After`` when they could not be put there.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dashboard import valkey
from dashboard.feed import BoundFeed, Post, Rejected
from dashboard.feeder import Feeder, read
from dashboard.spool import SpoolFull

MAX_BYTES = 1 << 20  # One post, unless the feed's settings say otherwise.
SECONDS = 15.0  # A body must be here by then.
REFUSED = "x-citywall-refused"
HANDED_ON = ("content-type", "content-encoding")


def feeds_socket(home: Path) -> Path:
    """Where the feeds' process takes posts; a socket's path must be short, so it lies beside Valkey's."""
    return valkey.runtime_folder(home) / "feeds.sock"


def refuse(status: int, reason: str, sentence: str) -> JSONResponse:
    """An answer that names what is wrong and what to do."""
    headers = {"Retry-After": "5"} if status == 503 else {}
    return JSONResponse({"reason": reason, "say": sentence}, status, headers=headers)


def door(feeder: Feeder) -> Starlette:
    """The feeds' side, served on a local socket."""

    async def take(request: Request) -> Response:
        runner = feeder.runners.get(request.path_params["feed"])
        if runner is None or runner.bound.feed.open is not None:
            return refuse(404, "no_such_feed", "no feed of this name takes posts")
        body = await request.body()
        refused = request.headers.get(REFUSED)
        try:
            if refused:
                letter = Rejected(refused, body.decode("utf-8", "replace"), "", "the body was not read to its end")
                await runner.outlet.put([], [letter])
                return refuse(413, refused, "the body is larger than this feed takes")
            post = Post(dict(request.headers), body)
            events, rejected = read(runner.bound, post, runner.context)
            counted = await runner.take_read(events, rejected)
        except SpoolFull as error:
            runner.error = str(error)
            return refuse(503, "disk", str(error))
        runner.error = ""
        whole = not events and len(rejected) == 1 and rejected[0].where == ""
        said: dict[str, Any] = {name: getattr(counted, name) for name in counted.__slots__}
        said["rejected"] = [{"reason": r.reason, "where": r.where, "detail": r.detail} for r in rejected[:100]]
        return JSONResponse(said, 400 if whole else 202)

    return Starlette(routes=[Route("/ingest/{feed}", take, methods=["POST"])])


def routes(
    feeds: Mapping[str, BoundFeed], socket: Path, folder: Path = Path(), seconds: float = SECONDS
) -> list[Route]:
    """The web's side: checks who posts and how much, and hands it on to the feeds' process at ``socket``.

    ``folder`` is what the paths of token files are relative to: the city file's. A body must be here
    within ``seconds``.
    """
    client = httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(socket)), timeout=seconds, trust_env=False)

    async def take(request: Request) -> Response:
        bound = feeds.get(request.path_params["feed"])
        if bound is None or bound.feed.open is not None:
            return refuse(404, "no_such_feed", "no feed of this name takes posts")
        if not _allowed(request, bound, folder):
            return refuse(401, "not_allowed", "send the feed's token as `Authorization: Bearer …`")
        limit = int(getattr(bound.settings, "max_bytes", MAX_BYTES))
        try:
            async with asyncio.timeout(seconds):
                body, whole = await _body(request, limit)
        except (TimeoutError, ClientDisconnect):
            return refuse(408, "too_slow", f"the body was not complete after {seconds:.0f} s; send it again")
        headers = {name: request.headers[name] for name in HANDED_ON if name in request.headers}
        headers |= {name: value for name, value in request.headers.items() if name.startswith("ce-")}
        if not whole:
            headers[REFUSED] = "too_large"
            body = body[:4096]
        try:
            reply = await client.post(f"http://feeds/ingest/{bound.name}", content=body, headers=headers)
        except httpx.HTTPError:
            return refuse(
                503, "feeds_down", "the feeds' process does not answer; send it again, nothing is counted twice"
            )
        kept = {"Retry-After": reply.headers["retry-after"]} if "retry-after" in reply.headers else {}
        return Response(reply.content, reply.status_code, kept, "application/json")

    return [Route("/ingest/{feed}", take, methods=["POST"])]


def _allowed(request: Request, bound: BoundFeed, folder: Path) -> bool:
    """With a token file its token is asked for, read afresh each time; without one only this machine may post."""
    file = getattr(bound.settings, "token_file", None)
    if file:
        try:
            token = (folder / Path(file).expanduser()).read_text(encoding="utf-8").strip()
        except OSError:
            return False
        given = request.headers.get("authorization", "")
        return bool(token) and hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def _body(request: Request, limit: int) -> tuple[bytes, bool]:
    """The body, or its beginning and False if it is larger than ``limit`` bytes."""
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > limit:
            return b"".join(parts), False
    return b"".join(parts), True
