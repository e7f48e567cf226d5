"""The staged event counts who can be sent no code, because they have only phones of countries that are not served."""

import json
from typing import Any

import pytest

from app.cli.demo import SAMPLE_INCIDENT
from tests.cli.cli_driver import CliDriver

ROWS = [
    "a1,,a1@example.com,+1 650-253-0000",  # found by email
    "a2,,,010-2000-0002",
    "a3,,,+1 650-253-0000",
    "a3,r1,,+1 650-253-0001",  # a recipient is another person
    "a4,,,+44 20 7946 0958|+1 650-253-0002",
    "a5,,,+81 3-1234-5678|010-2000-0005",  # reachable by the second phone
    "a6,,,+81 3-1234-5679",
    "a6,,a6@example.com,",  # the same person, reachable by the other row's email
    "a7,,,",
]

CASES: dict[str, tuple[str | None, dict[str, Any]]] = {
    "no limits file": (None, {"not_served": 3, "not_served_by_calling_code": {"1": 3, "44": 1}}),
    "Korea": ('sms_countries = ["82"]', {"not_served": 3, "not_served_by_calling_code": {"1": 3, "44": 1}}),
    "and North America": ('sms_countries = ["82", "1"]', {"not_served": 0, "not_served_by_calling_code": {}}),
    "and Britain": ('sms_countries = ["82", "44"]', {"not_served": 2, "not_served_by_calling_code": {"1": 2}}),
    "without Korea": ('sms_countries = ["1"]', {"not_served": 2, "not_served_by_calling_code": {"81": 1, "82": 2}}),
}


def run_import(cli: CliDriver, limits: str | None, *options: object) -> str:
    cli("incident", "create", SAMPLE_INCIDENT)
    rows = "".join(f"{row},name\n" for row in ROWS)
    (cli.folder / "people.csv").write_text(f"account_ref,recipient_ref,email,phone,items\n{rows}", encoding="utf-8")
    if limits is not None:
        (cli.folder / "limits.toml").write_text(limits, encoding="utf-8")
        cli = cli.with_settings(EXPOSURE_LIMITS_FILE="limits.toml")
    return cli(
        *("dataset", "import", "people.csv", "--incident", "sample-2025", "--cost", "minimal", "--workers", 1), *options
    ).stdout


@pytest.mark.parametrize(("limits", "expected"), CASES.values(), ids=CASES)
def test_people_who_are_not_served_are_counted_by_calling_code(
    limits: str | None, expected: dict[str, Any], cli: CliDriver
) -> None:
    staged = json.loads(run_import(cli, limits, "--json"))
    assert {"people": 7, "unreachable": 1, **expected}.items() <= staged.items()


def test_the_text_names_them_too(cli: CliDriver) -> None:
    text = run_import(cli, None)
    assert "1 people without a usable identifier" in text
    assert "; 3 people with only a phone of a country that is not served (+1 3, +44 1)" in text


def test_an_invalid_limits_file_is_refused_before_anything_is_imported(cli: CliDriver) -> None:
    (cli.folder / "limits.toml").write_text("sms_countries = 82")
    cli("incident", "create", SAMPLE_INCIDENT)
    (cli.folder / "people.csv").write_text("account_ref,email,items\na1,mina@example.com,name\n")
    error = cli.with_settings(EXPOSURE_LIMITS_FILE="limits.toml").expect_refusal(
        "dataset", "import", "people.csv", "--incident", "sample-2025", "--cost", "minimal"
    )
    assert error.startswith("EXPOSURE_LIMITS_FILE: limits.toml: sms_countries: ")
    assert cli("dataset", "list", "--json").objects == []
