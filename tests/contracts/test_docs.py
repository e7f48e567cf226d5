"""The documentation and the code agree: settings, commands, routes, limits, calibration, Makefile targets."""

import re
import tomllib
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

from app import api
from app.cli import RootGroup
from app.config import ENV_PREFIX, Settings
from app.crypto import calibration
from app.rate_limits import RateLimitPolicy

PROJECT_ROOT = Path(__file__).parents[2]
README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
API, CONFIGURATION, OPERATING = (
    (PROJECT_ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("api", "configuration", "operating")
)

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


def test_configuration_lists_every_setting_with_default_and_description() -> None:
    rows = re.findall(r"^\| `(EXPOSURE_[A-Z_]+)` \| (.*?) \| (.*) \|$", CONFIGURATION, re.MULTILINE)
    defaults = {name: default for name, default, _ in rows}
    descriptions = {name: description for name, _, description in rows}
    fields = {ENV_PREFIX + name.upper(): field for name, field in Settings.model_fields.items()}
    assert defaults.keys() == fields.keys()
    for name, field in fields.items():
        default = "none" if field.default in (None, ()) else f"`{field.default}`"
        assert defaults[name] == default, name
        assert field.description, name
        assert descriptions[name].startswith(field.description), name


def test_operating_lists_every_command() -> None:
    table = "".join(re.findall(r"^\| `exposure .*$", OPERATING, re.MULTILINE))
    for name, lazy in RootGroup.LAZY_COMMANDS.items():
        assert f"`exposure {name}" in table
        command = get_command(import_module(lazy.module).commands)
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
    assert "`GET /metrics`" in OPERATING


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


def test_operating_states_the_calibration_assumptions() -> None:
    identifiers = f"{calibration.IDENTIFIERS_PER_ACCOUNT} identifiers per account"
    sealing = f"{calibration.OVERHEAD_SECONDS_PER_IDENTIFIER * 1000:g} ms for each besides Argon2id"
    assert f"{identifiers}, {sealing}, and {calibration.HEADROOM_RATIO * 100:g} % of the time" in re.sub(
        r"\s+", " ", OPERATING
    )


def test_every_makefile_target_has_a_help_text() -> None:
    makefile = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    for target in phony[1].split():
        assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), target


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= 110


def test_links_between_documents_lead_somewhere() -> None:
    documents = [
        *PROJECT_ROOT.glob("*.md"),
        *(PROJECT_ROOT / "docs").rglob("*.md"),
        *(PROJECT_ROOT / "app").rglob("*.md"),
    ]
    for document in documents:
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text) + re.findall(r'src="([^":]+)"', text):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_version_in_the_changelog_and_the_project() -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (PROJECT_ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(\d[^\]]*)\]", changelog, re.MULTILINE)
    assert versions[0] == project["version"]
