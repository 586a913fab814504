"""The city's table of limits: a CSV beside the city file, one line for each category and filing condition.

Its columns, in Chinese or English, in any order: 小类 ``category`` and 时限 ``limit`` (such as 2紧急工作时) are needed;
立案条件 ``condition`` (empty: the category in general), 时限类型 ``type`` (checked against the text) and, as in
GB/T 30428, 部件/事件 ``kind`` and 大类 ``group`` may be there; others are for its readers alone.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from dashboard.city import City, CityError
from dashboard.nouns.sla import Limit, LimitError, Limits, parse_limit

COLUMNS = {
    "category": ("category", "小类"),
    "condition": ("condition", "立案条件"),
    "limit": ("limit", "时限"),
    "type": ("type", "时限类型"),
    "kind": ("kind", "部件/事件"),
    "group": ("group", "大类"),
}
KINDS = {"": "", "部件": "part", "part": "part", "事件": "event", "event": "event"}
Row = tuple[int, dict[str, str]]  # The line it ends on, and its cells by the English names of their columns.


def limits_of(city: City) -> Limits:
    """All limits of a city: those of its table, and those its file itself gives.

    Raises:
        CityError: naming file, line and remedy.
    """
    table = city.limits
    exact: dict[tuple[str, str], Limit] = {}
    categories = {category: Limit(hours) for category, hours in table.hours.items()}
    if table.file is not None:
        file = city.path(table.file)
        for line, category, condition, limit in _read(city, file):
            if condition:
                exact[category, condition] = limit
            elif category in categories:
                raise CityError(
                    f"{file}: line {line}: {category!r} has a limit in [limits.hours] too; leave out one of them"
                )
            else:
                categories[category] = limit
    default = table.default or (None if table.default_hours is None else Limit(table.default_hours))
    return Limits(exact, categories, default, table.urgent, complete=table.file is not None)


def _read(city: City, file: Path) -> Iterator[tuple[int, str, str, Limit]]:
    """The lines of the table: number, category, condition and limit."""
    seen: dict[tuple[str, str], int] = {}
    for line, row in _rows(city, file):

        def wrong(what: str, line: int = line) -> CityError:
            return CityError(f"{file}: line {line}: {what}")

        category, condition = row.get("category", ""), row.get("condition", "")
        if not category:
            raise wrong("the category (小类) is empty; name one")
        if row.get("kind", "") not in KINDS:
            raise wrong(f"{row['kind']!r} is neither 部件 (part) nor 事件 (event)")
        if (category, condition) in seen:
            before = seen[category, condition]
            raise wrong(f"{category!r} with the condition {condition!r} stands in line {before} already; keep one")
        seen[category, condition] = line
        try:
            yield line, category, condition, parse_limit(row.get("limit", ""), row.get("type", ""))
        except LimitError as error:
            raise wrong(str(error)) from error
    if not seen:
        raise CityError(f"{file}: holds no limit; write a line for each category and condition")


def _rows(city: City, file: Path) -> Iterator[Row]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream, strict=True)
            head = [name.strip() for name in next(rows, [])]
            places = {
                name: head.index(found)
                for name, known in COLUMNS.items()
                if (found := next((other for other in known if other in head), None)) is not None
            }
            for name in ("category", "limit"):
                if name not in places:
                    raise CityError(f"{file}: line 1: the column {' or '.join(COLUMNS[name])} is missing; add it")
            for cells in rows:
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != len(head):
                    raise CityError(
                        f"{file}: line {rows.line_num}: has {len(cells)} cells and the first line {len(head)}; "
                        "put a cell that holds a comma in double quotes"
                    )
                yield rows.line_num, {name: cells[place].strip() for name, place in places.items()}
    except FileNotFoundError:
        raise CityError(f"{city.where}: limits.file: there is no file {file}; name one that is there") from None
    except UnicodeDecodeError:
        raise CityError(f"{file}: is not UTF-8; save it as CSV in UTF-8") from None
    except (OSError, csv.Error) as error:
        raise CityError(f"{file}: {error}") from error
