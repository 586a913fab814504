"""The cameras' views: rates with numerator and denominator, faults, worst places, and the map's layer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from hashlib import blake2b
from itertools import groupby
from math import isfinite
from typing import Any

import msgspec

from dashboard.masking import clean, mask
from dashboard.nouns.noun import Alert, Document, Noun
from dashboard.nouns.rates import wilson
from dashboard.nouns.video import (
    DEGRADED,
    FAULTS,
    OFFLINE,
    ONLINE,
    PLANNED,
    STATES,
    UNKNOWN,
    CamerasListed,
    CamerasPolled,
    CamerasRecorded,
    Watched,
)
from dashboard.nouns.videofaults import Fault, Outage, grouped
from dashboard.nouns.videotally import Cameras
from dashboard.words import Words

ROWS = 24  # Of a list; a panel shows as many as fit.
LATELY = 24 * 3600.0  # Seconds; outages that began within them may be part of a fault.
NAMES = 3  # Cameras of a fault that are named.
STEP = 10.0  # Seconds; time offline runs on in such steps.


def online_rate(counts: list[int]) -> list[int]:
    """在线率 as [online, should be online]: those that answer, degraded ones too, of all but the planned outages.

    A camera whose platform is silent should be online and is not known to be: it is in the denominator alone.

    >>> online_rate([90, 5, 3, 10, 2])
    [95, 100]
    """
    return [counts[ONLINE] + counts[DEGRADED], sum(counts) - counts[PLANNED]]


def view_video(board: Cameras, place: str, now: float) -> Document:
    """How many cameras are in which state, the rates, and the same for each platform, the worst first."""
    counts = board.counts.get(place) or [0] * len(STATES)
    platforms: list[dict[str, Any]] = []
    for roll in board.rolls.values():
        mine = board.by_platform.get((place, roll.platform.key))
        if mine and sum(mine):
            heard = roll.platform.times[-1] if roll.platform.times else None
            platforms.append({
                "name": roll.platform.name, "counts": dict(zip(STATES, mine, strict=True)),
                "rate": online_rate(mine), "silent": roll.silent, "heard": heard,
            })  # fmt: skip
    platforms.sort(key=lambda row: (row["rate"][0] / max(1, row["rate"][1]), row["name"]))
    ailing = dict.fromkeys(FAULTS, 0)
    if counts[DEGRADED]:
        for watched in board.watched(place):
            verdict = watched.verdict
            if verdict is not None and verdict.state == DEGRADED:
                for name, bit in FAULTS.items():
                    ailing[name] += bool(verdict.faults & bit)
    return {
        "total": sum(counts), "counts": dict(zip(STATES, counts, strict=True)), "faults": ailing,
        "rate": online_rate(counts), "whole": [counts[ONLINE], sum(counts) - counts[PLANNED]],
        "platforms": platforms, "late": board.late,
    }  # fmt: skip


def faults_of(board: Cameras) -> list[Fault]:
    """The faults of the whole city, worked out once for each change."""
    slot = ("faults",)
    round_, found = board.kept.get(slot, (None, []))
    if round_ == (board.round, board.lists):
        return list(found)
    horizon = board.now - LATELY
    outages: list[Outage] = []
    sizes: dict[tuple[str, str], int] = defaultdict(int)
    total = 0
    for roll in board.rolls.values():
        for watched in roll.cameras.values():
            if not watched.listed:
                continue
            total += 1
            shared = _shared(watched)
            for cause, key in zip(("platform", "switch", "street"), shared, strict=True):
                if key:
                    sizes[cause, key] += 1
            if watched.key not in board.restless:
                continue
            verdict = watched.verdict
            down = verdict is not None and verdict.state == OFFLINE
            for start, end in watched.outages(board.now):
                last = start == watched.trail[-1][0]
                if last and not down:  # It is planned, flapping, or nobody knows: then it is no fault of its own.
                    continue
                if start >= horizon or (last and down):
                    outages.append(Outage(start, watched.key, not last, *shared))
                del end
    result = grouped(outages, sizes, total, board.rules.video)
    board.kept[slot] = (board.round, board.lists), result
    return result


def _shared(watched: Watched) -> tuple[str, str, str]:
    """The keys of what a camera shares with others: its platform, the switch it hangs on, the street it stands in."""
    camera, platform = watched.camera, watched.platform.key
    street = f"{camera.place}|{camera.street}" if camera.street else ""
    return platform, f"{platform}|{camera.switch}" if camera.switch else "", street


def view_faults(board: Cameras, place: str, now: float) -> Document:
    """The faults that concern a place, those with most cameras down there first; ``alarms`` counts those that are
    shared, listed or not.
    """
    at = _by_key(board, place)
    found: list[tuple[int, Fault, list[Outage]]] = []
    for fault in faults_of(board):
        mine = [outage for outage in fault.outages if outage.camera in at]
        down = sum(not outage.over for outage in mine)
        if down:
            found.append((down, fault, mine))
    found.sort(key=lambda one: -one[0])  # Those with as many keep the order they have in the whole city.
    single = sum(fault.cause == "camera" for _, fault, _ in found)
    return {
        "faults": [_row(board, fault, mine, down, at) for down, fault, mine in found[:ROWS]],
        "number": len(found), "cameras": sum(down for down, _, _ in found),
        "alarms": len(found) - single, "single": single,
    }  # fmt: skip


def _by_key(board: Cameras, place: str) -> dict[str, Watched]:
    slot = ("keys", place)
    known, found = board.kept.get(slot, (None, {}))
    if known != board.lists:
        found = {watched.key: watched for watched in board.watched(place)}
        board.kept[slot] = board.lists, found
    return found  # type: ignore[no-any-return]


def _row(board: Cameras, fault: Fault, mine: list[Outage], down: int, at: dict[str, Watched]) -> dict[str, Any]:
    some = [at[outage.camera] for outage in mine]
    first = some[0]
    names = {
        "network": "", "platform": first.platform.name, "switch": first.camera.switch, "street": first.camera.street,
        "camera": first.camera.name or first.camera.id,
    }  # fmt: skip
    paths = [board.rules.places.path(watched.camera.place) for watched in some]
    common = [codes[0] for codes in zip(*paths, strict=False) if len(set(codes)) == 1]  # From the city down.
    return {
        "key": fault.key, "cause": fault.cause, "name": names[fault.cause], "since": fault.since, "down": down,
        "members": len(mine), "place": common[-1] if len(common) > 1 else "",
        "platform": first.platform.name if fault.cause != "network" else "",
        "some": [watched.camera.name or watched.camera.id for watched in some[:NAMES]],
    }  # fmt: skip


def view_alarms(board: Cameras, place: str, now: float) -> Document:
    """What is to be said aloud: each shared fault once, under a key that stays as long as it does."""
    at = _by_key(board, place)
    rows = []
    for fault in faults_of(board):
        if fault.cause != "camera":
            down = sum(not outage.over and outage.camera in at for outage in fault.outages)
            if down:
                name = fault.shared.rpartition("|")[2]
                rows.append({
                    "key": fault.key, "cause": fault.cause, "name": name, "since": fault.since, "down": down,
                })  # fmt: skip
    return {"alarms": rows}


def view_worst(board: Cameras, place: str, now: float) -> Document:
    """The places directly below, the worst first: by the lower bound of the share that is offline, and n beside it.

    At the lowest level its streets stand for places.
    """
    children = board.rules.places.children(place)
    rows: list[dict[str, Any]] = []
    if children:
        for child in children:
            counts = board.counts.get(child.code)
            if counts and sum(counts):
                rows.append({"place": child.code, "name": "", **_worse(counts)})
    else:
        streets: dict[str, list[int]] = defaultdict(lambda: [0] * len(STATES))
        for watched in board.watched(place):
            if watched.verdict is not None:
                streets[watched.camera.street][watched.verdict.state] += 1
        rows = [{"place": place, "name": street, **_worse(counts)} for street, counts in streets.items()]
    rows.sort(key=lambda row: (-row["bound"], row["rate"][0] / max(1, row["rate"][1]), row["place"], row["name"]))
    return {"places": rows[:ROWS], "number": len(rows)}


def _worse(counts: list[int]) -> dict[str, Any]:
    rate = online_rate(counts)
    return {
        "rate": rate, "offline": counts[OFFLINE], "unknown": counts[UNKNOWN], "degraded": counts[DEGRADED],
        "bound": wilson(counts[OFFLINE], rate[1]) or 0.0,
    }  # fmt: skip


def view_time(board: Cameras, place: str, now: float) -> Document:
    """录像完整率 and time offline of today so far and of yesterday, and the cameras that were away longest today.

    ``away`` is [seconds offline, seconds in which cameras should have been online and their state was known];
    ``recorded`` is [recorded, should be].
    """
    at = now - now % STEP
    slot, state = ("time", place), (board.round, board.lists, board.records, at)
    known, document = board.kept.get(slot, (None, {}))
    if known != state:
        document = _time(board, place, at)
        board.kept[slot] = state, document
    return dict(document)


def _time(board: Cameras, place: str, now: float) -> Document:
    midnight = board.calendar.midnight(now)
    before = board.calendar.midnight(midnight - 43_200)
    cameras = board.watched(place)
    today = yesterday = 0.0
    longest: list[tuple[float, Watched]] = []
    for watched in cameras:
        if watched.key in board.restless:
            lost = watched.offline_within(midnight, now, now)
            today += lost
            yesterday += watched.offline_within(before, midnight, now)
            if lost:
                longest.append((lost, watched))
    longest.sort(key=lambda row: (-row[0], row[1].key))
    recorded, platforms = _recorded(board, place, board.calendar.day_and_month(now)[0])
    return {
        "recorded": recorded,
        "platforms": platforms,
        "away": {
            "today": [round(today), round(board.known_within(place, midnight, now, now))],
            "yesterday": [round(yesterday), round(board.known_within(place, before, midnight, now))],
        },
        "longest": [
            {
                "name": watched.camera.name or watched.camera.id, "place": watched.camera.place, "seconds": round(lost),
                "state": STATES[watched.verdict.state] if watched.verdict else "unknown",
            }
            for lost, watched in longest[:ROWS]
        ],
    }  # fmt: skip


def _recorded(board: Cameras, place: str, today: int) -> tuple[dict[str, list[int]], list[list[Any]]]:
    """[recorded, should be] of today and yesterday, and today's for each platform, the worst first."""
    slot, state = ("recorded", place), (board.lists, board.records, today)
    known, found = board.kept.get(slot, (None, ({}, [])))
    if known != state:
        total = {"today": [0, 0], "yesterday": [0, 0]}
        mine: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for watched in board.watched(place):
            for name, day in (("today", today), ("yesterday", today - 1)):
                said = board.recorded.get((watched.key, day))
                if said is not None:
                    for pair in (total[name], mine[watched.platform.name]) if day == today else (total[name],):
                        pair[0] += said[2]
                        pair[1] += said[3]
        rows: list[list[Any]] = [[name, *pair] for name, pair in mine.items()]
        rows.sort(key=lambda row: row[1] / max(1, row[2]))
        found = total, rows
        board.kept[slot] = state, found
    return found  # type: ignore[no-any-return]


