"""What is there is documented, and what is documented is there."""

import re
import tomllib
from dataclasses import asdict
from pathlib import Path

import typer
from typer.main import get_command

from app.config import ENV_PREFIX, Settings
from app.crypto import calibration
from app.faces import api
from app.faces.cli import commands
from app.rate_limits import RateLimitPolicy

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

CALLS = {
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


def test_every_setting_is_in_the_readme_with_its_default() -> None:
    rows = re.findall(r"^\| `(EXPOSURE_[A-Z_]+)` \| (.*?) \| (.*) \|$", README, re.MULTILINE)
    documented = {name: default for name, default, _ in rows}
    descriptions = {name: description for name, _, description in rows}
    fields = {ENV_PREFIX + name.upper(): field for name, field in Settings.model_fields.items()}
    assert documented.keys() == fields.keys()
    for name, field in fields.items():
        default = "none" if field.default in (None, ()) else f"`{field.default}`"
        assert documented[name] == default, name
        assert field.description, name
        assert descriptions[name].startswith(field.description), name


def test_every_command_is_in_the_readme() -> None:
    table = "".join(re.findall(r"^\| `exposure .*$", README, re.MULTILINE))
    root = get_command(commands)
    assert isinstance(root, typer.core.TyperGroup)
    for name, command in root.commands.items():
        assert f"`exposure {name}" in table
        if isinstance(command, typer.core.TyperGroup):
            for word in command.commands:
                assert re.search(rf"`exposure {name} [^|]*`?{word}`", table), f"{name} {word}"


def test_the_routes_are_those_of_the_contract() -> None:
    routes = {
        f"{method} {route.path}"  # type: ignore[attr-defined]
        for router in api.ROUTERS
        for route in router.routes
        for method in route.methods  # type: ignore[attr-defined]
    }
    assert routes == CALLS


def test_what_is_there_only_where_it_is_configured() -> None:
    (route,) = api.METRICS_ROUTER.routes
    assert (route.path, route.methods) == ("/metrics", {"GET"})  # type: ignore[attr-defined]
    assert "`GET /metrics`" in README


def test_the_default_budgets_are_what_the_readme_of_limits_says() -> None:
    text = (ROOT / "app" / "rate_limits" / "README.md").read_text(encoding="utf-8")
    policy = RateLimitPolicy()
    block = tomllib.loads(text.partition("```toml\n")[2].partition("```")[0])
    said = {"dry_run": policy.dry_run, "sms_countries": list(policy.sms_countries)}
    for table in ("client", "target", "service"):
        said[table] = asdict(getattr(policy, table))
        for name, budget in said[table].items():
            assert re.search(rf"\| `{name}` \| .* \| {budget} \|", text), name
    assert block == said


def test_what_a_calibration_reckons_with_is_in_the_readme() -> None:
    identifiers = f"{calibration.IDENTIFIERS_PER_ACCOUNT} identifiers an account"
    sealing = f"{calibration.OVERHEAD_SECONDS_PER_IDENTIFIER * 1000:g} ms for each besides Argon2id"
    assert f"{identifiers}, {sealing}, and {calibration.HEADROOM_RATIO * 100:g} % of the time" in README


def test_every_word_of_the_makefile_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    for word in phony[1].split():
        assert re.search(rf"^{word}:.*## ", makefile, re.MULTILINE), word
