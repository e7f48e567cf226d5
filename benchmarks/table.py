"""The lines of the table of ratios."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TableRow:
    """One figure of ours against one that was measured in the same run, or against a limit that was set."""

    what: str
    measured: float
    reference: float | None
    unit: str
    ratio: float | None
    """None where a figure stands by itself."""
    goal: str = ""


def cost_row(what: str, *, measured: float, reference: float, unit: str, goal: str = "") -> TableRow:
    """Hold what costs against the least that it can cost: 1 is the floor itself, 0.5 twice its price."""
    return TableRow(what, measured, reference, unit, reference / measured, goal)


def ratio_row(what: str, *, measured: float, reference: float, unit: str, goal: str = "") -> TableRow:
    """Hold a rate or a size against another: *ours* as a multiple of it."""
    return TableRow(what, measured, reference, unit, measured / reference, goal)


def value_row(what: str, measured: float, unit: str, goal: str = "") -> TableRow:
    """Show a figure that is held against nothing."""
    return TableRow(what, measured, None, unit, None, goal)


def print_table(title: str, lines: Iterable[TableRow]) -> None:
    """Print some lines under a title, in columns."""
    rows = [(one.what, _figure(one.measured), _figure(one.reference), one.unit, _ratio(one.ratio), one.goal) for one in lines]
    print(f"\n{title}")
    _print_row(("", "ours", "floor", "", "ratio", "goal"))
    for row in rows:
        _print_row(row)


def _print_row(cells: Sequence[str]) -> None:
    what, measured, reference, unit, ratio, goal = cells
    print(f"  {what:66} {measured:>12} {reference:>12} {unit:14} {ratio:>7}  {goal}".rstrip(), flush=True)


def _figure(number: float | None) -> str:
    if number is None:
        return ""
    if number >= 1000:
        return f"{number:,.0f}"
    return f"{number:,.1f}" if number >= 10 else f"{number:,.3f}"


def _ratio(number: float | None) -> str:
    return "" if number is None else f"{number:.3f}"
