"""Who is told when a ticket runs late: the steps, the channels and the people on duty, as the city file names them.

A step is due when so much of the limit is used: at ``soon`` (yellow), at ``overdue`` (red), or at a number of
limits (``2`` is as long again as the limit). The limit is that of the handling, or of a step before it: to accept the
ticket, to dispatch it, to sign for it. A step is addressed to a post, and each unit says which channels stand for
it. Where a channel leads is a secret and stands in a file or in the environment, never in the city file.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from string import Formatter
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from dashboard.words import Words

FIELDS = ("title", "number", "category", "unit", "place", "due", "step")  # What a template may hold in braces.
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Hours = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")]
Duties = dict[Name, tuple[Name, ...]]  # Post → the channels that stand for it.


class Model(BaseModel):
    """A table without unknown keys, that nobody changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Template(Model):
    """What a message says, in both languages; ``{title}`` and the other ``FIELDS`` stand for the ticket's."""

    zh: str
    en: str

    @field_validator("zh", "en")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            names = [name for _, name, _, _ in Formatter().parse(value) if name is not None]
        except ValueError as error:
            raise ValueError(f"{error}; write {{{{ for a brace that is meant") from error
        for name in names:
            if name not in FIELDS:
                raise ValueError(f"there is no {{{name}}}; known are {', '.join(f'{{{one}}}' for one in FIELDS)}")
        return value


REMIND = Template(
    zh="即将到期:{unit} {category}“{title}”({number},{place})须于 {due} 前办结。",
    en='Due soon: {unit}, {category} "{title}" ({number}, {place}) is due at {due}.',
)
OVERDUE = Template(
    zh="已超期:{unit} {category}“{title}”({number},{place})应于 {due} 办结。",
    en='Overdue: {unit}, {category} "{title}" ({number}, {place}) was due at {due}.',
)
_TO_DO: dict[str, Words] = {
    "accept": Words("受理", "accepted"), "dispatch": Words("派遣", "dispatched"), "sign": Words("签收", "signed for"),
}  # fmt: skip
Clock = Literal["handle", "accept", "dispatch", "sign"]


def _usual(clock: Clock, late: bool) -> Template:
    """What is said where the city file says nothing of its own."""
    if clock == "handle":
        return OVERDUE if late else REMIND
    zh, en, what = _TO_DO[clock].zh, _TO_DO[clock].en, '{category} "{title}" ({number}, {place})'
    if late:
        return Template(
            zh=f"超时未{zh}:{{category}}“{{title}}”({{number}},{{place}})应于 {{due}} 前{zh}。",
            en=f"Not {en} in time: {what} was to be {en} by {{due}}.",
        )
    return Template(
        zh=f"待{zh}:{{category}}“{{title}}”({{number}},{{place}})须于 {{due}} 前{zh}。",
        en=f"To be {en}: {what}, by {{due}}.",
    )


def _at(value: object) -> object:
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 100
    if not number and value not in ("soon", "overdue"):
        raise ValueError("write soon, overdue, or how many limits are used by then: a number above 0, at most 100")
    return value


class Person(Model):
    """One who may act on the screens, in the name that stands beside what was done."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    title: Annotated[str, Field(max_length=60)] = ""
    unit: Annotated[str, Field(max_length=60)] = ""


class Called(Model):
    """A step's name on the screens."""

    zh: str
    en: str


class Step(Model):
    """One step. ``clock`` is whose limit is meant: the handling's, or that of a step before it. ``wake``: quiet hours
    do not hold it back. ``title`` is what the screens call it.
    """

    name: Name
    clock: Clock = "handle"
    at: Annotated[Literal["soon", "overdue"] | float, BeforeValidator(_at)]
    to: Name
    wake: bool = False
    title: Called | None = None
    template: Template | None = None

    @property
    def text(self) -> Template:
        """Its template, or the usual one."""
        late = self.at == "overdue" if isinstance(self.at, str) else self.at >= 1
        return self.template or _usual(self.clock, late)


