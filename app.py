"""The front door: reads the city file, wires the house and opens it."""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from dashboard.city import CityError, read_city
from dashboard.doors import console
from dashboard.doors.console import city_file, home_of, house_of
from dashboard.refusal import Refused
from dashboard.travel.spool import SpoolFull

ROOT = Path(__file__).resolve().parent
SOURCE = ROOT if (ROOT / "pyproject.toml").is_file() else None  # Where the roles are started, in a source tree.
ROLES = ("feeds", "projector", "historian", "web", "courier")  # The last one only where there is an escalation.
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)


# -- the roles ------------------------------------------------------------------------------------------


def role_feeds(args: argparse.Namespace) -> int:
    """Fetch from the sources, until stopped."""
    import uvicorn

    from dashboard.travel.feeder import Feeder
    from dashboard.travel.ingest import door, feeds_socket

    house = house_of(args)
    feeder = Feeder(house)
    door_socket = feeds_socket(house.data)
    door_socket.unlink(missing_ok=True)

    async def work() -> None:
        server = uvicorn.Server(
            uvicorn.Config(door(feeder), uds=str(door_socket), log_config=None, lifespan="off", access_log=False)
        )
        tasks = [asyncio.create_task(feeder.run()), asyncio.create_task(server.serve())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    try:
        asyncio.run(work())
    finally:
        feeder.close()
    return 0


def role_projector(args: argparse.Namespace) -> int:
    """Fold the stream into the board, until stopped."""
    from dashboard.travel import projector
    from dashboard.travel.roles import Stop

    projector.run(house_of(args), Stop().listen())
    return 0


def role_historian(args: argparse.Namespace) -> int:
    """Write the stream to SQL, until stopped."""
    from dashboard.travel import historian
    from dashboard.travel.roles import Stop

    historian.run(house_of(args), Stop().listen())
    return 0


def role_courier(args: argparse.Namespace) -> int:
    """Bring the messages of the escalation to those on duty, until stopped."""
    from dashboard.travel import courier
    from dashboard.travel.roles import Stop

    house = house_of(args)
    if house.city.escalation is None:
        raise Refused(f"{house.city.where}: has no [escalation], so there is nothing for a courier to do")
    courier.run(house, Stop().listen())
    return 0


def role_web(args: argparse.Namespace) -> int:
    """Serve the screens, until stopped."""
    from dashboard.doors.site import web_app, web_server
    from dashboard.travel.roles import roomy

    roomy()
    server, listening = web_server(web_app(house_of(args)), args.host, args.port)
    server.run(sockets=[listening])
    return 0 if server.started else 1


# -- commands ------------------------------------------------------------------------------------------------


def run(args: argparse.Namespace) -> int:
    """Start the whole house and keep it up."""
    from dashboard.daysoff import counted
    from dashboard.doors import status, supervisor
    from dashboard.ground.outlines import Gazetteer
    from dashboard.screens.keynumber import chosen
    from dashboard.screens.panel import all_panels
    from dashboard.screens.screens import Stage
    from dashboard.sources.feed import rules_of

    city = read_city(city_file(args.city))
    rules = rules_of(city)
    places, years = rules.places, sorted(rules.calendar.known_years) if counted(rules.limits) else None
    Gazetteer.of(city, places).check()  # A fault in the city file is said here, and not by four roles.
    Stage(city, places).check(all_panels())
    chosen(city)
    home = home_of(args, city.name)
    idle = {"courier"} if city.escalation is None or city.replayed else set()  # Nobody is told of what was long ago.
    wanted = [role for role in ROLES if role not in {*args.without, *idle}]
    if "web" in wanted:
        supervisor.claim_port(args.host, args.port)
    common = ["--city", str(city_file(args.city)), "--home", str(home), "--host", args.host, "--port", str(args.port)]
    commands = {role: [sys.executable, "-P", "-m", "app", role, *common] for role in wanted}

    def held() -> None:
        status.note(home, city.name, places.root.code, years)
        if "web" in wanted:
            print(f"citywall: {city.title.en} at http://{args.host}:{args.port}/", flush=True)

    return supervisor.run(commands, home, valkey=not os.environ.get("REDIS_URL"), held=held)


def demo(args: argparse.Namespace) -> int:
    """Run the simulated district."""
    args.city, args.without = "nanhai", []
    return run(args)


def replay(args: argparse.Namespace) -> int:
    """Feed a real city's recorded cases through the whole house."""
    from dashboard.doors.replay import replay as replay_batch

    data = Path(args.data).expanduser().absolute()
    if not data.is_dir():
        raise Refused(f"the folder {data} is not there; name the one with the recorded cases with --data")
    batch = args.speed == "max"
    try:
        fits = batch or 0 < float(args.speed) <= 1_000_000
    except ValueError:
        fits = False
    if not fits:
        raise Refused(f"--speed takes a number above 0, or max; found {args.speed!r}")
    os.environ[args.city.upper()], os.environ["REPLAY"] = str(data), args.speed
    args.home = str(home_of(args, f"{args.city}-{'max' if batch else 'live'}"))
    args.without = []
    if not batch:
        return run(args)
    words = ["run", "--city", str(city_file(args.city)), "--home", args.home, "--without", "web"]
    written = replay_batch(house_of(args), [sys.executable, "-P", "-m", "app", *words], SOURCE)
    if args.report:
        Path(args.report).write_text(json.dumps(written, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    del written["places"]
    print(json.dumps(written, ensure_ascii=False, indent=2))
    return 0


def check(args: argparse.Namespace) -> int:
    """Read a city file without starting anything."""
    from datetime import UTC, datetime

    from dashboard.daysoff import counted, unknown_years
    from dashboard.ground.outlines import Gazetteer
    from dashboard.screens.keynumber import chosen
    from dashboard.screens.layout import all_layouts
    from dashboard.screens.panel import all_panels, check_rests
    from dashboard.screens.screens import Stage
    from dashboard.screens.tiles import sources
    from dashboard.sources.feed import Context, bind, rules_of

    city = read_city(Path(args.file) if Path(args.file).exists() else city_file(args.file))
    rules, feeds = rules_of(city), bind(city)
    places = rules.places
    gazetteer = Gazetteer.of(city, places)
    gazetteer.check()
    chosen(city)
    sources(city, Context(city, places, gazetteer, None, lambda: datetime.now(UTC), city.folder), city.folder)
    for screen in city.screens:
        if screen not in all_layouts():
            raise CityError(
                f"{args.file}: screens: there is no layout {screen!r}; known are {', '.join(all_layouts())}"
            )
    check_rests(city)
    Stage(city, places).check(all_panels())
    print(f"{args.file} is good: {len(places)} places, {len(feeds)} feeds ({', '.join(feed.name for feed in feeds)})")
    if counted(rules.limits):
        for warning in unknown_years(rules.calendar.known_years, datetime.now(city.tz).date()):
            print(f"warning: {warning}")
    for name, channel in city.escalation.channels.items() if city.escalation else ():
        if channel.url_file and not city.path(channel.url_file).is_file():
            print(f"warning: escalation.channels.{name}: there is no file {city.path(channel.url_file)} yet")
    return 0


def bench(args: argparse.Namespace) -> int:
    """Measure."""
    from bench.run import main as measure

    return int(measure(args.names, args.json, vars(args)))


# -- the command line ----------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(prog="citywall", description="One screen knows the whole city.")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(
        name: str, work: Callable[[argparse.Namespace], int], text: str, *, city: bool = True, web: bool = False
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(work=work)
        if city:
            default = os.environ.get("CITYWALL_CITY", "nanhai")
            made.add_argument(
                "--city", default=default, help=f"a city file, or the name of one in cities/ (default {default})"
            )
        made.add_argument("--home", help="the folder for all of this city's data (default var/<city>)")
        if web:
            made.add_argument(
                "--host", default="127.0.0.1", help="the address to serve at (default 127.0.0.1, this machine only)"
            )
            made.add_argument("--port", type=int, default=8050, help="the port to serve at (default 8050)")
        return made

    add("demo", demo, "run the simulated district of Nanhai", city=False, web=True)
    made = add("run", run, "run a city: feeds, projector, historian and web, kept up", web=True)
    made.add_argument(
        "--without", action="append", default=[], choices=ROLES, help="leave a role out; it may run elsewhere"
    )
    for role, work in (
        ("feeds", role_feeds),
        ("projector", role_projector),
        ("historian", role_historian),
        ("web", role_web),
        ("courier", role_courier),
    ):
        add(role, work, f"run the role {role} alone", web=True)
    made = add("replay", replay, "feed a real city's recorded cases through the whole house", city=False, web=True)
    made.add_argument("city", help="the name of a city file in cities/, such as boston")
    made.add_argument("--data", required=True, help="the folder with the recorded cases")
    made.add_argument("--speed", default="600", help="times real time, or max for a batch run that ends (default 600)")
    made.add_argument("--report", help="with --speed max: the file to write the report to, as JSON")
    made = add("status", console.show_status, "say how a running house is doing")
    made.add_argument("--json", action="store_true", help="as JSON")
    made = commands.add_parser("check", help="read a city file without starting anything")
    made.add_argument("file")
    made.set_defaults(work=check)
    made = commands.add_parser("feed", help="try a feed, or list what it has refused")
    inner = made.add_subparsers(dest="what", metavar="try|rejected", required=True)
    for what, work, text in (
        ("try", console.feed_try, "fetch once and print what would be sent"),
        ("rejected", console.feed_rejected, "list what was refused"),
    ):
        made = inner.add_parser(what, help=text, description=text)
        made.add_argument("name")
        made.add_argument("--city", default=os.environ.get("CITYWALL_CITY", "nanhai"))
        made.add_argument("--home")
        made.add_argument("--limit", type=int, default=20)
        made.add_argument("--json", action="store_true")
        made.add_argument(
            "--stdin", action="store_true", help="for feeds that are posted to: read the body from standard input"
        )
        made.set_defaults(work=work)
    made = commands.add_parser("gallery", help="every panel and layout as pictures, with a list of their defects")
    made.add_argument("folder", help="where the pictures, index.html and defects.json go")
    made.add_argument("--city", default=os.environ.get("CITYWALL_CITY", "nanhai"))
    for name, text in (
        ("panel", "only these panels, each cut out"), ("layout", "only these layouts"),
        ("size", "only these sizes, such as 3840x2160"), ("language", "only these languages"),
        ("theme", "only these themes: dark, light"), ("face", "only these faces, such as normal, late, long"),
    ):  # fmt: skip
        made.add_argument(f"--{name}", action="append", default=[], help=text)
    made.add_argument("--everything", action="store_true", help="every face at every size")
    made.add_argument(
        "--examples", action="store_true", help="from the panels' examples alone, without a simulated past"
    )
    made.add_argument(
        "--jobs", type=int, default=1, choices=range(1, 33), metavar="N", help="so many at a time (default 1)"
    )
    made.set_defaults(work=console.gallery)
    text = "list the captions of the screens, Chinese beside English, and name those that lack one of the two"
    made = commands.add_parser("words", help=text, description=text)
    made.add_argument("--language", choices=("zh", "en"), help="only the texts of this language (default both)")
    made.add_argument("--find", default="", metavar="TEXT", help="only captions that hold this, in either language")
    made.add_argument("--csv", metavar="FILE", help="into this file for a spreadsheet: where, zh, en")
    made.set_defaults(work=console.words)
    made = add("messages", console.show_messages, "what the escalation sent to whom, when, and whether it arrived")
    made.add_argument("--limit", type=int, default=50, help="how many, newest first (default 50)")
    made.add_argument("--failed", action="store_true", help="only what has not arrived though it was tried")
    made.add_argument("--ticket", default="", help="only those about one ticket, named as source|number")
    made.add_argument("--json", action="store_true", help="as JSON")
    made.add_argument("--resend", metavar="ID", help="send a message again")
    made.add_argument("--resend-failed", action="store_true", help="send all that failed again")
    made = add("freeze", console.freeze, "freeze a month's rates, so that they stay as they were reported")
    made.add_argument("month", help="such as 2026-10; it has to be over")
    made.add_argument("--by", metavar="NAME", help="who freezes it; the name is kept with the figures")
    made.add_argument("--again", action="store_true", help="freeze it once more, as another version")
    made.add_argument("--check", action="store_true", help="only tell which frozen figures would be others today")
    made = commands.add_parser("bench", help="measure; results as JSON with --json FILE")
    made.add_argument("names", nargs="*", help="what to measure (default: all that is short)")
    made.add_argument("--json", metavar="FILE")
    made.add_argument("--strict", action="store_true", help="exit with 1 where a figure misses its bar")
    made.add_argument(
        "--minutes", type=float, help="fuzz: for how long each kind (default 4); endurance: for how long (default 60)"
    )
    made.add_argument("--kind", action="append", help="fuzz: this kind of feed alone (may be repeated)")
    made.add_argument("--keep", action="store_true", help="fuzz: keep cases that reach new lines in tests/corpus")
    made.set_defaults(work=bench)
    return top


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit code is 0 if it was done."""
    from dashboard.travel.roles import speak

    args = parser().parse_args(words)
    speak(
        os.environ.get(
            "CITYWALL_LOG", "INFO" if args.command in ROLES or args.command in ("run", "demo") else "WARNING"
        )
    )
    try:
        return int(args.work(args))
    except (CityError, Refused, SpoolFull) as error:
        print(f"citywall: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        where = error.filename or getattr(args, "home", None) or "the data folder"
        remedy = "make room or give this user the right to write, or name another folder with --home"
        print(f"citywall: {where} cannot be written: {error.strerror}; {remedy}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
