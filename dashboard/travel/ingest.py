"""The doors for what is pushed to us: ``POST /ingest/<feed>`` and ``POST /act``, from the web's side and the feeds'.

A web process holds no state, so it hands a post on to the feeds' process over a local socket. The answer is
2xx only when the events are on disk, and 503 with ``Retry-After`` when they could not be put there. ``/act`` takes
what people do on our own pages, and nothing else does.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dashboard.masking import clean, mask
from dashboard.sources.feed import BoundFeed, Post, Rejected
from dashboard.sources.hosts import same_origin
from dashboard.travel import valkey
from dashboard.travel.feeder import Feeder, read
from dashboard.travel.spool import SpoolFull

MAX_BYTES = 1 << 20  # One post, unless the feed's settings say otherwise.
SECONDS = 15.0  # A body must be here by then; as long may the feeds' process take to answer.
REFUSED = "x-citywall-refused"
LETTERS = 20  # Refused records that are shown at a time …
RAW = 2000  # … and characters of each.
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

    async def refused(request: Request) -> Response:
        """What a feed has refused, and why; the records themselves only where they are asked for, masked."""
        runner = feeder.runners.get(request.path_params["feed"])
        if runner is None:
            return refuse(404, "no_such_feed", "this city has no feed of this name")
        spool, raw = runner.outlet.spool, request.query_params.get("raw") == "1"

        def look() -> dict[str, Any]:
            said: dict[str, Any] = {"reasons": spool.reasons(), "flaws": spool.reasons(kept=True)}
            if raw:
                said["letters"] = [
                    {"at": letter.at, "reason": letter.reason, "where": mask(clean(letter.where)),
                     "detail": mask(clean(letter.detail)), "raw": mask(clean(letter.raw[:RAW])), "kept": letter.kept}
                    for letter in spool.letters(LETTERS)
                ]  # fmt: skip
            return said

        return JSONResponse(await asyncio.to_thread(look))

    return Starlette(
        routes=[Route("/ingest/{feed}", take, methods=["POST"]), Route("/refused/{feed}", refused, methods=["GET"])]
    )


def routes(
    feeds: Mapping[str, BoundFeed], socket: Path, folder: Path = Path(), seconds: float = SECONDS,
    answered: float = SECONDS,
) -> list[Route]:  # fmt: skip
    """The web's side: checks who posts and how much, and hands it on to the feeds' process at ``socket``.

    ``folder`` is what the paths of token files are relative to: the city file's. A body must be here within
    ``seconds``, and the feeds' process have taken it within ``answered`` more.
    """
    client = httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(socket)), timeout=answered, trust_env=False)

    async def act(request: Request) -> Response:
        """One act of a person, from a page of ours."""
        bound = next((feed for feed in feeds.values() if feed.feed.everywhere), None)
        foreign = request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
        if foreign or not same_origin(request.headers.get("origin"), request.headers.get("host")):
            return refuse(403, "another_origin", "acts are taken from the pages of this server alone")
        if bound is None:
            return refuse(404, "no_such_feed", "this city takes no acts")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return refuse(415, "wrong_content_type", "send application/json")
        answer = await hand_on(request, bound)
        if answer.status_code not in (202, 400):
            return answer
        said = json.loads(bytes(answer.body))
        for letter in said["rejected"]:
            return refuse(400, letter["reason"], letter["detail"] or letter["reason"])
        if said["dead"]:
            return refuse(409, "id_reused", "this id came before with another content; send a new act under a new id")
        return JSONResponse({"stored": said["stored"], "duplicate": said["duplicate"]}, 202)

    async def take(request: Request) -> Response:
        bound = feeds.get(request.path_params["feed"])
        if bound is None or bound.feed.open is not None or bound.feed.everywhere:
            return refuse(404, "no_such_feed", "no feed of this name takes posts")
        if not _allowed(request, bound, folder):
            return refuse(401, "not_allowed", "send the feed's token as `Authorization: Bearer …`")
        return await hand_on(request, bound)

    async def refused(request: Request) -> Response:
        """What a feed has refused, for our own pages."""
        foreign = request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
        if foreign or not same_origin(request.headers.get("origin"), request.headers.get("host")):
            return refuse(403, "another_origin", "this is told to the pages of this server alone")
        name = request.path_params["feed"]
        if name not in feeds:
            return refuse(404, "no_such_feed", "this city has no feed of this name")
        asked = {"raw": request.query_params.get("raw", "0")}
        try:
            reply = await client.get(f"http://feeds/refused/{name}", params=asked)
        except httpx.HTTPError:
            return refuse(503, "feeds_down", "the feeds' process does not answer")
        return Response(reply.content, reply.status_code, media_type="application/json")

    async def hand_on(request: Request, bound: BoundFeed) -> Response:
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

    return [
        Route("/ingest/{feed}", take, methods=["POST"]),
        Route("/act", act, methods=["POST"]),
        Route("/feeds/{feed}/refused", refused, methods=["GET"]),
    ]


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
