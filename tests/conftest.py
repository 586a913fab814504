"""What the tests share: real servers, and a browser that tells on the page."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests import servers
from tests.measured import Measured

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

NETWORK = re.compile(r"Failed to load resource: net::|WebSocket connection to .* failed|net::ERR_")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks that the fixtures here understand; a run that is ended takes down what it has started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.addinivalue_line("markers", "outage: the link is cut on purpose, so network errors in the console are right")
    config.addinivalue_line("markers", "beside: what it looks at is measured beside all other tests, and read last")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put those tests last that read what was measured beside the others, and before them those that look at the
    simulated district: it takes its share of the machine from then on.
    """
    items.sort(key=lambda item: (item.get_closest_marker("beside") is not None, "demo" in fixtures_of(item)))


def fixtures_of(item: pytest.Item) -> list[str]:
    """The names of all fixtures that a test needs."""
    return list(getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session", autouse=True)
def endurance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    """The wall left alone under traffic, from the first test on, where a test will ask how it has fared."""
    measured = Measured("endurance", tmp_path_factory.mktemp("endurance"))
    if any(item.get_closest_marker("beside") for item in request.session.items) and servers.chromium():
        measured.start("--minutes", os.environ.get("CITYWALL_ENDURANCE_MINUTES", "10"))
    yield measured
    measured.close()


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[servers.Valkey]:
    """One Valkey for all tests that do not kill it; ``redis_url`` empties it for each."""
    server = servers.Valkey()
    yield server
    server.close()


@pytest.fixture
def redis_url(valkey_server: servers.Valkey) -> str:
    """The URL of an empty Valkey, for this test alone as long as tests run one by one."""
    from redis import Redis

    with Redis.from_url(valkey_server.url) as redis:
        redis.flushall()
    return valkey_server.url


@pytest.fixture
def own_valkey() -> Iterator[servers.Valkey]:
    """A Valkey of the test's own, which it may kill and start again."""
    server = servers.Valkey()
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[servers.Postgres]:
    """One PostgreSQL for all tests; skips where it is not installed."""
    if servers.Postgres.tools() is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    server = servers.Postgres()
    yield server
    server.close()


@pytest.fixture
def postgres_url(postgres_server: servers.Postgres) -> Iterator[str]:
    """The URL of an empty database in PostgreSQL, dropped afterwards."""
    import psycopg

    with psycopg.connect(postgres_server.url, autocommit=True) as db:
        db.execute("DROP DATABASE IF EXISTS test WITH (FORCE)")
        db.execute("CREATE DATABASE test")
    yield postgres_server.url.replace("/postgres?", "/test?")
    with psycopg.connect(postgres_server.url, autocommit=True) as db:
        db.execute("DROP DATABASE IF EXISTS test WITH (FORCE)")


@pytest.fixture(scope="session")
def mosquitto_server() -> Iterator[servers.Mosquitto]:
    """One MQTT broker for all tests that do not end it; skips where it is not installed."""
    if servers.Mosquitto.tool() is None:
        pytest.skip("mosquitto is not installed (Debian: apt-get install mosquitto)")
    server = servers.Mosquitto()
    yield server
    server.close()


@pytest.fixture
def own_mosquitto() -> Iterator[servers.Mosquitto]:
    """An MQTT broker of the test's own, which it may end and start again; skips where it is not installed."""
    if servers.Mosquitto.tool() is None:
        pytest.skip("mosquitto is not installed (Debian: apt-get install mosquitto)")
    server = servers.Mosquitto()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database; the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path') / 'history.db'}"
    return str(request.getfixturevalue("postgres_url"))


# Playwright's synchronous interface keeps an event loop in this thread, which the asynchronous tests of other
# modules could not stand; hence one browser for each module, and no asynchronous tests in a module that uses it.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium; skips where there is none."""
    path = servers.chromium()
    if path is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=servers.CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def new_context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browser contexts; an error in a page's console or a request that leaves 127.0.0.1 fails the test."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []
    outage = request.node.get_closest_marker("outage") is not None

    def complain(text: str) -> None:
        if not (outage and NETWORK.search(text)):
            complaints.append(text)

    def leaves(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "about") and parts.hostname != "127.0.0.1":
            complaints.append(f"a request left the machine: {url}")

    def watch(page: Page) -> None:
        page.on("websocket", lambda link: leaves(link.url))

    def make(**options: object) -> BrowserContext:
        settings = {"viewport": {"width": 1920, "height": 1080}, "locale": "zh-CN", "timezone_id": "Asia/Shanghai"}
        context = browser.new_context(**{**settings, **options})  # type: ignore[arg-type]
        context.on("console", lambda message: complain(f"console: {message.text}") if message.type == "error" else None)
        context.on("weberror", lambda error: complain(f"page: {error.error}"))
        context.on("request", lambda call: leaves(call.url))
        context.on("page", watch)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """An empty page of 1920×1080 in Chinese, watched as ``new_context`` says."""
    return new_context().new_page()
