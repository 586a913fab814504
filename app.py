"""The front door: reads the city file, wires the house and opens it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from dashboard.city import CityError, read_city
from dashboard.refusal import Refused
from dashboard.spool import SpoolFull

ROOT = Path(__file__).resolve().parent
SOURCE = ROOT if (ROOT / "pyproject.toml").is_file() else None  # Where the roles are started, in a source tree.
ROLES = ("feeds", "projector", "historian", "web", "courier")  # The last one only where there is an escalation.
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)
UNREAD = 60_000  # Milliseconds a connection to the web may hold what its peer does not take.


def city_file(name: str) -> Path:
    """A city's file: a path, or the name of one that comes with the house."""
    shipped = ROOT / "cities" / f"{name}.toml"
    return shipped if "/" not in name and shipped.is_file() else Path(name)


def home_of(args: argparse.Namespace, name: str) -> Path:
    """The folder in which everything of this city lives."""
    home = Path(args.home or os.environ.get("CITYWALL_HOME") or Path("var") / name).expanduser().absolute()
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (home / "run").mkdir(exist_ok=True, mode=0o700)
        probe = home / "run" / f"probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise Refused(f"the folder {home} cannot be written: {error.strerror}; name another with --home") from error
    return home


def house_of(args: argparse.Namespace) -> Any:
    """The house a role works in; addresses come from the environment, else from what the folder holds."""
    from dashboard.roles import House

    city = read_city(city_file(args.city))
    home = home_of(args, city.name)
    redis_url = os.environ.get("REDIS_URL")
    if not redis_url:
        from dashboard import valkey

        redis_url = valkey.ensure(home)
    return House(city, home, redis_url, os.environ.get("DATABASE_URL") or f"sqlite:///{home / 'history.db'}")


# -- the roles ------------------------------------------------------------------------------------------


def feeds_socket(home: Path) -> Path:
    """Where the feeds' process takes posts; a socket's path must be short, so it lies beside Valkey's."""
    from dashboard import valkey

    return valkey.runtime_folder(home) / "feeds.sock"


def role_feeds(args: argparse.Namespace) -> int:
    """Fetch from the sources, until stopped."""
    import uvicorn

    from dashboard.feeder import Feeder
    from dashboard.ingest import door

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
    from dashboard import projector
    from dashboard.roles import Stop

    projector.run(house_of(args), Stop().listen())
    return 0


def role_historian(args: argparse.Namespace) -> int:
    """Write the stream to SQL, until stopped."""
    from dashboard import historian
    from dashboard.roles import Stop

    historian.run(house_of(args), Stop().listen())
    return 0


def role_courier(args: argparse.Namespace) -> int:
    """Bring the messages of the escalation to those on duty, until stopped."""
    from dashboard import courier
    from dashboard.roles import Stop

    house = house_of(args)
    if house.city.escalation is None:
        raise Refused(f"{house.city.where}: has no [escalation], so there is nothing for a courier to do")
    courier.run(house, Stop().listen())
    return 0


