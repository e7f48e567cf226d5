"""The lines of the table of ratios."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of ours against one that was measured in the same run, or against a limit that was set."""

    what: str
    ours: float
    floor: float | None
    unit: str
    ratio: float | None
    """None where a figure stands by itself."""
    goal: str = ""


def against_floor(what: str, *, ours: float, floor: float, unit: str, goal: str = "") -> Line:
    """Hold what costs against the least that it can cost: 1 is the floor itself, 0.5 twice its price."""
    return Line(what, ours, floor, unit, floor / ours, goal)


def as_share(what: str, *, ours: float, floor: float, unit: str, goal: str = "") -> Line:
    """Hold a rate or a size against another: *ours* as a multiple of it."""
    return Line(what, ours, floor, unit, ours / floor, goal)


def alone(what: str, ours: float, unit: str, goal: str = "") -> Line:
    """Show a figure that is held against nothing."""
    return Line(what, ours, None, unit, None, goal)


def print_table(title: str, lines: Iterable[Line]) -> None:
    """Print some lines under a title, in columns."""
    rows = [(one.what, _figure(one.ours), _figure(one.floor), one.unit, _ratio(one.ratio), one.goal) for one in lines]
    print(f"\n{title}")
    _print_row(("", "ours", "floor", "", "ratio", "goal"))
    for row in rows:
        _print_row(row)


def _print_row(cells: Sequence[str]) -> None:
    what, ours, floor, unit, ratio, goal = cells
    print(f"  {what:66} {ours:>12} {floor:>12} {unit:14} {ratio:>7}  {goal}".rstrip(), flush=True)


def _figure(number: float | None) -> str:
    if number is None:
        return ""
    if number >= 1000:
        return f"{number:,.0f}"
    return f"{number:,.1f}" if number >= 10 else f"{number:,.3f}"


def _ratio(number: float | None) -> str:
    return "" if number is None else f"{number:.3f}"
