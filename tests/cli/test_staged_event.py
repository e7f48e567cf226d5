"""The staged event warns of emails that were left out, and of people who may be strangers with the same references."""

import json

from app.cli.demo import SAMPLE_INCIDENT
from tests.cli.cli_driver import CliDriver

PEOPLE = """\
account_ref,email,phone,name,items
a1,hong..kim@example.com,010-2000-0001,홍길동,name
a2,jun@example.com,,박준,name
a2,,010-2000-0002,이소라,address
"""
IMPORT = ("dataset", "import", "people.csv", "--incident", "sample-2025", "--cost", "minimal", "--workers", 1)


def test_what_may_be_damaged_is_refused_or_reported(cli: CliDriver) -> None:
    cli("incident", "create", SAMPLE_INCIDENT)
    (cli.folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    error = cli.expect_refusal(*IMPORT, "--json")  # without progress bars
    assert error.startswith("people.csv: line 3: 1 of 2 people")
    assert error.endswith("--accept-merged 1")
    staged = json.loads(cli(*IMPORT, "--accept-merged", 1, "--json").stdout)
    assert {"people": 2, "rejected": 0, "emails_left_out": 1, "merged_people": 1}.items() <= staged.items()
    text = cli(*IMPORT, "--accept-merged", 1).stdout
    assert "; warning: 1 malformed emails were left out of rows with another identifier (line 2)" in text
    assert "; warning: 1 people have contradictory rows, and may be strangers with the same references (line 3)" in text


def test_an_ordinary_file_has_neither(cli: CliDriver) -> None:
    cli("incident", "create", SAMPLE_INCIDENT)
    (cli.folder / "people.csv").write_text("account_ref,email,items\na1,jun@example.com,name\n", encoding="utf-8")
    staged = json.loads(cli(*IMPORT, "--json").stdout)
    assert (staged["emails_left_out"], staged["merged_people"]) == (0, 0)
    assert "warning" not in cli(*IMPORT).stdout
