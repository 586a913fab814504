"""What ``citywall check`` and ``citywall status`` say of a house without asking a server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app import main
from dashboard import status

CITIES = Path(__file__).resolve().parents[1] / "cities"
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
