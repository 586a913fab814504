"""The web server's front: unknown addresses, too large bodies, the headers of every answer, and static ones kept.

It stands outermost, before Dash and before the routes of our own, and lets nothing through that neither of them has.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from posixpath import normpath
from typing import cast

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.screens.marks import ASSETS

BODY = 1 << 20  # Bytes of the largest request body, unless a path has its own limit.
SMALL = 512  # Bytes below which compressing is not worth it.
FOREVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"  # May be kept, but the browser asks each time whether it is still right.
DASH_PATHS = ("/_dash-component-suites/", "/_dash-dependencies", "/_dash-update-component", "/_favicon.ico", "/assets/")
PLOTLY = "/_dash-component-suites/plotly/package_data/plotly.min.js"
BASIC = "/assets/vendor/plotly-basic.min.js"  # Bars, lines and pies: a quarter of the whole, and of its parsing.
FINGERPRINT = re.compile(r"\.v[\w-]+m\d+(?=\.)")
MARK = "/_dash-v"  # Behind a screen's name, with a mark behind it: what lies below is another whenever the mark is.
MARKED = re.compile(rf"^/([\w-]+){MARK}([0-9a-f]+)(?=/_dash-)")
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class TooLarge(Exception):
    """A request's body is longer than its path allows."""


@dataclass(frozen=True)
class Kept:
    """A static answer, ready to send: packed with gzip where that pays."""

    body: bytes
    packed: bool
    kind: bytes
    tag: bytes


