"""The documentation and the code agree: settings, commands, routes, limits, calibration, Makefile targets."""

import re
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

from app import api
from app.cli import commands
from app.config import ENV_PREFIX, Settings
from app.crypto import calibration
from app.rate_limits import RateLimitPolicy

PROJECT_ROOT = Path(__file__).parents[2]
README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")

ROUTES = {
    "GET /v1/incidents",
    "GET /v1/incidents/{slug}/notice",
    "POST /v1/verifications",
    "POST /v1/verifications/{id}/resend",
    "POST /v1/verifications/{id}/confirm",
    "GET /v1/exposures",
    "POST /v1/exposures/check",
    "POST /v1/acknowledgements",
    "GET /v1/acknowledgements",
    "GET /v1/receipt-keys",
    "POST /v1/stop-codes",
    "DELETE /v1/session",
    "GET /healthz",
    "GET /readyz",
    "GET /v1/openapi.json",
}


def test_readme_lists_every_setting_with_default_and_description() -> None:
    rows = re.findall(r"^\| `(EXPOSURE_[A-Z_]+)` \| (.*?) \| (.*) \|$", README, re.MULTILINE)
    defaults = {name: default for name, default, _ in rows}
    descriptions = {name: description for name, _, description in rows}
    fields = {ENV_PREFIX + name.upper(): field for name, field in Settings.model_fields.items()}
    assert defaults.keys() == fields.keys()
    for name, field in fields.items():
        default = "none" if field.default in (None, ()) else f"`{field.default}`"
        assert defaults[name] == default, name
        assert field.description, name
        assert descriptions[name].startswith(field.description), name


def test_readme_lists_every_command() -> None:
    table = "".join(re.findall(r"^\| `exposure .*$", README, re.MULTILINE))
    root = get_command(commands)
    assert isinstance(root, typer.core.TyperGroup)
    for name, command in root.commands.items():
        assert f"`exposure {name}" in table
        if isinstance(command, typer.core.TyperGroup):
            for subcommand in command.commands:
                assert re.search(rf"`exposure {name} [^|]*`?{subcommand}`", table), f"{name} {subcommand}"


def test_routes_match_the_contract() -> None:
    routes = {
        f"{method} {route.path}"  # type: ignore[attr-defined]
        for router in api.ROUTERS
        for route in router.routes
        for method in route.methods  # type: ignore[attr-defined]
    }
    assert routes == ROUTES


def test_metrics_route_is_separate_and_documented() -> None:
    (route,) = api.METRICS_ROUTER.routes
    assert (route.path, route.methods) == ("/metrics", {"GET"})  # type: ignore[attr-defined]
    assert "`GET /metrics`" in README


def test_default_limits_match_the_limits_readme() -> None:
    text = (PROJECT_ROOT / "app" / "rate_limits" / "README.md").read_text(encoding="utf-8")
    policy = RateLimitPolicy()
    block = tomllib.loads(text.partition("```toml\n")[2].partition("```")[0])
    documented: dict[str, Any] = {"dry_run": policy.dry_run, "sms_countries": list(policy.sms_countries)}
    for table in ("client", "target", "service"):
        documented[table] = asdict(getattr(policy, table))
        for name, limit in documented[table].items():
            assert re.search(rf"\| `{name}` \| .* \| {limit} \|", text), name
    assert block == documented


def test_readme_states_the_calibration_assumptions() -> None:
    identifiers = f"{calibration.IDENTIFIERS_PER_ACCOUNT} identifiers an account"
    sealing = f"{calibration.OVERHEAD_SECONDS_PER_IDENTIFIER * 1000:g} ms for each besides Argon2id"
    assert f"{identifiers}, {sealing}, and {calibration.HEADROOM_RATIO * 100:g} % of the time" in README


def test_every_makefile_target_has_a_help_text() -> None:
    makefile = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    for target in phony[1].split():
        assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), target
