"""Cameras asked directly: RTSP OPTIONS and DESCRIBE, an HLS playlist that moves on, ONVIF's device time.

The inventory says where each camera is; nobody is asked who is not in one of the networks the city file names. A sweep
asks them all within a budget of connections, few at a time of any one host, each within its time; the sweep is one
poll. What answers wrongly, endlessly or not at all costs its own time and nobody else's.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx
from pydantic import Field, field_validator

from dashboard.nouns.video import CLOCK, DOWN, PICTURE
from dashboard.sources.feed import Context, Rejected, SourceFailed
from dashboard.sources.hosts import Doorkeeper
from dashboard.sources.inventory import Seen, VideoSettings, inventory_of
from dashboard.sources.platforms import Ask, Replies, platform
from dashboard.sources.rtsp import (
    BODY,
    ENVELOPE,
    Answer,
    Refused,
    credentials,
    device_time,
    has_video,
    read_answer,
    request,
)

INTERVAL = 60.0
RTSP, WEB = 554, 80
STILL = 3.0  # Target durations after which a playlist that has not moved on is dead.


class Settings(VideoSettings):
    """Whom to ask, as whom, how many at once, and how long each may take."""

    inventory: str  # A CSV with at least id and address (rtsp://… or http://….m3u8), and device for ONVIF.
    networks: Annotated[tuple[str, ...], Field(min_length=1)]  # "10.20.0.0/16", or a host by its name.
    user: str = ""
    secret_file: str | None = None  # Holds the password; where a camera has a user of its own, it is his too.
    connections: Annotated[int, Field(ge=1, le=5000)] = 200
    per_host: Annotated[int, Field(ge=1, le=100)] = 2
    timeout: Annotated[float, Field(gt=0, le=60)] = 5.0  # Seconds for one camera, all its answers together.
    clock_off: Annotated[float, Field(gt=0)] = 60.0  # Seconds by which a camera's time may be wrong.

    @field_validator("networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            try:
                ipaddress.ip_network(name)
            except ValueError:
                if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?", name) or "/" in name:
                    raise ValueError(f"{name!r} is no network and no host; write one such as 10.20.0.0/16") from None
                if re.fullmatch(r"[\d.]+", name):
                    raise ValueError(f"{name!r} is no address; write one such as 10.20.0.0/16") from None
        return value


class Found(NamedTuple):
    """What one camera answered. ``way`` is rtsp, hls or none; ``error`` is a word and a sentence where it did not.

    ``before`` is the playlist a sweep ago and how many seconds it is old, ``clock`` ONVIF's answer and when it came.
    """

    id: str
    way: str
    status: int = 0
    body: bytes = b""
    error: tuple[str, str] | None = None
    before: tuple[bytes, float] | None = None
    clock: tuple[str, float] | None = None


@asynccontextmanager
async def asking(settings: Settings, ctx: Context) -> AsyncIterator[tuple[Ask, None]]:
    """Ask all cameras in one sweep."""
    prober = Prober(settings, ctx)
    try:

        async def ask() -> Replies:
            return Replies(await prober.sweep())

        yield ask, None
    finally:
        await prober.web.aclose()


class Prober:
    """Asks cameras, and remembers their playlists from one sweep to the next."""

    def __init__(self, settings: Settings, ctx: Context) -> None:
        self.settings, self.ctx = settings, ctx
        self.slots = asyncio.Semaphore(settings.connections)
        self.hosts: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(settings.per_host))
        self.keeper = Doorkeeper(name for name in settings.networks if not _network(name))
        self.playlists: dict[str, tuple[bytes, float]] = {}
        limits = httpx.Limits(max_connections=settings.connections, max_keepalive_connections=0)
        self.web = httpx.AsyncClient(limits=limits, timeout=settings.timeout, trust_env=False, follow_redirects=False)
        self.password = ""

    async def sweep(self) -> list[Found]:
        """All cameras, in the inventory's order."""
        settings = self.settings
        inventory, _ = await asyncio.to_thread(inventory_of, settings, self.ctx)
        if settings.secret_file:
            file = self.ctx.city.path(settings.secret_file)
            try:
                self.password = await asyncio.to_thread(lambda: file.read_text(encoding="utf-8").strip())
            except (OSError, UnicodeDecodeError):
                raise SourceFailed(f"secret_file: {file} cannot be read; put the password there") from None
        waiting = iter(inventory)
        found: dict[str, Found] = {}

        async def work() -> None:
            for camera in waiting:
                found[camera.id] = await self.camera(camera)

        # A few more workers than connections, so that one who waits for his host does not hold up the others.
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(len(inventory), 2 * settings.connections)):
                tasks.create_task(work())
        self.playlists = {name: kept for name, kept in self.playlists.items() if name in found}
        return [found[camera.id] for camera in inventory]

    async def camera(self, camera: Seen) -> Found:
        """One camera within its time, whatever it answers."""
        address, device = camera.more.get("address", ""), camera.more.get("device", "")
        way = "rtsp" if address.startswith("rtsp://") else "hls" if re.match(r"https?://", address) else "none"
        try:
            host, port = await self.allowed(address, RTSP if way == "rtsp" else WEB)
            async with self.hosts[host], self.slots, asyncio.timeout(self.settings.timeout):
                if way == "rtsp":
                    answer = await self.describe(address, host, port, camera.more.get("user") or self.settings.user)
                    result = Found(camera.id, way, answer.status, answer.body)
                elif way == "hls":
                    body = await self.playlist(address)
                    now = asyncio.get_running_loop().time()
                    kept = self.playlists.get(camera.id)
                    if kept is None or kept[0] != body:
                        self.playlists[camera.id] = body, now
                    before = (kept[0], now - kept[1]) if kept is not None else None
                    result = Found(camera.id, way, 200, body, before=before)
                else:
                    raise Refused("bad_address", "neither rtsp:// nor http://")
                if device:
                    result = result._replace(clock=await self.clock(device))
                return result
        except Refused as refused:
            return Found(camera.id, way, error=(refused.reason, refused.detail[:200]))
        except (TimeoutError, httpx.TimeoutException):
            return Found(camera.id, way, error=("no_answer", f"nothing within {self.settings.timeout:g} s"))
        except (OSError, httpx.HTTPError) as error:
            return Found(camera.id, way, error=("unreachable", str(error)[:120]))

    async def allowed(self, address: str, usual: int) -> tuple[str, int]:
        """The address and port to connect to.

        Raises:
            Refused: ``bad_address`` or ``foreign_address``.
        """
        try:
            parts = urlsplit(address)
            host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else usual)
        except ValueError:
            raise Refused("bad_address", address[:80]) from None
        if not host or parts.username or re.search(r"[\s\x00-\x1f]", address):
            raise Refused("bad_address", "no host, or a password in it: name its file as secret_file")
        try:
            number = ipaddress.ip_address(host)
        except ValueError:
            try:
                self.keeper.named |= {
                    (name, port) for name, at in self.keeper.named if at is None and name == host.lower()
                }
                return (await self.keeper.addresses(host, port))[0], port
            except SourceFailed as failed:
                raise Refused("foreign_address", str(failed)) from None
        if not any(number in net for net in map(_network, self.settings.networks) if net is not None):
            raise Refused("foreign_address", f"{host} is in none of the networks; add its network")
        return host, port

    async def describe(self, uri: str, host: str, port: int, user: str) -> Answer:
        """The answer to DESCRIBE, after OPTIONS on the same connection; says who we are once, if asked.

        Raises:
            Refused: if an answer cannot be used.
        """
        reader, writer = await asyncio.open_connection(host, port, limit=2 * BODY)
        try:
            number, said, challenge, answer = 0, "", "", Answer(0, {})
            for method in ("OPTIONS", "DESCRIBE"):
                for _ in range(2):
                    number += 1
                    accept = "application/sdp" if method == "DESCRIBE" else ""
                    writer.write(request(method, uri, number, Accept=accept, Authorization=said))
                    await writer.drain()
                    answer = await read_answer(reader)
                    challenge = answer.headers.get("www-authenticate", challenge)
                    if answer.status != 401 or not challenge or not user:
                        break
                    said = credentials(challenge, method, uri, user, self.password)
                if method == "OPTIONS" and answer.status not in (200, 401):
                    break
                if said:  # A digest holds for its method alone.
                    said = credentials(challenge, "DESCRIBE", uri, user, self.password)
            return answer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def playlist(self, url: str) -> bytes:
        """A media playlist; a master playlist leads to its first variant on the same host.

        Raises:
            Refused: if it is none.
        """
        body = await self.fetched("GET", url)
        variant = variant_of(body)
        if variant is None:
            return body
        further = urljoin(url, variant)
        if urlsplit(further).netloc != urlsplit(url).netloc:
            raise Refused("foreign_address", "its playlist leads to another host")
        return await self.fetched("GET", further)

    async def clock(self, url: str) -> tuple[str, float] | None:
        """ONVIF's answer to GetSystemDateAndTime, and when it came; None if there was none that could be read."""
        try:
            await self.allowed(url, WEB)
            body = await self.fetched("POST", url, ENVELOPE.encode(), "application/soap+xml; charset=utf-8")
            return body.decode("utf-8"), self.ctx.now().timestamp()
        except (Refused, OSError, httpx.HTTPError, UnicodeDecodeError):
            return None

    async def fetched(self, method: str, url: str, body: bytes | None = None, kind: str = "") -> bytes:
        """A reply's body.

        Raises:
            Refused: ``http_404`` and the like, or ``too_large``.
        """
        headers = {"accept-encoding": "identity", **({"content-type": kind} if kind else {})}
        try:
            async with self.web.stream(method, url, content=body, headers=headers) as reply:
                if reply.status_code != 200:
                    raise Refused(f"http_{reply.status_code}")
                found = bytearray()
                async for piece in reply.aiter_raw():
                    found += piece
                    if len(found) > BODY:
                        raise Refused("too_large", f"more than {BODY:,} bytes")
                return bytes(found)
        except httpx.InvalidURL:
            raise Refused("bad_address", url[:80]) from None


