"""What ``citywall check`` and ``citywall status`` say of a house without asking a server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from time import time

import pytest

from app import main
from dashboard.doors import status
from dashboard.travel.messages import Message, Messages, Outcome

CITIES = Path(__file__).resolve().parents[2] / "cities"
TOWN = (CITIES / "good.toml").read_text(encoding="utf-8").replace('"places.csv"', f'"{CITIES / "places.csv"}"')
TOWN = TOWN.replace('"outlines.geojson"', f'"{CITIES / "outlines.geojson"}"')


def test_years_that_are_not_known_are_warned_of(tmp_path: Path) -> None:
    year = datetime.now(UTC).year
    status.note(tmp_path, "town", "T", list(range(year - 1, year + 2)))
    assert status.warnings(tmp_path) == []
    status.note(tmp_path, "town", "T", [1999])
    assert status.warnings(tmp_path)[0].startswith("the public holidays of 20")
    assert "known" in status.warnings(tmp_path)[0]
    status.note(tmp_path, "town", "T")  # No limit runs by working time.
    assert status.warnings(tmp_path) == []


@pytest.mark.parametrize(("default", "warned"), [('default = "2工作日"', True), ("default_hours = 48", False)])
def test_check_warns_too(tmp_path: Path, capsys: pytest.CaptureFixture[str], default: str, warned: bool) -> None:
    file = tmp_path / "town.toml"
    file.write_text(TOWN.replace("[limits]\n", f"[limits]\n{default}\n"), encoding="utf-8")
    assert main(["check", str(file)]) == 0
    said = capsys.readouterr().out
    assert "is good" in said
    assert ("warning: the public holidays of" in said) == warned


def test_the_log_of_the_messages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    file = tmp_path / "town.toml"
    file.write_text(TOWN, encoding="utf-8")
    words = ["messages", "--city", str(file), "--home", str(tmp_path / "home")]
    assert main(words) == 0
    assert "0 failed" in capsys.readouterr().out
    outbox = Messages(f"sqlite:///{tmp_path / 'home' / 'history.db'}")
    step = "hotline|7|1.000000|overdue"
    facts = (step, "sms", "hotline|7", "overdue", "duty", "东区", 60.0, 61.0, "镇", "已超期：灯不亮")
    outbox.take([Message(*facts)])
    (under_way,) = outbox.claim({"sms": 1}, 100.0)
    outbox.settle([Outcome(under_way.step, "sms", "failed", 100.0, "answered_401")])
    assert main([*words, "--failed", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["counts"]["failed"] == 1
    assert [(one["id"], one["state"], one["error"]) for one in said["messages"]] == [
        (f"{step}|sms", "failed", "answered_401")
    ]
    assert main([*words, "--ticket", "hotline|8"]) == 0
    assert "已超期" not in capsys.readouterr().out
    assert main([*words, "--resend", "nothing"]) == 1
    assert main([*words, "--resend-failed"]) == 0
    assert "1 message is sent again" in capsys.readouterr().out
    assert outbox.counts()["waiting"] == 1
    outbox.close()


def test_a_courier_without_an_escalation_has_nothing_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                                           monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    file = tmp_path / "town.toml"
    file.write_text(TOWN, encoding="utf-8")
    assert main(["courier", "--city", str(file), "--home", str(tmp_path)]) == 2
    assert "has no [escalation]" in capsys.readouterr().err


def test_what_the_courier_complains_of_is_said() -> None:
    said = list(status._complaints({"failing": {"sms": "answered_401"}, "failed": 3}))
    assert said[0] == "the channel sms takes no messages: answered_401"
    assert said[1].startswith("3 messages did not arrive")
    base = {"roles": {"courier": {"alive": True}}, "board": {"wall": time()}, "readers": {"historian": {"lag": 0}}}
    assert list(status._problems({**base, "courier": {"at": time()}})) == []
    assert list(status._problems({**base, "courier": None})) == ["the courier has not spoken of late"]
