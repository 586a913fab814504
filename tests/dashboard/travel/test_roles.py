"""What the roles have in common: how they speak, and how many files they may open."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import ROOT

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


WEB = """
import resource
from app import main
from dashboard.doors import site

class Server:
    started = True

    def run(self, sockets):
        print(resource.getrlimit(resource.RLIMIT_NOFILE))

site.web_app, site.web_server = (lambda house: None), (lambda web, host, port: (Server(), None))
main(["web", "--home", "."])
"""


def test_the_web_s_process_may_have_as_many_screens_as_the_system_allows(tmp_path: Path) -> None:
    hard = min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    done = subprocess.run(
        [sys.executable, "-c", WEB], capture_output=True, text=True, check=True, timeout=60, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "REDIS_URL": "redis://127.0.0.1:1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard)),
    )  # fmt: skip
    assert done.stdout.strip() == str((hard, hard))
