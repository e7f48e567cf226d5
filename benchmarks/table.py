"""Result tables: rows that compare a measured figure with a reference figure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TableRow:
    """One measured figure and, if there is one, the reference figure of the same run."""

    label: str
    measured: float
    reference: float | None
    unit: str
    ratio: float | None
    """None without a reference."""
    goal: str = ""


def cost_row(label: str, *, measured: float, reference: float, unit: str, goal: str = "") -> TableRow:
    """Compare a cost with its lower bound. The ratio is reference / measured: 1 at the bound, 0.5 at twice the cost."""
    return TableRow(label, measured, reference, unit, reference / measured, goal)


def ratio_row(label: str, *, measured: float, reference: float, unit: str, goal: str = "") -> TableRow:
    """Compare a rate or a size with a reference. The ratio is measured / reference."""
    return TableRow(label, measured, reference, unit, measured / reference, goal)


def value_row(label: str, value: float, unit: str, goal: str = "") -> TableRow:
    """Show a figure without a reference."""
    return TableRow(label, value, None, unit, None, goal)


def print_table(title: str, rows: Iterable[TableRow]) -> None:
    """Print rows in columns under a title."""
    print(f"\n{title}")
    _print_columns(("", "measured", "reference", "", "ratio", "goal"))
    for row in rows:
        figures = _format_figure(row.measured), _format_figure(row.reference)
        _print_columns((row.label, *figures, row.unit, _format_ratio(row.ratio), row.goal))


def _print_columns(cells: Sequence[str]) -> None:
    label, measured, reference, unit, ratio, goal = cells
    print(f"  {label:66} {measured:>12} {reference:>12} {unit:14} {ratio:>7}  {goal}".rstrip(), flush=True)


def _format_figure(figure: float | None) -> str:
    if figure is None:
        return ""
    if figure >= 1000:
        return f"{figure:,.0f}"
    return f"{figure:,.1f}" if figure >= 10 else f"{figure:,.3f}"


def _format_ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.3f}"
