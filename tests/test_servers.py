"""The tests' own servers: they come back from a crash, and the watched page tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import servers

pytest_plugins = ("pytester",)

PAGE = """
import pytest
from playwright.sync_api import Page

def test_quiet(page: Page) -> None:
    page.goto("data:text/html;charset=utf-8,<p id=a>你好</p>")
    assert page.inner_text("#a") == "你好"

def test_console(page: Page) -> None:
    page.goto("data:text/html,<script>console.error('oh')</script>")

def test_thrown(page: Page) -> None:
    page.goto("data:text/html,<script>throw new Error('ah')</script>")

def test_outside(page: Page) -> None:
    page.goto("data:text/html,<img src='http://127.0.0.2:40004/x.png'>")

@pytest.mark.outage
def test_cut(page: Page) -> None:
    page.goto("data:text/html,<img src='http://127.0.0.1:40004/x.png'>")
"""


def test_postgres_comes_back_from_a_crash_with_what_was_committed(postgres_server: servers.Postgres) -> None:
    import psycopg

    with psycopg.connect(postgres_server.url, autocommit=True) as db:
        db.execute("CREATE TABLE kept AS SELECT 1 AS n")
    try:
        postgres_server.kill()
    finally:
        postgres_server.start()
    with psycopg.connect(postgres_server.url, autocommit=True) as db:
        assert db.execute("SELECT n FROM kept").fetchall() == [(1,)]
        db.execute("DROP TABLE kept")


@pytest.mark.skipif(servers.chromium() is None, reason="Chromium is not installed (Debian: apt-get install chromium)")
def test_the_watched_page_tells_of_errors_and_of_requests_that_leave(pytester: pytest.Pytester) -> None:
    pytester.makeconftest((Path(__file__).parent / "conftest.py").read_text(encoding="utf-8"))
    pytester.makepyfile(PAGE)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:dash", "-v")
    outcomes = ["*test_quiet PASSED*", "*test_console ERROR*", "*test_thrown ERROR*", "*test_outside ERROR*"]
    result.stdout.fnmatch_lines([*outcomes, "*test_cut PASSED*"])
    result.assert_outcomes(passed=5, errors=3)
    for complaint in ("console: oh", "page: *ah", "a request left the machine: http://127.0.0.2:40004/x.png"):
        result.stdout.fnmatch_lines([f"*{complaint}*"])
