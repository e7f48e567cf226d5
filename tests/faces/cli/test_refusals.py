"""What the console script refuses: exit code 2 (or 1), one line that names the place, never a value, never a traceback."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.crypto.key_files import KeyRing, create_key_file
from app.crypto.keys import ApplicationKey, Pepper, SigningKey
from app.faces.cli.demo import SAMPLE_INCIDENT
from tests.faces.cli.cli_driver import CliDriver, fork_server

UNKNOWN = "00000000-0000-0000-0000-000000000001"
SERVE = ("serve", "--port", "0")


@pytest.fixture(scope="module")
def forked() -> Iterator[Callable[..., Any]]:
    """Commands run as forks of one loaded process."""
    with fork_server() as run:
        yield run


@pytest.fixture
def console(tmp_path: Path, migrated_sqlite: Path, forked: Callable[..., Any]) -> CliDriver:
    """A deployment with a schema and keys, and nothing else."""
    (tmp_path / "database").mkdir()
    shutil.copy(migrated_sqlite, tmp_path / "database" / "exposure.sqlite3")
    keys = KeyRing(tmp_path / "keys")
    create_key_file(keys.application_key_path, ApplicationKey.generate())
    create_key_file(keys.signing_key_path, SigningKey.generate())
    create_key_file(tmp_path / "pepper" / "pepper.key", Pepper.generate())
    (tmp_path / "nobody").write_text("")
    return replace(CliDriver.in_folder(tmp_path), run=forked)


SETTINGS: dict[str, tuple[dict[str, str | None], str]] = {
    "no sender": ({"EXPOSURE_SENDER": None}, "EXPOSURE_SENDER: must be set"),
    "an unknown sender": ({"EXPOSURE_SENDER": "sesame"}, "EXPOSURE_SENDER: "),
    "no pepper": ({"EXPOSURE_PEPPER_FILE": None}, "EXPOSURE_PEPPER_FILE: must be set"),
    "a lifetime that is no number": ({"EXPOSURE_CODE_TTL": "sesame"}, "EXPOSURE_CODE_TTL: "),
    "a lifetime of nothing": ({"EXPOSURE_SESSION_TTL": "0"}, "EXPOSURE_SESSION_TTL: "),
    "a database that is none": ({"EXPOSURE_DATABASE_URL": "postgresql://u:sesame@h:port/d"}, "EXPOSURE_DATABASE_URL: "),
    "a replica that is none": (
        {"EXPOSURE_DATABASE_URL": "postgresql://h/d", "EXPOSURE_REPLICA_URL": "postgresql://u:sesame@h:port/d"},
        "EXPOSURE_REPLICA_URL: ",
    ),
    "a replica of SQLite": ({"EXPOSURE_REPLICA_URL": "postgresql://u:sesame@h/d"}, "EXPOSURE_REPLICA_URL: "),
    "a store of limits that is none": ({"EXPOSURE_REDIS_URL": "sesame"}, "EXPOSURE_REDIS_URL: "),
    "proxies that are none": ({"EXPOSURE_TRUSTED_PROXIES": "10.0.0.0/8,sesame"}, "EXPOSURE_TRUSTED_PROXIES: "),
    "a keyholder at a web address": ({"EXPOSURE_KEYHOLDER": "http://sesame"}, "EXPOSURE_KEYHOLDER: "),
    "a token that could be guessed": ({"EXPOSURE_METRICS_TOKEN": "sesame"}, "EXPOSURE_METRICS_TOKEN: "),
    "a file of budgets that is not there": ({"EXPOSURE_LIMITS_FILE": "no-such.toml"}, "EXPOSURE_LIMITS_FILE: "),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_serve_refuses_a_missing_or_malformed_setting_in_one_line_that_names_it(name: str, console: CliDriver) -> None:
    settings, expected = SETTINGS[name]
    said = console.with_settings(**settings).expect_refusal(*SERVE)
    assert said.startswith(expected)
    assert "sesame" not in said


def test_the_script_itself_refuses_as_the_forks_do(tmp_path: Path) -> None:
    said = CliDriver.in_folder(tmp_path).with_settings(EXPOSURE_SENDER=None).expect_refusal(*SERVE)
    assert said == "EXPOSURE_SENDER: must be set"


def test_several_workers_need_a_common_store_of_limits(console: CliDriver) -> None:
    assert console.expect_refusal(*SERVE, "--workers", 2).startswith(
        "EXPOSURE_REDIS_URL: must be set when --workers is above 1"
    )


def test_a_broken_file_of_budgets_is_refused_before_any_worker_starts(console: CliDriver) -> None:
    (console.folder / "limits.toml").write_text("[client]\nverifications = 'sesame'\n")
    settings = {"EXPOSURE_LIMITS_FILE": "limits.toml", "EXPOSURE_REDIS_URL": "redis://127.0.0.1:1"}
    said = console.with_settings(**settings).expect_refusal(*SERVE, "--workers", 2)
    assert said == "EXPOSURE_LIMITS_FILE: limits.toml: client.verifications: must be a limit such as 60/minute"


def test_serve_refuses_keys_that_others_can_read(console: CliDriver) -> None:
    path = console.folder / "keys" / "application.key"
    path.chmod(0o640)
    assert console.expect_refusal(*SERVE).startswith(f"{path}: must be readable by its owner only")


def test_serve_refuses_a_pepper_that_others_can_read(console: CliDriver) -> None:
    path = console.folder / "pepper" / "pepper.key"
    path.chmod(0o604)
    assert console.expect_refusal(*SERVE).startswith(f"{path}: must be readable by its owner only")


def test_serve_refuses_keys_in_the_databases_folder(console: CliDriver) -> None:
    shutil.copytree(console.folder / "keys", console.folder / "database", dirs_exist_ok=True)
    said = console.with_settings(EXPOSURE_KEY_DIR=str(console.folder / "database")).expect_refusal(*SERVE)
    assert "must not be the database's folder" in said


def test_serve_refuses_a_pepper_in_the_databases_folder(console: CliDriver) -> None:
    moved = shutil.move(console.folder / "pepper" / "pepper.key", console.folder / "database" / "pepper.key")
    assert console.with_settings(EXPOSURE_PEPPER_FILE=str(moved)).expect_refusal(*SERVE).startswith("EXPOSURE_PEPPER_FILE: ")


def test_serve_refuses_one_key_in_two_roles(console: CliDriver) -> None:
    keys = KeyRing(console.folder / "keys")
    keys.signing_key_path.write_bytes(keys.application_key_path.read_bytes())
    assert "each role needs its own key" in console.expect_refusal(*SERVE)


def test_serve_refuses_a_missing_key(console: CliDriver) -> None:
    (console.folder / "keys" / "signing.key").unlink()
    assert "`exposure keys generate` creates it" in console.expect_refusal(*SERVE)


def test_serve_refuses_a_schema_that_was_not_upgraded(console: CliDriver) -> None:
    (console.folder / "database" / "exposure.sqlite3").unlink()
    assert "run `exposure db upgrade`" in console.expect_refusal(*SERVE)


def test_a_database_that_is_not_there_is_no_wrong_use(console: CliDriver) -> None:
    nobody = console.with_settings(EXPOSURE_DATABASE_URL="postgresql://u:sesame@127.0.0.1:1/d")
    said = nobody.expect_refusal("dataset", "list", code=1)
    assert said.startswith("EXPOSURE_DATABASE_URL: the database cannot be reached")
    assert "sesame" not in said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("dataset", "publish", UNKNOWN), f"there is no data set {UNKNOWN}"),
        (("dataset", "retire", UNKNOWN), f"there is no data set {UNKNOWN}"),
        (
            ("dataset", "import", "no-such.csv", "--incident", "sample-2025", "--json"),
            "there is no incident sample-2025",
        ),
        (("incident", "show", "no-such"), "there is no incident no-such"),
        (("incident", "create", "no-such.toml"), "no-such.toml: cannot be read (No such file or directory)"),
        (("keys", "destroy", "../application"), "there is no store key of this id in EXPOSURE_KEY_DIR"),
        (("receipt", "verify", "no-such.json"), "no-such.json: cannot be read (No such file or directory)"),
    ],
)
def test_what_is_not_there_is_named(arguments: tuple[str, ...], expected: str, console: CliDriver) -> None:
    assert console.expect_refusal(*arguments) == expected


def test_an_import_whose_rejects_cannot_be_written_leaves_nothing(console: CliDriver) -> None:
    console("incident", "create", SAMPLE_INCIDENT)
    file = console.folder / "people.csv"
    file.write_text("account_ref,email,items\na1,mina@example.com,name\n")
    options = ("--incident", "sample-2025", "--cost", "minimal", "--rejects", "no-such-folder/rejects.csv", "--json")
    said = console.expect_refusal("dataset", "import", file, *options)
    assert said == "--rejects no-such-folder/rejects.csv: cannot be written (No such file or directory)"
    assert console("dataset", "list", "--json").objects == []
    file.write_text("account_ref,email,items\n")
    assert "holds no rows" in console.expect_refusal("dataset", "import", file, "--incident", "sample-2025", "--json")
    assert KeyRing(console.folder / "keys").list_store_key_ids() == []


def test_a_missing_required_column_is_named_with_its_place(console: CliDriver) -> None:
    console("incident", "create", SAMPLE_INCIDENT)
    file = console.folder / "people.csv"
    into = ("dataset", "import", file, "--incident", "sample-2025", "--cost", "minimal", "--rejects", "rejects.csv")
    for header, column in (
        ("account_ref,email,name", "items"),
        ("email,items,name", "account_ref"),
        ("account_ref,items,name", "email or phone"),
    ):
        file.write_text(f"{header}\nsesame,sesame,sesame\n")
        said = console.expect_refusal(*into, "--json")
        assert said.startswith(f"people.csv, line 1, column {column}: missing from the header")
    assert console("dataset", "list", "--json").objects == []


def test_a_cost_that_is_none_or_another_than_the_first_ones_is_refused(console: CliDriver) -> None:
    console("incident", "create", SAMPLE_INCIDENT)
    file = console.folder / "people.csv"
    file.write_text("account_ref,email,items\na1,mina@example.com,name\n")
    into = ("dataset", "import", file, "--incident", "sample-2025", "--cost")
    said = console.expect_refusal(*into, "sesame")
    assert said.startswith("--cost: must be one of minimal, default, strong, or TIME:KIB such as 1:512")
    assert "sesame" not in said
    console(*into, "1:512", "--json")
    said = console.expect_refusal(*into, "1:1024", "--json")
    assert said.startswith("--cost 1:1024 is not what the first import fixed (1:512)")


@pytest.mark.parametrize("line", ["sesame", "sesame@", "", "010-sesame"])
def test_what_is_no_identifier_is_not_repeated(line: str, console: CliDriver) -> None:
    said = console.expect_refusal("dataset", "suppress", UNKNOWN, stdin=line)
    assert said.startswith("standard input: line 1 must be a valid ")
    assert "sesame" not in said


@pytest.mark.parametrize("content", ["[" * 100_000, "{}", "[]", "null", '{"kid": 1, "payload": 2, "signature": 3}'])
def test_what_is_no_receipt_is_refused_in_one_line(content: str, console: CliDriver) -> None:
    (console.folder / "receipt.json").write_text(content)
    assert " must be " in console.expect_refusal("receipt", "verify", "receipt.json")


@pytest.mark.parametrize(
    "arguments",
    [("no-such",), ("dataset", "publish", "not-an-id"), ("dataset", "import"), ("serve", "--port", "70000")],
)
def test_wrong_use_is_exit_code_two(arguments: tuple[str, ...], console: CliDriver) -> None:
    ran = console(*arguments, code=2)
    assert ran.out == ""
    assert "Usage: exposure" in ran.err
