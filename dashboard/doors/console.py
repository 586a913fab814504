"""The console: where a city and its house are found, and what an engineer asks of a house from the command line."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path

from dashboard.city import read_city
from dashboard.refusal import Refused
from dashboard.travel.roles import House

ROOT = Path(__file__).resolve().parents[2]


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


def house_of(args: argparse.Namespace) -> House:
    """The house a role works in; addresses come from the environment, else from what the folder holds."""
    city = read_city(city_file(args.city))
    home = home_of(args, city.name)
    redis_url = os.environ.get("REDIS_URL")
    if not redis_url:
        from dashboard.travel import valkey

        redis_url = valkey.ensure(home)
    return House(city, home, redis_url, os.environ.get("DATABASE_URL") or f"sqlite:///{home / 'history.db'}")


# -- commands ------------------------------------------------------------------------------------------------


def show_status(args: argparse.Namespace) -> int:
    """Say how a running house is doing; where it runs is read from its folder, so no city file is needed."""
    from dashboard.doors import status
    from dashboard.travel import valkey

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
    from dashboard.doors.feedtry import attempt

    city = read_city(city_file(args.city))
    return asyncio.run(attempt(city, args.name, args.limit, sys.stdin.buffer.read if args.stdin else None))


def feed_rejected(args: argparse.Namespace) -> int:
    """List what a feed has refused, newest first."""
    from dashboard.travel.spool import Spool

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
    from dashboard.doors.gallery import SIZES, THEMES, Wanted, hang

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
        lambda line: print(line, flush=True), simulated=not args.examples, jobs=args.jobs,
    )  # fmt: skip
    defects = sum(len(picture.defects) for picture in taken)
    print(f"{len(taken)} pictures in {args.folder}/index.html, {defects} defects in {args.folder}/defects.json")
    return 1 if defects else 0


def words(args: argparse.Namespace) -> int:
    """List the captions of the screens in one language or in both; those that lack one are named."""
    import csv

    from dashboard.doors.catalogue import gathered, grouped, lines

    catalogue = gathered(ROOT)
    if args.csv:
        file = Path(args.csv).expanduser()
        try:
            with file.open("w", encoding="utf-8-sig", newline="") as stream:  # By its mark a spreadsheet knows UTF-8.
                table = csv.writer(stream)
                table.writerow(("where", "zh", "en"))
                found = grouped(catalogue.captions, find=args.find)
                table.writerows((", ".join(places), *texts) for texts, places in found.items())
        except OSError as error:
            raise Refused(f"{file} cannot be written: {error.strerror}; name another file with --csv") from error
        print(f"{len(found)} captions in {file}")
    else:
        found = grouped(catalogue.captions, args.language, args.find)
        for line in lines(found):
            print(line)
    if args.find and not found:
        print(f"citywall: no caption holds {args.find!r}", file=sys.stderr)
    for fault in catalogue.amiss:
        print(f"citywall: {fault}", file=sys.stderr)
    return 1 if catalogue.amiss else 0


def show_messages(args: argparse.Namespace) -> int:
    """List the messages of the escalation, newest first, or have some sent again."""
    from dataclasses import asdict

    from dashboard.travel.history import HistoryFailed
    from dashboard.travel.messages import Messages, lines

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

    from dashboard.casework.frozen import Frozen, lines
    from dashboard.casework.ticketquery import TicketQuery
    from dashboard.nouns.periods import Calendar
    from dashboard.sources.feed import rules_of
    from dashboard.travel.history import History, HistoryFailed

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
