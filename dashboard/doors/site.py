"""The site: every door of the house on one port, wired for a city, and the server that opens it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import uvicorn
from fastapi import FastAPI

from dashboard.casework import orders, ratepages, ticketpages
from dashboard.casework.ticketquery import TicketQuery
from dashboard.casework.ticketwhere import Levels
from dashboard.doors import status
from dashboard.ground.outlines import Gazetteer
from dashboard.nouns.periods import Calendar
from dashboard.screens import layer, tiles
from dashboard.screens.links import Links
from dashboard.screens.moment import moment_of
from dashboard.screens.push import Hub
from dashboard.screens.records import Records
from dashboard.screens.registry import Registry
from dashboard.screens.screenpages import ScreenPages, screens_page
from dashboard.screens.trace import Tracer
from dashboard.screens.web import make_app, page_version
from dashboard.sources.feed import Context, every_feed, rules_of
from dashboard.travel import ingest
from dashboard.travel.history import History
from dashboard.travel.roles import House
from dashboard.travel.stream import connect_async

UNREAD = 60_000  # Milliseconds a connection may hold what its peer does not take.


def web_app(house: House) -> FastAPI:
    """The web process's ASGI app: the page, the link, the door and the state of the house."""
    rules = rules_of(house.city)
    places = rules.places
    version = page_version()
    registry = Registry(connect_async(house.redis_url), house.city.name, house.database_url)
    hub = Hub(house.city, places, house.redis_url, version, registry=registry)
    links = Links(hub)
    gazetteer, tracer = Gazetteer.of(house.city, places), Tracer(hub)
    bound = {feed.name: feed for feed in every_feed(house.city)}

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(work()) for work in (hub.run, links.run, tracer.run)]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    doors = [*links.routes(), *tracer.routes(), *Records(hub).routes()]
    doors += ingest.routes(bound, ingest.feeds_socket(house.data), house.city.folder)
    doors += status.routes(house.data, house.redis_url, hub)
    context = Context(house.city, places, gazetteer, None, lambda: datetime.now(UTC), house.data)
    doors += tiles.routes(house.city, tiles.sources(house.city, context, house.data))
    doors += layer.routes(house.city.name, places, house.redis_url, house.city.tz)
    levels = Levels(rules.levels, places.root.level, rules.grassroots)
    query = TicketQuery(History(house.database_url), places, Calendar(house.city.tz), levels)
    sent = ticketpages.sent_by(house.database_url)
    pages = ticketpages.TicketPages(
        house.city, query, rules, moment_of(hub, house.city), sent, orders.orders_by(house.database_url)
    )
    doors += ScreenPages(house.city, places, registry, pages.moment).routes()
    doors += [*pages.routes(), *ratepages.RatePages(pages).routes()]
    return make_app(
        house.city, places, gazetteer, routes=doors, lifespan=lifespan, version=version,
        # Each feed has its own limit, and what is too large for it is counted there.
        body_limits={"/ingest/": sys.maxsize, "/screens/": 1 << 17},
        desks={
            "tickets": ticketpages.grid_page(house.city), "ticket": ticketpages.face_page(house.city),
            "rates": ratepages.rates_page(house.city), "screens": screens_page(house.city),
        },
    )  # fmt: skip


def web_server(web: Any, host: str, port: int) -> tuple[uvicorn.Server, socket.socket]:
    """A server for ``web``, and the socket it is to be run on."""
    config = uvicorn.Config(
        web, host=host, port=port, log_config=None, server_header=False, ws="websockets-sansio",
        ws_per_message_deflate=False, ws_max_size=65536, ws_ping_interval=None, timeout_graceful_shutdown=2,
        timeout_keep_alive=30, access_log=False,
    )  # fmt: skip
    listening = config.bind_socket()
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # A peer that takes nothing for so long is gone, and so is what it is owed.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD)
    return uvicorn.Server(config), listening