def _layer(board: Cameras, place: str) -> tuple[str, list[Watched], msgspec.Raw]:
    """The cameras at a place that have a point, with a word that is another whenever this list is, and as JSON."""
    slot = ("layer", place)
    lists, version, found, points = board.kept.get(slot, (None, "", [], None))
    if lists != board.lists:
        found = [watched for watched in board.watched(place) if watched.camera.lon is not None]
        rows = [
            [watched.key, watched.camera.lon, watched.camera.lat, clean(mask(watched.camera.name))] for watched in found
        ]
        points = msgspec.Raw(msgspec.json.encode(rows))
        version = blake2b(points, digest_size=8).hexdigest()
        board.kept[slot] = board.lists, version, found, points
    return version, found, points


def view_camera_points(board: Cameras, place: str, now: float) -> Document:
    """Where the cameras of a place stand, as [key, lon, lat, name], under a ``version`` that changes with them."""
    version, _, points = _layer(board, place)
    return {"version": version, "points": points}


def view_camera_states(board: Cameras, place: str, now: float) -> Document:
    """The states of the same cameras in the same order, in runs: [state, how many in a row, state, how many …].

    The states are numbered as ``STATES`` orders them. ``unlocated`` are those without a point; ``places`` has the
    online rate of each place directly below.
    """
    version, found, _ = _layer(board, place)
    runs: list[int] = []
    for state, same in groupby(UNKNOWN if watched.verdict is None else watched.verdict.state for watched in found):
        runs += [state, len(list(same))]
    return {
        "version": version, "states": runs, "counts": board.counts.get(place) or [0] * len(STATES),
        "unlocated": len(board.watched(place)) - len(found),
        "places": {
            child.code: online_rate(board.counts[child.code])
            for child in board.rules.places.children(place)
            if any(board.counts.get(child.code, ()))
        },
    }  # fmt: skip


