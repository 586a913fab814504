"""What the roles have in common: how they speak, and how many files they may open."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

LOUD = """
import logging, sys
from dashboard.travel.roles import speak

speak(sys.argv[1])
for name in ("uvicorn.error", "websockets.client", "httpx", "web"):
    for level in (logging.DEBUG, logging.INFO, logging.WARNING):
        logging.getLogger(name).log(level, "said")
"""


@pytest.mark.parametrize(("level", "spoken"), [("DEBUG", 3), ("INFO", 2), ("WARNING", 1)])
def test_no_library_writes_down_headers_however_much_is_to_be_said(level: str, spoken: int) -> None:
    done = subprocess.run([sys.executable, "-c", LOUD, level], capture_output=True, text=True, check=True, timeout=30)
    heard = [(line["from"], line["level"]) for line in map(json.loads, done.stderr.splitlines())]
    assert ("uvicorn.error", "debug") not in heard
    assert [said for name, said in heard if name == "uvicorn.error"] == ["info", "warning"][-min(spoken, 2) :]
    assert [said for name, said in heard if name in ("websockets.client", "httpx")] == ["warning"] * 2
    assert [said for name, said in heard if name == "web"] == ["debug", "info", "warning"][-spoken:]