class Channel(Model):
    """Where messages go: an Apprise URL in ``url_file`` or in the environment variable ``url_env``.

    ``per_minute`` is how many the other side takes; ``quiet`` are its own quiet hours. At most ``abreast`` are under
    way to it at a time, and so many may be in doubt after a crash.
    """

    url_file: str | None = None
    url_env: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")] | None = None
    language: Literal["zh", "en"] | None = None
    per_minute: Annotated[float, Field(gt=0)] | None = None
    abreast: Annotated[int, Field(ge=1, le=64)] = 8
    quiet: tuple[Hours, ...] | None = None

    @model_validator(mode="after")
    def _one(self) -> Channel:
        if (self.url_file is None) == (self.url_env is None):
            raise ValueError("say where its address is kept: url_file or url_env, one of the two")
        return self


STEPS = (
    Step(name="accept", clock="accept", at="overdue", to="intake"),
    Step(name="dispatch", clock="dispatch", at="overdue", to="dispatcher"),
    Step(name="reminder", at="soon", to="handler"),
    Step(name="overdue", at="overdue", to="duty"),
    Step(name="leader", at=2, to="leader"),
)


class Escalation(Model):
    """``[escalation]`` of the city file.

    ``units`` says for each unit which channels stand for a post, ``anyone`` for posts a unit does not fill. A post
    that nobody fills is shown on the desk and in the log, and nowhere else. A step that could not be sent within
    ``not_older_than_hours`` is not sent any more.
    """

    steps: tuple[Step, ...] = STEPS
    channels: dict[Name, Channel] = Field(default_factory=dict)
    units: dict[str, Duties] = Field(default_factory=dict)
    anyone: Duties = Field(default_factory=dict)
    quiet: tuple[Hours, ...] = ()
    not_older_than_hours: Annotated[float, Field(gt=0, le=720)] = 24.0

    @model_validator(mode="after")
    def _whole(self) -> Escalation:
        names = [step.name for step in self.steps]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two steps are called {name}; give each its own name")
        posts = {step.to for step in self.steps}
        for where, duties in [("anyone", self.anyone), *((f"units.{unit}", own) for unit, own in self.units.items())]:
            for post, channels in duties.items():
                if post not in posts:
                    raise ValueError(
                        f"{where}.{post}: no step goes to this post; they go to {', '.join(sorted(posts))}"
                    )
                for channel in channels:
                    if channel not in self.channels:
                        known = ", ".join(sorted(self.channels)) or "none"
                        raise ValueError(f"{where}.{post}: there is no channel {channel!r}; there are {known}")
        return self

    def channels_for(self, unit: str, post: str) -> tuple[str, ...]:
        """The channels that stand for a unit's post, each once."""
        own = self.units.get(unit, {})
        return tuple(dict.fromkeys(own[post] if post in own else self.anyone.get(post, ())))

    def quiet_until(self, moment: float, channel: str, zone: ZoneInfo) -> float:
        """When the quiet hours in which ``moment`` lies are over for a channel; ``moment`` itself outside of them."""
        of = self.channels.get(channel)
        spans = self.quiet if of is None or of.quiet is None else of.quiet
        for _ in spans:  # One may end where the next begins.
            moment = max(_over(moment, span, zone) for span in spans)
        return moment


def _over(moment: float, span: str, zone: ZoneInfo) -> float:
    local = datetime.fromtimestamp(moment, UTC).astimezone(zone)
    now = f"{local:%H:%M}"
    begin, end = span.split("-")
    inside = begin <= now < end if begin < end else (now >= begin or now < end)
    if not inside:
        return moment
    day = local.date() + timedelta(days=int(end <= now))
    hour, minute = map(int, end.split(":"))
    return max(moment, datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).timestamp())


def one_line(text: str, length: int = 200) -> str:
    """``text`` as a message may hold it: one line, without control characters, and not without end."""
    plain = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", " ", text).split())
    return plain if len(plain) <= length else plain[: length - 1] + "…"
