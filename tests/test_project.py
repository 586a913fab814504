"""The project itself: its locks, its script, its floors and its captions."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-test.lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def tracked() -> list[Path]:
    """The files of the project: what git knows, or what lies there when it was unpacked without git."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    skipped = {".venv", "var", "build", "__pycache__"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not skipped & set(path.relative_to(ROOT).parts)]


def pins(lock: str) -> dict[str, set[str]]:
    """Requirement (name, version and condition) → its hashes."""
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {
        line.partition("--hash")[0].strip(): set(re.findall(r"--hash=(sha256:[0-9a-f]{64})", line)) for line in lines
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_and_hashes_everything_and_names_no_address(lock: str) -> None:
    found = pins(lock)
    assert len(found) > 40
    for requirement, hashes in found.items():
        assert re.match(r"[a-z0-9][a-z0-9-]*==[0-9][^ ;]*( ; .+)?$", requirement), requirement
        assert hashes, requirement
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    assert not re.search(r"://|index-url|find-links|trusted-host|file:| @ |(^|\s)/", text, re.MULTILINE)


def test_the_tests_run_on_what_is_shipped() -> None:
    run, test = (pins(lock) for lock in LOCKS)
    assert {name: test.get(name) for name in run} == run


def test_what_the_project_asks_for_is_in_the_locks() -> None:
    project = PROJECT["project"]
    asked = {
        "requirements.lock": [*project["dependencies"], *project["optional-dependencies"]["postgres"]],
        "requirements-test.lock": project["optional-dependencies"]["test"],
    }
    for lock, requirements in asked.items():
        pinned = {requirement.partition("==")[0] for requirement in pins(lock)}
        names = {re.split(r"[\[<>=!;, ]", requirement, maxsplit=1)[0].lower() for requirement in requirements}
        assert names <= pinned


def test_each_module_says_in_its_first_line_what_it_is() -> None:
    without = []
    for path in tracked():
        if path.suffix == ".py" and not path.is_relative_to(ROOT / "tests"):
            words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
            if not words or not words.splitlines()[0].rstrip().endswith((".", ":")):
                without.append(str(path.relative_to(ROOT)))
    assert not without, f"these modules say nothing of themselves in their first line: {without}"


def test_no_module_is_longer_than_400_lines() -> None:
    ours = [path.relative_to(ROOT) for path in tracked() if path.suffix in {".py", ".mjs", ".css"}]
    ours = [path for path in ours if path.parts[0] != "tests" and "vendor" not in path.parts]
    assert {path.parts[0] for path in ours} >= {"app.py", "assets", "bench", "dashboard", "feeds", "layouts", "panels"}
    lengths = {str(path): len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in ours}
    assert not {path: length for path, length in lengths.items() if length > 400}


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment whose PATH has the few tools the script uses, and no Python."""
    for tool in ("sh", "dirname", "cat", "cmp", "readlink", "grep", "tail", "rm", "cp"):
        found = next(path for folder in ("/usr/bin", "/bin") if (path := Path(folder, tool)).exists())
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / tool).symlink_to(found)
    return {"PATH": str(tmp_path / "bin")}


def copy_of_the_script(folder: Path) -> Path:
    """The script with its locks in a folder of its own, where it has no environment yet."""
    folder.mkdir()
    for name in ("citywall", *LOCKS):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    (folder / "citywall").chmod(0o755)
    return folder / "citywall"


def start(script: Path, env: dict[str, str]) -> tuple[int, str]:
    """Exit code of the script and what it said."""
    done = subprocess.run([str(script), "--help"], env=env, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr


def test_without_python_the_script_says_what_to_install(tmp_path: Path, bare: dict[str, str]) -> None:
    code, said = start(copy_of_the_script(tmp_path / "project"), bare)
    assert code == 1
    assert said.startswith("citywall: Python 3.11 or newer is needed and was not found. Install it")
    assert said.count("\n") == 1


def test_with_an_old_python_the_script_names_it(tmp_path: Path, bare: dict[str, str]) -> None:
    old = tmp_path / "bin" / "python3"
    old.write_text("#!/bin/sh\necho 3.9\nexit 1\n")
    old.chmod(0o755)
    code, said = start(copy_of_the_script(tmp_path / "project"), bare)
    assert code == 1
    assert "; python3 is 3.9. Install it" in said


def test_a_python_without_venv_is_told_apart(tmp_path: Path, bare: dict[str, str]) -> None:
    python = tmp_path / "bin" / "python3"
    python.write_text("#!/bin/sh\ncase $2 in *ensurepip*) exit 1 ;; esac\necho 3.12\n")
    python.chmod(0o755)
    code, said = start(copy_of_the_script(tmp_path / "project"), bare)
    assert code == 1
    assert "install its venv module" in said


def test_a_half_made_environment_is_not_taken_for_a_whole_one(tmp_path: Path, bare: dict[str, str]) -> None:
    script = copy_of_the_script(tmp_path / "project")
    venv = script.parent / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(ROOT / ".venv" / "bin" / "python")
    (venv / ".requirements.lock").write_bytes((script.parent / "requirements.lock").read_bytes())
    code, said = start(script, bare)  # No stamp says that it was finished, so it looks for a Python to make it anew.
    assert code == 1
    assert "Python 3.11 or newer is needed" in said


def test_the_old_environment_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    """A house runs from the old one: where no package can be fetched it goes on, and else it is whole at any moment."""
    script = copy_of_the_script(tmp_path / "project")
    root, venv = script.parent, script.parent / ".venv"
    (root / "app.py").write_text("import sys\n\n\ndef main():\n    print(sys.prefix, file=sys.stderr)\n")
    venv.mkdir()
    (venv / "of-the-house-that-runs").touch()
    without = tmp_path / "python"  # Makes environments into which nothing can be brought.
    without.write_text(f'#!/bin/sh\n[ "$2" != venv ] || set -- "$@" --without-pip\nexec "{sys.executable}" "$@"\n')
    without.chmod(0o755)
    code, said = start(script, {"PATH": os.environ["PATH"], "CITYWALL_PYTHON": str(without)})
    assert code == 1
    assert "the environment could not be made" in said
    assert "No module named pip" in Path(said.rpartition("See ")[2].strip()).read_text()
    assert [file.name for file in venv.iterdir()] == ["of-the-house-that-runs"]
    (root / "requirements.lock").write_text("# Nothing is needed.\n")
    code, said = start(script, {"PATH": os.environ["PATH"], "CITYWALL_PYTHON": sys.executable})
    assert code == 0
    assert said.splitlines()[-1] == str(venv)
    assert {file.name for file in root.iterdir() if file.is_dir()} == {".venv"}
    assert not (venv / "of-the-house-that-runs").exists()
    words = b"".join(file.read_bytes() for file in (venv / "bin").iterdir() if not file.is_symlink())
    assert str(venv).encode() in words
    assert b".venv.new" not in words + (venv / "pyvenv.cfg").read_bytes()
    again = {"PATH": os.environ["PATH"], "CITYWALL_PYTHON": "/nowhere", "PYTHONDONTWRITEBYTECODE": "1"}
    assert start(script, again) == (0, f"{venv}\n")
    assert list((venv / "cache").rglob("app.*.pyc")), "what is used is compiled once"


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    script = copy_of_the_script(tmp_path / "project")
    script.parent.chmod(0o555)
    code, said = start(script, {"PATH": os.environ["PATH"]})
    assert code == 1
    assert said.endswith("cannot be written to: allow it, or copy the project elsewhere.\n")


@pytest.mark.skipif(not (ROOT / ".venv" / ".made").exists(), reason="the environment was not made by ./citywall")
def test_a_second_start_finds_everything_made() -> None:
    env = {"PATH": "/usr/bin:/bin", "CITYWALL_PYTHON": "/nowhere"}  # It must not look for one.
    code, said = start(ROOT / "citywall", env)
    assert (code, said) == (0, "")
