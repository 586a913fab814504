"""The houses that the browser tests look at."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.screen import Board, Screen, board_of
from tests.servers import House, until

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture(scope="session")
def demo() -> Iterator[House]:
    """The simulated district, running; the tests that look at it come last."""
    with House(command="demo") as house:
        with board_of(house, "nanhai", "440605") as board:
            until(lambda: caught_up(board), 240, "the district has told its past")
        yield house


def caught_up(board: Board) -> bool:
    """Whether the simulated weeks, some 93,000 tickets, have been told: from then on one comes twice a minute; and
    whether every source has been heard.
    """
    if any(feed["state"] != "live" for feed in board.view("feeds", board.root)["data"]["feeds"]):
        return False
    before = board.view("tickets", board.root)["data"]["total"]
    time.sleep(0.7)
    return bool(board.view("tickets", board.root)["data"]["total"] - before < 20 and before > 85_000)


@pytest.fixture(scope="module")
def demo_board(demo: House) -> Iterator[Board]:
    """Its board."""
    with board_of(demo, "nanhai", "440605") as board:
        yield board


@pytest.fixture
def screen(page: Page, demo: House) -> Screen:
    """An empty screen beside the simulated district."""
    return Screen(page, demo)