class Front:
    """The outermost ASGI layer: unknown addresses, too large bodies, headers, and static answers from memory."""

    def __init__(
        self, app: ASGIApp, own: Sequence[BaseRoute], limit: int, limits: Mapping[str, int], marks: Mapping[str, str]
    ) -> None:
        self.app, self.own, self.limit, self.limits, self.marks = app, own, limit, limits, marks
        self.prefixes, self.pages = tuple(f"/{screen}/_dash-" for screen in marks), {f"/{screen}" for screen in marks}
        kept = ("/_dash-component-suites/", "/_dash-dependencies", "/assets/", "/shapes/", "/panel/", "/_favicon.ico")
        self.static = (*kept, *self.prefixes)
        self.kept: dict[tuple[str, float], Kept] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, socket or lifespan."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        if marked := MARKED.match(path):
            path = f"/{marked[1]}{path[marked.end() :]}"
            scope = {**scope, "path": path, "raw_path": path.encode()}
        lasting = marked is not None and self.marks.get(marked[1]) == marked[2]
        matches = {route.matches(scope)[0] for route in self.own}
        ours = Match.FULL in matches
        if not ours and Match.PARTIAL in matches:  # Dash's own catch-all would take it and answer with its page.
            await _refuse(send, 405, "not by this method")
            return
        if not ours and path.startswith(self.prefixes):
            path = "/_dash-" + path.split("/_dash-", 1)[1]
            path = BASIC if path == PLOTLY else path
            scope = {**scope, "path": path, "raw_path": path.encode()}
        if not ours and not path.startswith(DASH_PATHS):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 4404})
            else:
                await _refuse(send, 404, "not found")
            return
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        if scope["method"] in ("GET", "HEAD") and (path in self.pages or path.startswith(self.static)):
            await self._from_shelf(scope, path, send, lasting)
            return
        await self._limited(scope, receive, send)

    # -- requests with a body ----------------------------------------------------------------------------

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as long as its body keeps to its limit."""
        limit = next((n for start, n in self.limits.items() if scope["path"].startswith(start)), self.limit)
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > limit:
            await _refuse(send, 413, f"the body is larger than {limit} bytes")
            return
        seen, over, started = 0, False, False

        async def counted() -> Message:
            nonlocal seen, over
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                over = True
                raise TooLarge
            return message

        async def dressed(message: Message) -> None:
            nonlocal started
            if over and not started:
                return  # What the inner app says about the broken body; the refusal follows.
            if message["type"] == "http.response.start":
                started = True
                message = {**message, "headers": _dress(message["headers"])}
            await send(message)

        try:
            await self.app(scope, counted, dressed)
        except Exception:
            if not over:
                raise
        if over and not started:
            await _refuse(send, 413, f"the body is larger than {limit} bytes")

    # -- static answers ----------------------------------------------------------------------------------

    async def _from_shelf(self, scope: Scope, path: str, send: Send, lasting: bool) -> None:
        """Answer from memory what was asked before; what is new is asked for inside, packed and kept.

        ``lasting`` says that by its address it stays as it is for good, as the one of a file may, too.
        """
        if normpath(path) != path:  # Each way of writing an address would be packed and kept as another.
            await _refuse(send, 404, "not found")
            return
        asset = ASSETS / path.removeprefix("/assets/") if path.startswith("/assets/") else None
        changed = asset.stat().st_mtime if asset is not None and asset.is_file() else 0.0
        key = (FINGERPRINT.sub("", path), changed)
        headers = dict(scope["headers"])
        kept = self.kept.get(key)
        extra: list[tuple[bytes, bytes]] = []
        if kept is None or path in self.pages:
            status, said, body = await self._ask(scope)
            if status >= 400:  # Also where Dash fails at a path that names no file of a component.
                await _refuse(send, 404, "not found")
                return
            if status != 200:
                await send({"type": "http.response.start", "status": status, "headers": _dress(said)})
                await send({"type": "http.response.body", "body": body})
                return
            extra = [(name, value) for name, value in said if name == b"content-security-policy"]
            if kept is None or kept.tag != _tag(body):
                kept = self.kept[key] = await asyncio.to_thread(_keep, body, dict(said).get(b"content-type", b""))
        lasting = bool(lasting or FINGERPRINT.search(path) or re.search(rb"(^|&)[mv]=\w", scope["query_string"]))
        about = [
            (b"content-type", kept.kind), (b"etag", kept.tag), (b"vary", b"accept-encoding"),
            (b"cache-control", (FOREVER if lasting else ASK_FIRST).encode()), *extra,
        ]  # fmt: skip
        if kept.tag in headers.get(b"if-none-match", b""):
            await send({"type": "http.response.start", "status": 304, "headers": _dress(about)})
            await send({"type": "http.response.body", "body": b""})
            return
        body = kept.body
        if kept.packed:
            if b"gzip" in headers.get(b"accept-encoding", b""):
                about.append((b"content-encoding", b"gzip"))
            else:
                body = await asyncio.to_thread(gzip.decompress, body)
        about.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": _dress(about)})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _ask(self, scope: Scope) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """What the inner app answers to a plain GET of this address."""
        plain = [(name, value) for name, value in scope["headers"] if name in (b"host", b"referer")]
        asked = {**scope, "method": "GET", "headers": plain}
        status, headers, body = 500, cast("list[tuple[bytes, bytes]]", []), bytearray()

        empty: Message = {"type": "http.request", "body": b"", "more_body": False}
        said = [empty]

        async def nothing() -> Message:
            if not said:
                await asyncio.Event().wait()  # Whoever listens for the client's leaving listens for ever.
            return said.pop()

        async def collect(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], [(name.lower(), value) for name, value in message["headers"]]
            else:
                body.extend(message.get("body", b""))

        await self.app(asked, nothing, collect)
        return status, headers, bytes(body)


def _tag(body: bytes) -> bytes:
    return b'"' + blake2b(body, digest_size=12).hexdigest().encode() + b'"'


def _keep(body: bytes, kind: bytes) -> Kept:
    text = any(word in kind for word in (b"text", b"javascript", b"json", b"svg", b"wasm"))
    if text and len(body) > SMALL:
        return Kept(gzip.compress(body, 6, mtime=0), True, kind, _tag(body))
    return Kept(body, False, kind, _tag(body))


def _dress(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of an answer with those every answer carries; what the answer says itself stays."""
    said = {name.lower() for name, _ in headers}
    common = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in said]
    if b"content-security-policy" not in said:
        common.append((b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"))
    if b"cache-control" not in said:
        common.append((b"cache-control", b"no-store"))
    return [*headers, *common]


async def _refuse(send: Send, status: int, why: str) -> None:
    """Say no in one sentence."""
    body = json.dumps({"reason": why}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 413:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": _dress(headers)})
    await send({"type": "http.response.body", "body": body})
