"""Runs the measurements: `citywall bench [NAME …] [--json FILE] [--strict]`."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

import bench
from dashboard.discovery import declaring
from dashboard.refusal import Refused


@dataclass(frozen=True)
class Figure:
    """One measured value, and what it is held against: a ``baseline`` measured in the same run, and the bar.

    The bar is the ``least`` the value may be, the ``most`` it may be, or both; where neither is given there is none.
    """

    name: str
    value: float
    unit: str
    baseline: float | None = None
    least: float | None = None
    most: float | None = None

    @property
    def ratio(self) -> float | None:
        """``value / baseline``, where there is one that is not 0."""
        return round(self.value / self.baseline, 4) if self.baseline else None

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None where there is none. A value that is no number meets none."""
        if self.least is None and self.most is None:
            return None
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    def row(self) -> dict[str, object]:
        """The figure as it is written."""
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


@dataclass(frozen=True)
class Bench:
    """A module of ``bench/`` declares ``BENCH = Bench(…)``. A ``long`` one runs only when it is named."""

    name: str
    caption: str
    run: Callable[..., Iterable[Figure]]
    long: bool = False
    options: tuple[str, ...] = ()  # Of the command line that ``run`` takes by name.


def all_benches() -> dict[str, Bench]:
    """All measurements, by name."""
    found: dict[str, Bench] = {}
    for module, value in declaring(bench, "BENCH"):
        assert isinstance(value, Bench), f"bench.{module}.BENCH is no Bench"
        found[value.name] = value
    return found


def main(
    names: Sequence[str], json_file: str | None = None, options: Mapping[str, object] = MappingProxyType({})
) -> int:
    """Run the named measurements, or all that are not long; print a table, and write JSON if a file is named.

    The exit code is 1 where one fails, and with the option ``strict`` where one misses a bar, too.

    Raises:
        Refused: if there is no measurement of a name, or the file cannot be written.
    """
    known = all_benches()
    unknown = [name for name in names if name not in known]
    if unknown:
        listed = ", ".join(f"{name} (long)" if known[name].long else name for name in known)
        raise Refused(f"there is no measurement {unknown[0]!r}; there are {listed}")
    # A measurement starts houses of its own; told to end, it must end them too.
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        chosen = [known[name] for name in names] or [one for one in known.values() if not one.long]
        failed, missed = _measure(chosen, json_file, options)
        return int(failed or (bool(missed) and bool(options.get("strict"))))
    finally:
        signal.signal(signal.SIGTERM, before)


def _measure(benches: Sequence[Bench], json_file: str | None, options: Mapping[str, object]) -> tuple[bool, list[str]]:
    """Whether any failed, and the names of the figures that miss their bar."""
    figures: list[Figure] = []
    failed = False
    for chosen in benches:
        print(f"{chosen.name}: {chosen.caption}", file=sys.stderr, flush=True)
        try:
            given = {name: options[name] for name in chosen.options if options.get(name)}
            for figure in chosen.run(**given):
                figures.append(figure)
                print(_line(figure), flush=True)
        except Exception as error:  # noqa: BLE001 - it is said, and the others are still worth running.
            failed = True
            print(f"{chosen.name} failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        if json_file:
            _write(Path(json_file), figures)
    missed = [figure.name for figure in figures if figure.met is False]
    if missed:
        print(f"missed: {', '.join(missed)}", file=sys.stderr, flush=True)
    return failed, missed


def _write(file: Path, figures: Iterable[Figure]) -> None:
    try:
        file.write_text(json.dumps([figure.row() for figure in figures], indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}; name another with --json") from error


def _line(figure: Figure) -> str:
    against = "" if figure.baseline is None else f"  baseline {figure.baseline:>14,.6g}"
    times = "" if figure.ratio is None else f"  ratio {figure.ratio:.3g}"
    wanted = (("≥", figure.least), ("≤", figure.most))
    bar = "".join(f"  {sign} {value:,.6g}" for sign, value in wanted if value is not None)
    met = {None: "", True: f"{bar}  met", False: f"{bar}  MISSED"}[figure.met]
    return f"  {figure.name:<44}{figure.value:>14,.6g} {figure.unit:<12}{against}{times}{met}"