def web_app(house: Any) -> Any:
    """The web process's ASGI app: the page, the link, the door and the state of the house."""
    from fastapi import FastAPI

    from dashboard import ingest, layer, ratepages, status, ticketpages
    from dashboard.feed import bind, rules_of
    from dashboard.history import History
    from dashboard.outlines import Gazetteer
    from dashboard.periods import Calendar
    from dashboard.push import Hub
    from dashboard.ticketquery import TicketQuery
    from dashboard.ticketwhere import Levels
    from dashboard.web import make_app, page_version

    rules = rules_of(house.city)
    places = rules.places
    version = page_version()
    hub = Hub(house.city, places, house.redis_url, version)
    bound = {feed.name: feed for feed in bind(house.city)}

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(hub.run())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    doors = [*hub.routes(), *ingest.routes(bound, feeds_socket(house.data), house.city.folder)]
    doors += status.routes(house.data, house.redis_url, hub)
    doors += layer.routes(house.city.name, places, house.redis_url)
    levels = Levels(rules.levels, places.root.level, rules.grassroots)
    query = TicketQuery(History(house.database_url), places, Calendar(house.city.tz), levels)
    sent = ticketpages.sent_by(house.database_url)
    pages = ticketpages.TicketPages(house.city, query, rules, ticketpages.moment_of(hub, house.city), sent)
    doors += [*pages.routes(), *ratepages.RatePages(pages).routes()]
    return make_app(
        house.city, places, Gazetteer.of(house.city, places), routes=doors, lifespan=lifespan, version=version,
        body_limits={"/ingest/": sys.maxsize},  # Each feed has its own limit; what is too large is counted there.
        desks={
            "tickets": ticketpages.grid_page(house.city), "ticket": ticketpages.face_page(house.city),
            "rates": ratepages.rates_page(house.city),
        },
    )  # fmt: skip


def web_server(web: Any, host: str, port: int) -> tuple[Any, socket.socket]:
    """A server for ``web``, and the socket it is to be run on."""
    import uvicorn

    config = uvicorn.Config(
        web, host=host, port=port, log_config=None, server_header=False, ws="websockets-sansio",
        ws_per_message_deflate=False, ws_max_size=65536, ws_ping_interval=None, timeout_graceful_shutdown=2,
        timeout_keep_alive=30, access_log=False,
    )  # fmt: skip
    listening = config.bind_socket()
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # A peer that takes nothing for so long is gone, and so is what it is owed.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD)
    return uvicorn.Server(config), listening


def role_web(args: argparse.Namespace) -> int:
    """Serve the screens, until stopped."""
    server, listening = web_server(web_app(house_of(args)), args.host, args.port)
    server.run(sockets=[listening])
    return 0 if server.started else 1


# -- commands ------------------------------------------------------------------------------------------------


def run(args: argparse.Namespace) -> int:
    """Start the whole house and keep it up."""
    from dashboard import status, supervisor
    from dashboard.daysoff import counted
    from dashboard.feed import rules_of
    from dashboard.outlines import Gazetteer

    city = read_city(city_file(args.city))
    rules = rules_of(city)
    places, years = rules.places, sorted(rules.calendar.known_years) if counted(rules.limits) else None
    Gazetteer.of(city, places).check()  # A fault in the city file is said here, and not by four roles.
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
    from dashboard.replay import replay as replay_batch

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
    from datetime import datetime

    from dashboard.daysoff import counted, unknown_years
    from dashboard.feed import bind, rules_of
    from dashboard.layout import all_layouts
    from dashboard.outlines import Gazetteer

    city = read_city(Path(args.file) if Path(args.file).exists() else city_file(args.file))
    rules, feeds = rules_of(city), bind(city)
    places = rules.places
    Gazetteer.of(city, places).check()
    for screen in city.screens:
        if screen not in all_layouts():
            raise CityError(
                f"{args.file}: screens: there is no layout {screen!r}; known are {', '.join(all_layouts())}"
            )
    print(f"{args.file} is good: {len(places)} places, {len(feeds)} feeds ({', '.join(feed.name for feed in feeds)})")
    if counted(rules.limits):
        for warning in unknown_years(rules.calendar.known_years, datetime.now(city.tz).date()):
            print(f"warning: {warning}")
    for name, channel in city.escalation.channels.items() if city.escalation else ():
        if channel.url_file and not city.path(channel.url_file).is_file():
            print(f"warning: escalation.channels.{name}: there is no file {city.path(channel.url_file)} yet")
    return 0