def _network(name: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(name)
    except ValueError:
        return None


# -- what it means -----------------------------------------------------------------------------------------------


def variant_of(playlist: bytes) -> str | None:
    """The first variant of a master playlist (RFC 8216); None if this is none."""
    lines = [line.strip() for line in playlist.decode("utf-8", "replace").splitlines()]
    for at, line in enumerate(lines):
        if line.startswith("#EXT-X-STREAM-INF"):
            return next((other for other in lines[at + 1 :] if other and not other.startswith("#")), None)
    return None


def playlist_status(found: Found) -> tuple[int, tuple[str, str] | None]:
    """A status by a playlist, and by how long it has stood still."""
    text = found.body.decode("utf-8", "replace")
    if not text.lstrip("\ufeff").startswith("#EXTM3U"):
        return DOWN, ("not_a_playlist", text[:60])
    if "#EXT-X-ENDLIST" in text:
        return DOWN, None
    target = re.search(r"#EXT-X-TARGETDURATION:\s*(\d{1,5})", text)
    patience = STILL * max(1, int(target[1])) if target else 30.0
    if "#EXTINF" not in text:
        return PICTURE, None
    if found.before is not None and found.before[0] == found.body and found.before[1] > patience:
        return DOWN, None
    return 0, None


def rtsp_status(found: Found) -> tuple[int, tuple[str, str] | None]:
    """A status by RTSP's answer. One that answers and will not show itself to us has no picture."""
    if found.status == 200:
        return (0 if has_video(found.body) else PICTURE), None
    if found.status in (401, 403):
        return PICTURE, ("auth_refused", f"answers {found.status}: check user and secret_file")
    return DOWN, None


def read(replies: Sequence[Found], settings: Settings, moment: float) -> Iterator[Seen | Rejected]:
    """The cameras of a sweep, and what was strange about their answers."""
    for found in replies:
        strange = found.error
        if found.error is not None:
            status = DOWN
        else:
            status, strange = rtsp_status(found) if found.way == "rtsp" else playlist_status(found)
        if found.clock is not None and status != DOWN:
            try:
                wrong = abs(device_time(found.clock[0]).timestamp() - found.clock[1])
                status |= CLOCK if wrong > settings.clock_off else 0
            except Refused as refused:
                strange = strange or (refused.reason, refused.detail)
        if strange is not None and strange[0] not in ("no_answer", "unreachable"):
            yield Rejected(strange[0], repr(found.body[:200]), found.id, strange[1], kept=True)
        yield Seen(found.id, status=status)


FEED = platform(
    "probe", "Cameras asked directly by RTSP, HLS and ONVIF", Settings, asking, read,
    interval=INTERVAL,
    mapped=(
        "each line of the `inventory` (id, name, place, street, switch, lon, lat, `address`, `device`, `user`) is a "
        "camera; up if DESCRIBE offers video or its playlist moves on. Without video, an empty playlist or a refused "
        "password: picture; a device time (ONVIF) more than `clock_off` seconds wrong: clock; else down."
    ),
    refused=(
        "addresses outside `networks`, passwords in addresses, playlists that lead to other hosts; answers that are no "
        "RTSP, too long, broken off, SOAP with a document type: the camera is down, and its fault is named once."
    ),
    example="""\
[[feeds]]
kind = "probe"
name = "direct"
platform = "直连"
inventory = "cameras.csv"            # id,name,lon,lat,address,device
networks = ["10.20.0.0/16"]
user = "wall"
secret_file = "cameras.secret"
connections = 200
per_host = 2
timeout = 5
""",
)  # fmt: skip
