"""Tickets: pages and rates of a million of them in history."""

from __future__ import annotations

from collections.abc import Iterator

from bench import ticketpages
from bench.run import Bench, Figure


def run() -> Iterator[Figure]:
    """Yield the figures one by one, as they are measured."""
    yield from ticketpages.figures()


BENCH = Bench(
    "tickets", "a page, a count and a month's rates of 1,000,000 tickets, on SQLite and PostgreSQL", run, long=True
)