def thing_camera(board: Cameras, key: str, now: float) -> Document:
    """One camera: its state as a number of ``STATES``, since when, when it was last asked, and what is known of it."""
    watched = _by_key(board, board.rules.places.root.code).get(key)
    if watched is None:
        return {}
    camera, verdict, polled = watched.camera, watched.verdict, watched.platform.times
    state = UNKNOWN if verdict is None else verdict.state
    ails = [AILS[name] for name, bit in FAULTS.items() if verdict is not None and verdict.faults & bit]
    about: list[tuple[Words, Words]] = [
        (ABOUT["ails"], Words("、".join(one.zh for one in ails), ", ".join(one.en for one in ails))),
        *((ABOUT[name], Words(text, text)) for name, text in (
            ("street", camera.street), ("platform", watched.platform.name), ("number", camera.id),
        )),
    ]  # fmt: skip
    since = verdict.since if verdict is not None and isfinite(verdict.since) else None
    return {
        "name": camera.name or camera.id, "state": state, "since": since, "at": polled[-1] if polled else None,
        "place": camera.place, "about": [[label.zh, label.en, text.zh, text.en] for label, text in about if text.zh],
    }  # fmt: skip


ABOUT = {
    "ails": Words("异常", "Faults"), "street": Words("路段", "Street"), "platform": Words("平台", "Platform"),
    "number": Words("编号", "Number"),
}  # fmt: skip
AILS = {
    "picture": Words("画面异常", "picture"), "clock": Words("时钟不准", "clock"), "loss": Words("丢包", "loss"),
    "recorder": Words("未录像", "not recording"), "flapping": Words("反复上下线", "flapping"),
}  # fmt: skip
MASS = {"network": 1, "platform": 2, "switch": 3, "street": 3}  # Cause of a shared fault → severity.


