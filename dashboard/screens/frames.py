"""What the frames of panels are made of: figures under their names, facts, and the heads of lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dash import html

from dashboard.screens.marks import Mark, both, fraction, rate
from dashboard.words import Words


def figures(
    panel: str, names: Mapping[str, Words], kind: str = "figures", *, why: bool = True, beside: Iterable[Mark] = ()
) -> Mark:
    """A row of figures, each under its name: ``{panel}-{name}``, with ``{panel}-{name}-why`` below it if wanted.

    What is ``beside`` them comes last.
    """
    found = [
        html.Div([
            html.H3(both(words)),
            html.Div(id=f"{panel}-{name}", className="figure"),
            *([html.Div(id=f"{panel}-{name}-why", className="why")] if why else []),
        ])
        for name, words in names.items()
    ]  # fmt: skip
    return html.Div([*found, *beside], className=kind)


def heads(columns: Sequence[Words], *, names: int = 1, marked: bool = False) -> Mark:
    """A list's head: the first ``names`` columns hold names, the others numbers; ``marked`` lists begin with a sign."""
    cells = [
        html.Span(both(words), className="name") if at < names else html.Span(both(words))
        for at, words in enumerate(columns)
    ]
    return html.Div([html.Span(), *cells] if marked else cells, className="row head")


def module(panel: str, names: Mapping[str, Words], chart: str, facts: Mapping[str, Words]) -> Mark:
    """A module in one card: figures, a chart, and facts (``{panel}-{name}``) that are seen where there is room."""
    return html.Div(
        [
            figures(panel, names),
            html.Div(id=f"{panel}-{chart}", className="chart-of"),
            html.Div(
                [html.Div([html.H3(both(words)), html.Div(id=f"{panel}-{name}")]) for name, words in facts.items()],
                className="facts",
            ),
        ],
        className="module",
    )


def rated(found: Sequence[int], language: str) -> list[Mark]:
    """A fact that is a rate: the rate over its numerator and denominator."""
    part, whole = found
    return [html.Div(rate(part, whole)), html.Div(fraction(part, whole, language), className="of")]
