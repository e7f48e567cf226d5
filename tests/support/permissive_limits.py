"""Budgets that nothing which is not about them ever meets."""

from collections.abc import Mapping

from app.rate_limits import RateLimitPolicy


def permissive_limits(but: Mapping[str, str] = {}) -> str:
    """Write a file of budgets that hold a hundred million each, *but* for some by their place, as in ``client.new_identifiers``."""
    lines: dict[str, list[str]] = {}
    for place, limit in RateLimitPolicy().limits_by_name().items():
        table, _, name = place.partition(".")
        budget = but.get(place, f"100000000/{int(limit.seconds)} seconds")
        lines.setdefault(table, [f"[{table}]"]).append(f'{name} = "{budget}"')
    return "".join(f"{line}\n" for table in lines.values() for line in table)