def alerts(board: Cameras, now: float) -> Iterator[Alert]:
    """The faults that many cameras share; single ones are listed elsewhere."""
    at = _by_key(board, board.rules.places.root.code)
    for fault in faults_of(board):
        mine = [outage for outage in fault.outages if outage.camera in at]
        if fault.cause not in MASS or not mine:
            continue
        row = _row(board, fault, mine, fault.down, at)
        words, name = CAUSES[fault.cause], row["name"]
        yield Alert(
            f"camera|{fault.key}", MASS[fault.cause], fault.since,
            Words(f"{words.zh} {name} · {fault.down} 路离线", f"{words.en} {name}: {fault.down} cameras dark"),
            Words(*("、".join(clean(mask(one)) for one in row["some"]),) * 2), row["place"], link="/video",
        )  # fmt: skip


CAUSES = {
    "network": Words("视频网络故障", "Video network fault"), "platform": Words("视频平台故障", "Video platform fault"),
    "switch": Words("交换机故障", "Switch fault"), "street": Words("路段视频故障", "Street fault"),
}  # fmt: skip
NOUN = Noun(
    name="camera",
    events=(CamerasListed, CamerasPolled, CamerasRecorded),
    slice=Cameras,
    alerts=alerts,
    things={"camera_thing": thing_camera},
    views={
        "video": view_video, "video_faults": view_faults, "video_alarms": view_alarms, "video_worst": view_worst,
        "video_time": view_time, "camera_points": view_camera_points, "camera_states": view_camera_states,
    },
)  # fmt: skip
