"""Fetching: the one way out over HTTP, to the hosts of the city file alone, within limits of time and size."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Annotated, Any, Self

import httpcore
import httpx
from pydantic import Field, field_validator

from dashboard.masking import clean, cut, mask
from dashboard.sources.credentials import Auth, identified, secret_of
from dashboard.sources.documents import page_title, read_document, text_of
from dashboard.sources.feed import Context, Settings, SourceFailed
from dashboard.sources.hosts import Doorkeeper, host_and_port
from dashboard.sources.packing import Unpacker
from dashboard.sources.plainly import usual, why
from dashboard.sources.trust import TrustSettings, trust_of

REDIRECTS = 5
LONGEST_WAIT = 300.0  # Seconds; a source that asks to be left alone for longer is asked again after these.
CONNECTIONS = 4  # To one source at a time.
VALIDATORS = 256  # Addresses whose ETag is remembered.
SHOWN = 4096  # Characters of a reply in a dead letter.
logging.getLogger("httpx").setLevel(logging.WARNING)  # It writes down every address, and with it a key in a query.


class WebSettings(TrustSettings, Settings):
    """Where a source is on the web, who we are to it, and how long and how large its replies may be."""

    url: str
    hosts: tuple[str, ...] = ()  # Others it may send us to: "name", "name:port", or an address.
    auth: Auth | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    timeout: Annotated[float, Field(gt=0, le=600)] = 20.0  # Seconds for a whole reply, redirects and all.
    max_bytes: Annotated[int, Field(gt=0, le=1 << 30)] = 16 << 20  # Of a reply once it is unpacked.
    encoding: str | None = None  # What texts are in where the source names it wrongly.

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        return cls.web_address(value)

    @staticmethod
    def web_address(value: str) -> str:
        """See that a text is an address to fetch from.

        Raises:
            ValueError: saying what is wrong with it.
        """
        try:
            url = httpx.URL(value)
        except httpx.InvalidURL as error:
            raise ValueError(f"is no address: {error}; write one such as https://hall.example/api") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError(f"{value!r} is no web address; write one that begins with http:// or https://")
        if url.userinfo:
            raise ValueError("holds a password; name its file in auth")
        return value

    @field_validator("hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not host_and_port(name)[0]:
                raise ValueError(f"{name!r} is no host; write a name or address such as files.example:8443")
        return value

    @field_validator("headers")
    @classmethod
    def _headers(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not re.fullmatch(r"[\x20-\x7e]*", text):
                raise ValueError(f"{name[:40]!r} is no header that could be sent; use letters, digits and dashes")
            if name.lower() in ("authorization", "cookie", "host", "proxy-authorization"):
                raise ValueError(f"{name} may not stand here; use auth")
        return value


@dataclass(frozen=True, slots=True)
class Reply:
    """What a source answered, unpacked. ``unchanged`` says that it is the same as last time, and empty here."""

    body: bytes
    url: str = ""
    kind: str = ""
    encoding: str | None = None
    headers: Mapping[str, str] | None = None
    unchanged: bool = False

    @property
    def text(self) -> str:
        """The reply as text.

        Raises:
            SourceNonsense: ``bad_encoding``.
        """
        said = re.search(r"charset\s*=\s*[\"']?([A-Za-z0-9._-]+)", self.kind)
        return text_of(self.body, self.encoding, said[1] if said else None)

    @property
    def document(self) -> Any:
        """The reply as plain data, JSON or XML.

        Raises:
            SourceNonsense: as ``read_document`` does.
        """
        return read_document(self.text)

    def __str__(self) -> str:
        return mask(self.body[:SHOWN].decode("utf-8", "replace"))


# -- where we go ---------------------------------------------------------------------------------------------


class _Street(httpcore.AsyncNetworkBackend):
    """Connects to the very address that was checked, so that a name cannot lead elsewhere a moment later."""

    def __init__(self, keeper: Doorkeeper) -> None:
        self._keeper = keeper
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        refused: Exception | None = None
        for address in await self._keeper.addresses(host, port):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                refused = error
        assert refused is not None
        raise refused

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Any = None
    ) -> httpcore.AsyncNetworkStream:
        raise SourceFailed("a feed does not reach into sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Transport(httpx.AsyncHTTPTransport):
    """httpx over connections that ``_Street`` makes; no proxy and no setting is taken from the environment."""

    def __init__(self, keeper: Doorkeeper, trust: ssl.SSLContext) -> None:
        super().__init__(verify=trust, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trust, max_connections=CONNECTIONS, keepalive_expiry=30.0, network_backend=_Street(keeper)
        )


# -- what we may take ------------------------------------------------------------------------------------------


def _plainly(error: Exception) -> str:
    """What an exception of the network says, in words."""
    if found := usual(error):
        return found
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return "nobody answers at that address; is the server up and the way to it open?"
    if isinstance(error, httpx.TimeoutException):
        return "stopped answering; is the server overloaded?"
    if isinstance(error, httpx.ConnectError):
        return f"cannot be reached ({why(error)}); is the server up?"
    if isinstance(error, httpx.ReadError | httpx.WriteError):
        secure = (
            " or does it want to see a certificate of ours (cert_file)" if error.request.url.scheme == "https" else ""
        )
        return f"has cut the connection ({why(error)}); is it in trouble{secure}?"
    if isinstance(error, httpx.RemoteProtocolError):
        return f"broke off or does not speak HTTP ({why(error)})"
    return why(error)


# -- the way there and back ------------------------------------------------------------------------------------


class Fetcher:
    """Fetches for one feed; to be used as ``async with Fetcher(settings, context) as web``.

    It lives as long as the feed is open: what it remembers to ask ``If-None-Match`` is forgotten when the
    feed is opened again, so that a reply that was not stored comes again whole.
    """

    def __init__(self, settings: WebSettings, context: Context) -> None:
        self.settings, self._now = settings, context.now
        self.home = httpx.URL(settings.url)
        own = self.home.raw_host.decode("ascii")
        self.keeper = Doorkeeper([f"[{own}]:{_port(self.home)}" if ":" in own else f"{own}:{_port(self.home)}",
                                  *settings.hosts])  # fmt: skip
        self._city = context.city
        self._validators: dict[str, dict[str, str]] = {}
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        self._client = httpx.AsyncClient(
            transport=_Transport(self.keeper, trust_of(self.settings, self._city)),
            timeout=self.settings.timeout,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def get(self, url: str | None = None, params: Mapping[str, str] | None = None) -> Reply:
        """A page of the source: ``url`` may be relative to the feed's own, which it is by default.

        Raises:
            SourceFailed: in one plain sentence, if there is no reply that could be read.
        """
        return await self.send("GET", url, params)

    async def send(
        self,
        method: str,
        url: str | None = None,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> Reply:
        """Ask with a method and a body of one's own; else as ``get``.

        Raises:
            SourceFailed: in one plain sentence, if there is no reply that could be read.
        """
        assert self._client is not None, "the fetcher has not been entered"
        try:
            target = self.home.join(url) if url else self.home
        except (httpx.InvalidURL, ValueError) as error:
            raise SourceFailed(f"the source names an address that is none: {clean(str(error))[:80]}") from None
        if params:
            target = target.copy_merge_params(dict(params))
        secret = secret_of(self.settings.auth, self._city)
        shown = _shown(target)
        try:
            async with asyncio.timeout(self.settings.timeout):
                return await self._ask(method, target, data, json, secret)
        except TimeoutError:
            raise SourceFailed(
                f"{shown}: its reply was not there after {self.settings.timeout:g} s; if it is slow, raise timeout"
            ) from None
        except SourceFailed as error:
            raise SourceFailed(_without(f"{shown}: {error}", secret), error.wait) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise SourceFailed(_without(f"{shown}: {_plainly(error)}", secret)) from None

    async def _ask(self, method: str, target: httpx.URL, data: Any, json: Any, secret: str | None) -> Reply:
        client = self._client
        assert client is not None
        asked = str(target)
        for _ in range(REDIRECTS + 1):
            if target.scheme not in ("http", "https"):
                raise SourceFailed(f"it sends us to {target.scheme}:, and only http and https are followed")
            if target.userinfo:
                raise SourceFailed("it sends us to an address with a password in it, which is not followed")
            self.keeper.check(target.raw_host.decode("ascii"), _port(target))
            headers = {"Accept-Encoding": "gzip, deflate", "Accept": "application/json, application/xml, */*;q=0.5"}
            at_home = _origin(target) == _origin(self.home)
            if at_home:
                headers |= self.settings.headers
                target, more = identified(target, self.settings.auth, secret)
                headers |= more
            if method == "GET":
                headers |= self._validators.get(asked, {})
            client.cookies.clear()
            request = client.build_request(method, target, headers=headers, data=data, json=json)
            reply = await client.send(request, stream=True)
            try:
                onward = reply.headers.get("location")
                if reply.status_code in (301, 302, 303, 307, 308) and onward:
                    previous, target = target, target.join(onward)
                    if previous.scheme == "https" and target.scheme == "http":
                        raise SourceFailed("it sends us from https to http, which is not followed")
                    if reply.status_code < 304:
                        method, data, json = "GET" if method != "HEAD" else method, None, None
                    continue
                return await self._take(reply, asked, conditional=method == "GET")
            finally:
                await reply.aclose()
        raise SourceFailed(f"it sends us on more than {REDIRECTS} times; name the last address as url")

    async def _take(self, reply: httpx.Response, asked: str, *, conditional: bool) -> Reply:
        status, kind = reply.status_code, reply.headers.get("content-type", "")
        if status == 304 and conditional and asked in self._validators:
            return Reply(b"", asked, kind, self.settings.encoding, dict(reply.headers), unchanged=True)
        body = await self._body(reply)
        if status != 200:
            raise SourceFailed(_status(status, body), _wait(reply.headers.get("retry-after"), status, self._now()))
        title = page_title(body, kind)
        if title is not None:
            named = f" ({cut(mask(clean(title)), 60)})" if title else ""
            raise SourceFailed(
                f"answers with a web page{named} where data should be, as a login does; check auth and url"
            )
        if conditional:
            sent = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
            known = {sent[name]: reply.headers[name] for name in sent if 0 < len(reply.headers.get(name, "")) < 500}
            self._validators.pop(asked, None)
            if known:
                self._validators[asked] = known
            while len(self._validators) > VALIDATORS:
                self._validators.pop(next(iter(self._validators)))
        return Reply(body, asked, kind, self.settings.encoding, dict(reply.headers))

    async def _body(self, reply: httpx.Response) -> bytes:
        coding = reply.headers.get("content-encoding", "").strip().lower().replace("x-gzip", "gzip")
        if coding not in ("", "identity", "gzip", "deflate"):
            raise SourceFailed(f"packs its reply as {clean(coding)[:40]}, which was not asked for; have it send gzip")
        limit = self.settings.max_bytes
        too_large = f"sends more than {limit:,} bytes; if that is right, raise max_bytes"
        length = reply.headers.get("content-length", "")
        if length.isdecimal() and len(length) < 20 and int(length) > limit:
            raise SourceFailed(too_large)
        unpacker = Unpacker("" if coding == "identity" else coding, limit)
        try:
            async for piece in reply.aiter_raw():
                if not unpacker.feed(piece):
                    raise SourceFailed(too_large)
        except zlib.error:
            raise SourceFailed(f"says its reply is packed as {coding}, and it is not") from None
        if not unpacker.whole:
            raise SourceFailed("its packed reply breaks off before its end")
        return b"".join(unpacker.parts)

    def forget(self) -> None:
        """Ask for everything whole next time, changed or not."""
        self._validators.clear()


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _origin(url: httpx.URL) -> tuple[str, bytes, int]:
    return url.scheme, url.raw_host.lower(), _port(url)


def _shown(url: httpx.URL) -> str:
    """An address as it may be said: a query may hold a key."""
    return cut(clean(str(url.copy_with(query=None, fragment=None))), 200)


def _without(text: str, secret: str | None) -> str:
    return text.replace(secret, "***") if secret else text


def _status(status: int, body: bytes) -> str:
    """What an answer other than 200 means, with what it says itself."""
    remedies = {
        401: "it does not know us; check auth", 403: "it refuses us; check auth",
        404: "there is nothing at that address; check url", 407: "a proxy stands in the way",
        429: "we ask too often; raise interval", 304: "it says nothing has changed, though it was not asked that",
    }  # fmt: skip
    meaning = remedies.get(status) or ("the server is in trouble" if status >= 500 else "check url and what it wants")
    told = cut(mask(clean(re.sub(r"<[^>]{0,500}>|\s+", " ", body[:2000].decode("utf-8", "replace")))), 120)
    return f"answers {status}: {meaning}" + (f" (it says: {told})" if told and page_title(body) is None else "")


def _wait(text: str | None, status: int, now: datetime) -> float:
    """How many seconds a busy source asks to be left alone (RFC 9110, Retry-After), at most ``LONGEST_WAIT``."""
    if text is None or status not in (429, 503):
        return 0.0
    if text.strip().isdecimal():
        return min(float(text.strip()[:12]), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, min((moment - now).total_seconds(), LONGEST_WAIT))
    except (ValueError, TypeError, OverflowError):
        return 0.0