def show_status(args: argparse.Namespace) -> int:
    """Say how a running house is doing; where it runs is read from its folder, so no city file is needed."""
    from dashboard import status, valkey

    home = Path(args.home or os.environ.get("CITYWALL_HOME") or Path("var") / args.city).expanduser().absolute()
    about = status.running(home)
    if about is None:
        raise Refused(f"nothing has been started in {home} yet; name the house's folder with --home")
    url = os.environ.get("REDIS_URL") or valkey.address(home)
    found = status.status(home, url, about["city"], about["root"])
    if args.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for line in status.lines(found):
            print(line)
    return 1 if found["problems"] else 0


def feed_try(args: argparse.Namespace) -> int:
    """Fetch once from a feed and print what would be sent; nothing is stored."""
    from dashboard.feedtry import attempt

    city = read_city(city_file(args.city))
    return asyncio.run(attempt(city, args.name, args.limit, sys.stdin.buffer.read if args.stdin else None))


def feed_rejected(args: argparse.Namespace) -> int:
    """List what a feed has refused, newest first."""
    from dashboard.spool import Spool

    city = read_city(city_file(args.city))
    file = home_of(args, city.name) / "spool" / f"{args.name}.db"
    if not file.is_file():
        raise Refused(f"the feed {args.name} of {city.name} has not stored anything in {file.parent} yet")
    spool = Spool(file)
    letters = list(spool.letters(args.limit))
    if args.json:
        print(
            json.dumps(
                [{name: getattr(letter, name) for name in letter.__slots__} for letter in letters], ensure_ascii=False
            )
        )
    else:
        for reason, n in spool.reasons().items():
            print(f"{n:8,}  {reason}")
        for reason, n in spool.reasons(kept=True).items():
            print(f"{n:8,}  {reason} (passed, with this flaw)")
        for letter in letters:
            shown = "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in letter.raw[:500])
            print(f"\n{letter.reason} at {letter.where or 'the payload'}: {letter.detail}\n  {shown}")
    spool.close()
    return 0


def gallery(args: argparse.Namespace) -> int:
    """Render every panel and layout as pictures, and list what is wrong with them."""
    from dashboard.gallery import SIZES, THEMES, Wanted, hang

    try:
        sizes = tuple((int(w), int(h)) for w, h in (size.split("x") for size in args.size)) or SIZES
    except ValueError:
        raise Refused(f"--size takes width x height such as 1920x1080; found {' '.join(args.size)}") from None
    wanted = Wanted(
        tuple(args.panel), tuple(args.layout), sizes, tuple(args.language), tuple(args.theme) or THEMES,
        tuple(args.face), args.everything,
    )  # fmt: skip
    taken = hang(
        read_city(city_file(args.city)), Path(args.folder).expanduser(), wanted,
        lambda line: print(line, flush=True), simulated=not args.examples,
    )  # fmt: skip
    defects = sum(len(picture.defects) for picture in taken)
    print(f"{len(taken)} pictures in {args.folder}/index.html, {defects} defects in {args.folder}/defects.json")
    return 1 if defects else 0


def show_messages(args: argparse.Namespace) -> int:
    """List the messages of the escalation, newest first, or have some sent again."""
    from dataclasses import asdict

    from dashboard.history import HistoryFailed
    from dashboard.messages import Messages, lines

    home = home_of(args, read_city(city_file(args.city)).name)
    outbox = Messages(os.environ.get("DATABASE_URL") or f"sqlite:///{home / 'history.db'}")
    try:
        outbox.prepare()
        if args.resend or args.resend_failed:
            again = outbox.resend(args.resend)
            print(f"{again} {'message is' if again == 1 else 'messages are'} sent again")
            return 0 if again or not args.resend else 1
        found = outbox.newest(args.limit, failed=args.failed, ticket=args.ticket)
        if args.json:
            rows = [{"id": message.id, **asdict(message)} for message in found]
            print(json.dumps({"counts": outbox.counts(), "messages": rows}, ensure_ascii=False, indent=2))
        else:
            for line in lines(found, outbox.counts()):
                print(line)
    except HistoryFailed as error:
        raise Refused(f"the log of the messages cannot be read: {error}") from error
    finally:
        outbox.close()
    return 0


