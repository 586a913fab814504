"""Columns of a table as fields of an event: names of columns as they stand in the header, constants beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from dashboard.events import Event
from dashboard.sources.feed import Context, Rejected, Settings
from dashboard.sources.mapped import mapped
from dashboard.sources.mapping import TICKET, MapSettings
from dashboard.sources.sheets import Row
from dashboard.sources.tables import Zone
from dashboard.sources.values import raw_of, short_text

BLOCK = 1000  # Rows that are read together.


class ColumnSettings(Settings):
    """Which event each row becomes, which column holds which of its fields, and what is the same for all rows.

    ``values`` turns a column's words into ours, as in ``[feeds.values.verdict]``.
    """

    event: str = TICKET
    columns: dict[str, str]
    constants: dict[str, str] = Field(default_factory=dict)
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    zone: Zone | None = None
    time_formats: Annotated[tuple[str, ...], Field(min_length=1)] = (
        "iso",
        "%Y/%m/%d %H:%M",
        "%Y年%m月%d日",
        "%Y/%m/%d",
    )
    place_by: tuple[Literal["code", "point", "name"], ...] = ("code", "point", "name")

    @model_validator(mode="after")
    def _mapped(self) -> ColumnSettings:
        both = set(self.columns) & set(self.constants)
        if both:
            raise ValueError(f"{sorted(both)[0]} has a column and a constant; leave one out")
        try:
            self.mapping  # noqa: B018 - its own checks are these.
        except ValueError as error:
            raise ValueError(_said(error)) from None
        return self

    @property
    def mapping(self) -> MapSettings:
        """The same as a mapping of records."""
        fields = {name: json.dumps(column, ensure_ascii=False) for name, column in self.columns.items()}
        # A literal of JMESPath is JSON between backticks.
        constants = {name: "`" + json.dumps(text).replace("`", "\\`") + "`" for name, text in self.constants.items()}
        return MapSettings(
            name=self.name, kind=self.kind, source=self.source, event=self.event, fields=fields | constants,
            values=self.values, zone=self.zone, time_formats=self.time_formats, place_by=self.place_by,
        )  # fmt: skip

    @property
    def fills(self) -> tuple[str, ...]:
        """The noun of the event."""
        return self.mapping.fills

    @property
    def wanted(self) -> tuple[str, ...]:
        """The columns that have to be there."""
        return tuple(dict.fromkeys(self.columns.values()))


def _said(error: ValueError) -> str:
    errors = getattr(error, "errors", None)
    found = errors()[0]["msg"] if callable(errors) else str(error)
    return str(found).removeprefix("Value error, ").replace("fields:", "columns:")


def events_of(rows: Iterator[Row], settings: ColumnSettings, ctx: Context) -> Iterator[Event | Rejected]:
    """The events of rows, each taken or refused by itself, where it stands."""
    mapping = settings.mapping
    hide = {settings.columns["caller"]: "***"} if "caller" in settings.columns else {}  # Never kept as it is.
    block: list[Row] = []
    for row in rows:
        if row.fault is not None:
            raw = row.values.get("", "") if "" in row.values else raw_of({**row.values, **hide})
            yield Rejected(row.fault.reason, raw_of(raw), row.where, short_text(row.fault.detail))
            continue
        block.append(row)
        if len(block) == BLOCK:
            yield from _block(block, mapping, ctx, hide)
            block = []
    yield from _block(block, mapping, ctx, hide)


def _block(block: list[Row], mapping: MapSettings, ctx: Context, hide: dict[str, str]) -> Iterator[Event | Rejected]:
    records = [dict(row.values) for row in block]
    for found in mapped(records, mapping, ctx, ""):
        if isinstance(found, Rejected):
            number = int(found.where.strip()) - 1
            yield Rejected(
                found.reason, raw_of({**records[number], **hide}), block[number].where, found.detail, found.kept
            )
        else:
            yield found
