"""Rate limits so high that only tests about rate limits reach one."""

from collections.abc import Mapping

from app.rate_limits import RateLimitPolicy


def permissive_limits(overrides: Mapping[str, str] = {}) -> str:
    """Return a limits file (TOML) with limits of a hundred million each, except for *overrides* by name, such as ``client.other``."""
    tables: dict[str, list[str]] = {}
    for name, limit in RateLimitPolicy().limits_by_name().items():
        table, _, key = name.partition(".")
        value = overrides.get(name, f"100000000/{int(limit.seconds)} seconds")
        tables.setdefault(table, [f"[{table}]"]).append(f'{key} = "{value}"')
    return "".join(f"{line}\n" for lines in tables.values() for line in lines)