def freeze(args: argparse.Namespace) -> int:
    """Freeze a month's rates, or compare frozen ones with what they would be today."""
    from time import time

    from redis import Redis
    from redis.exceptions import RedisError

    from dashboard.feed import rules_of
    from dashboard.frozen import Frozen, lines
    from dashboard.history import History, HistoryFailed
    from dashboard.periods import Calendar
    from dashboard.ticketquery import TicketQuery

    house = house_of(args)
    rules, now = rules_of(house.city), time()
    with contextlib.suppress(RedisError, OSError, ValueError), Redis.from_url(house.redis_url) as redis:
        said = redis.get(house.keys.pulse)
        now = float(json.loads(said)["as_of"]) if isinstance(said, bytes) else now
    frozen = Frozen(TicketQuery(History(house.database_url), rules.places, Calendar(rules.zone)), rules)
    try:
        if args.check:
            known = frozen.month(args.month)
            if known is None:
                raise Refused(f"{args.month} is not frozen")
            changed = frozen.differences(args.month)
            if known.digest != frozen.digest:
                print(f"the rules are others now: {known.digest} then, {frozen.digest} now")
            for (by, name, rate), before, after in changed:
                where = f"{by} {name}".strip() or "all"
                print(f"{where}: {rate} {before.part}/{before.whole}, today {after.part}/{after.whole}")
            print(f"{len(changed)} figures of {args.month} would be others today")
            return 1 if changed else 0
        made = frozen.freeze(args.month, args.by or "", now, again=args.again)
        for text in lines(made, frozen.kept(args.month)):
            print(text)
    except HistoryFailed as error:
        raise Refused(f"the tickets cannot be read: {error}") from error
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
    made = add("status", show_status, "say how a running house is doing")
    made.add_argument("--json", action="store_true", help="as JSON")
    made = commands.add_parser("check", help="read a city file without starting anything")
    made.add_argument("file")
    made.set_defaults(work=check)
    made = commands.add_parser("feed", help="try a feed, or list what it has refused")
    inner = made.add_subparsers(dest="what", metavar="try|rejected", required=True)
    for what, work, text in (
        ("try", feed_try, "fetch once and print what would be sent"),
        ("rejected", feed_rejected, "list what was refused"),
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
    made.set_defaults(work=gallery)

    made = add("messages", show_messages, "what the escalation sent to whom, when, and whether it arrived")
    made.add_argument("--limit", type=int, default=50, help="how many, newest first (default 50)")
    made.add_argument("--failed", action="store_true", help="only what has not arrived though it was tried")
    made.add_argument("--ticket", default="", help="only those about one ticket, named as source|number")
    made.add_argument("--json", action="store_true", help="as JSON")
    made.add_argument("--resend", metavar="ID", help="send a message again")
    made.add_argument("--resend-failed", action="store_true", help="send all that failed again")
    made = add("freeze", freeze, "freeze a month's rates, so that they stay as they were reported")
    made.add_argument("month", help="such as 2026-10; it has to be over")
    made.add_argument("--by", metavar="NAME", help="who freezes it; the name is kept with the figures")
    made.add_argument("--again", action="store_true", help="freeze it once more, as another version")
    made.add_argument("--check", action="store_true", help="only tell which frozen figures would be others today")
    made = commands.add_parser("bench", help="measure; results as JSON with --json FILE")
    made.add_argument("names", nargs="*", help="what to measure (default: all that is short)")
    made.add_argument("--json", metavar="FILE")
    made.add_argument("--minutes", type=float, help="fuzz: for how long each kind (default 4)")
    made.add_argument("--kind", action="append", help="fuzz: this kind of feed alone (may be repeated)")
    made.add_argument("--keep", action="store_true", help="fuzz: keep cases that reach new lines in tests/corpus")
    made.set_defaults(work=bench)
    return top


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit code is 0 if it was done."""
    from dashboard.roles import speak

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
