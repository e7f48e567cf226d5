"""Refusals of the console script: exit code 2 (or 1) and one line that names the place, without a value or a traceback."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.cli.demo import SAMPLE_INCIDENT
from app.crypto.key_files import KeyRing
from tests.cli.cli_driver import CliDriver

ALL_ADDRESSES = "0.0.0.0"  # noqa: S104  only ever refused, or stopped before it listens
UNKNOWN_ID = "00000000-0000-0000-0000-000000000001"
SERVE = ("serve", "--port", "0")


INVALID_SETTINGS: dict[str, tuple[dict[str, str | None], str]] = {
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


@pytest.mark.parametrize("name", INVALID_SETTINGS)
def test_serve_names_a_missing_or_invalid_setting(name: str, cli: CliDriver) -> None:
    settings, expected = INVALID_SETTINGS[name]
    error = cli.with_settings(**settings).expect_refusal(*SERVE)
    assert error.startswith(expected)
    assert "sesame" not in error


@pytest.mark.parametrize("option", ["--server-role", "--import-role"])
def test_sqlite_has_no_roles(option: str, cli: CliDriver) -> None:
    assert cli.expect_refusal("db", "upgrade", option, "sesame") == f"{option}: only on PostgreSQL"


def test_a_catalogue_that_is_not_signed_is_not_served_or_changed(cli: CliDriver) -> None:
    cli("incident", "create", SAMPLE_INCIDENT)
    path = cli.folder / "database" / "exposure.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE signed_catalog SET payload = x'', signature = x''")
    unsigned = "the catalogue is not signed: run `exposure db sign`"
    assert cli.expect_refusal(*SERVE) == f"EXPOSURE_DATABASE_URL: {unsigned}"
    assert cli.expect_refusal("incident", "update", SAMPLE_INCIDENT) == unsigned
    assert cli("db", "sign", "--json").objects == [{"event": "signed", "changed": True}]
    assert cli("db", "sign", "--json").objects == [{"event": "signed", "changed": False}]
    cli("incident", "update", SAMPLE_INCIDENT)

    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE notices SET version = 2")
    differs = (
        "the catalogue differs from its signature: "
        "notice 1 of incident sample-2025 is missing, notice 2 of incident sample-2025 was added"
    )
    assert cli.expect_refusal(*SERVE) == f"EXPOSURE_DATABASE_URL: {differs}"
    for command in (("incident", "update", SAMPLE_INCIDENT), ("db", "sign")):
        assert cli.expect_refusal(*command).startswith(differs)
    assert cli("db", "sign", "--accept-changes", "--json").objects == [{"event": "signed", "changed": True}]


def test_installed_script_refuses_alike(tmp_path: Path) -> None:
    error = CliDriver.in_folder(tmp_path).with_settings(EXPOSURE_SENDER=None).expect_refusal(*SERVE)
    assert error == "EXPOSURE_SENDER: must be set"


@pytest.mark.parametrize("host", [ALL_ADDRESSES, "::", "10.0.0.5", "::ffff:10.0.0.5", "leak.example.com", ""])
@pytest.mark.parametrize("public_url", [None, "http://leak.example.com"])
def test_plain_http_for_other_machines_is_refused(host: str, public_url: str | None, cli: CliDriver) -> None:
    error = cli.with_settings(EXPOSURE_PUBLIC_URL=public_url).expect_refusal(*SERVE, "--host", host)
    assert error.startswith("--host, EXPOSURE_PUBLIC_URL: ")
    assert "--insecure-http" in error


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ({"EXPOSURE_PUBLIC_URL": "https://leak.example.com"}, ("--host", ALL_ADDRESSES)),
        ({}, ("--host", ALL_ADDRESSES, "--insecure-http")),
        ({}, ("--host", "localhost")),
        ({}, ("--host", "127.0.0.2")),
        ({}, ("--host", "::1")),
        ({}, ("--host", "::ffff:127.0.0.1")),
    ],
)
def test_https_loopback_and_an_explicit_option_are_accepted(
    settings: dict[str, str], options: tuple[str, ...], cli: CliDriver
) -> None:
    """The next check of the settings is reached: nothing listens."""
    error = cli.with_settings(**settings).expect_refusal(*SERVE, *options, "--workers", 2)
    assert error.startswith("EXPOSURE_REDIS_URL: ")


def test_several_workers_need_redis(cli: CliDriver) -> None:
    assert cli.expect_refusal(*SERVE, "--workers", 2).startswith(
        "EXPOSURE_REDIS_URL: must be set when --workers is above 1"
    )


def test_invalid_limits_file_is_refused_before_workers_start(cli: CliDriver) -> None:
    (cli.folder / "limits.toml").write_text("[client]\nverifications = 'sesame'\n")
    settings = {"EXPOSURE_LIMITS_FILE": "limits.toml", "EXPOSURE_REDIS_URL": "redis://127.0.0.1:1"}
    error = cli.with_settings(**settings).expect_refusal(*SERVE, "--workers", 2)
    assert (
        error
        == "EXPOSURE_LIMITS_FILE: limits.toml: client.verifications: must be a rate over at most a day, such as 60/minute"
    )


def test_serve_refuses_keys_readable_by_others(cli: CliDriver) -> None:
    path = cli.folder / "keys" / "application.key"
    path.chmod(0o640)
    assert cli.expect_refusal(*SERVE).startswith(f"{path}: must be readable by its owner only")


def test_serve_refuses_a_pepper_readable_by_others(cli: CliDriver) -> None:
    path = cli.folder / "pepper" / "pepper.key"
    path.chmod(0o604)
    assert cli.expect_refusal(*SERVE).startswith(f"{path}: must be readable by its owner only")


def test_serve_refuses_keys_in_the_database_folder(cli: CliDriver) -> None:
    shutil.copytree(cli.folder / "keys", cli.folder / "database", dirs_exist_ok=True)
    error = cli.with_settings(EXPOSURE_KEY_DIR=str(cli.folder / "database")).expect_refusal(*SERVE)
    assert "must not be the database's folder" in error


def test_serve_refuses_a_pepper_in_the_database_folder(cli: CliDriver) -> None:
    moved = shutil.move(cli.folder / "pepper" / "pepper.key", cli.folder / "database" / "pepper.key")
    assert (
        cli.with_settings(EXPOSURE_PEPPER_FILE=str(moved)).expect_refusal(*SERVE).startswith("EXPOSURE_PEPPER_FILE: ")
    )


def test_serve_refuses_one_key_in_two_roles(cli: CliDriver) -> None:
    keys = KeyRing(cli.folder / "keys")
    keys.signing_key_path.write_bytes(keys.application_key_path.read_bytes())
    assert "each role needs its own key" in cli.expect_refusal(*SERVE)


def test_serve_refuses_a_missing_key(cli: CliDriver) -> None:
    (cli.folder / "keys" / "signing.key").unlink()
    assert "`exposure keys generate` creates it" in cli.expect_refusal(*SERVE)


def test_serve_refuses_a_missing_ratchet_and_creates_none(cli: CliDriver) -> None:
    folder = cli.folder / "keys" / "ratchet"
    path = folder / "ratchet.key"
    path.unlink()
    for _ in ("no file", "no folder"):
        error = cli.expect_refusal(*SERVE)
        assert error.startswith(f"{path}: does not exist")
        assert "`exposure keys generate`" in error
        shutil.rmtree(folder, ignore_errors=True)
    assert not folder.exists()


def test_serve_refuses_a_ratchet_in_the_database_folder(cli: CliDriver) -> None:
    error = cli.with_settings(EXPOSURE_RATCHET_DIR=str(cli.folder / "database")).expect_refusal(*SERVE)
    assert error.startswith("EXPOSURE_RATCHET_DIR: must not be the database's folder")


def test_serve_refuses_an_outdated_schema(cli: CliDriver) -> None:
    (cli.folder / "database" / "exposure.sqlite3").unlink()
    assert "run `exposure db upgrade`" in cli.expect_refusal(*SERVE)


def test_unreachable_database_is_exit_code_1(cli: CliDriver) -> None:
    unreachable = cli.with_settings(EXPOSURE_DATABASE_URL="postgresql://u:sesame@127.0.0.1:1/d")
    error = unreachable.expect_refusal("dataset", "list", exit_code=1)
    assert error.startswith("EXPOSURE_DATABASE_URL: the database cannot be reached")
    assert "sesame" not in error


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("dataset", "publish", UNKNOWN_ID), f"there is no data set {UNKNOWN_ID}"),
        (("dataset", "retire", UNKNOWN_ID), f"there is no data set {UNKNOWN_ID}"),
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
def test_unknown_id_or_file_is_named(arguments: tuple[str, ...], expected: str, cli: CliDriver) -> None:
    assert cli.expect_refusal(*arguments) == expected


def test_import_with_unwritable_rejects_file_leaves_nothing(cli: CliDriver) -> None:
    cli("incident", "create", SAMPLE_INCIDENT)
    file = cli.folder / "people.csv"
    file.write_text("account_ref,email,items\na1,mina@example.com,name\n")
    options = ("--incident", "sample-2025", "--cost", "minimal", "--rejects", "no-such-folder/rejects.csv", "--json")
    error = cli.expect_refusal("dataset", "import", file, *options)
    assert error == "--rejects no-such-folder/rejects.csv: cannot be written (No such file or directory)"
    assert cli("dataset", "list", "--json").objects == []
    file.write_text("account_ref,email,items\n")
    assert "holds no rows" in cli.expect_refusal("dataset", "import", file, "--incident", "sample-2025", "--json")
    assert KeyRing(cli.folder / "keys").list_store_key_ids() == []


def test_missing_required_column_is_named_with_its_place(cli: CliDriver) -> None:
    cli("incident", "create", SAMPLE_INCIDENT)
    file = cli.folder / "people.csv"
    into = ("dataset", "import", file, "--incident", "sample-2025", "--cost", "minimal", "--rejects", "rejects.csv")
    for header, column in (
        ("account_ref,email,name", "items"),
        ("email,items,name", "account_ref"),
        ("account_ref,items,name", "email or phone"),
    ):
        file.write_text(f"{header}\nsesame,sesame,sesame\n")
        error = cli.expect_refusal(*into, "--json")
        assert error.startswith(f"people.csv, line 1, column {column}: missing from the header")
    assert cli("dataset", "list", "--json").objects == []


def test_invalid_or_different_cost_is_refused(cli: CliDriver) -> None:
    cli("incident", "create", SAMPLE_INCIDENT)
    file = cli.folder / "people.csv"
    file.write_text("account_ref,email,items\na1,mina@example.com,name\n")
    into = ("dataset", "import", file, "--incident", "sample-2025", "--cost")
    error = cli.expect_refusal(*into, "sesame")
    assert error.startswith("--cost: must be one of minimal, default, strong, or PASSES:KIB such as 1:512")
    assert "sesame" not in error
    cli(*into, "1:512", "--json")
    error = cli.expect_refusal(*into, "1:1024", "--json")
    assert error.startswith("--cost 1:1024 is not what the first import fixed (1:512)")


@pytest.mark.parametrize("line", ["sesame", "sesame@", "", "010-sesame"])
def test_invalid_identifier_is_refused_without_its_value(line: str, cli: CliDriver) -> None:
    error = cli.expect_refusal("dataset", "suppress", UNKNOWN_ID, stdin=line)
    assert error.startswith("standard input: line 1 is not a valid ")
    assert "sesame" not in error


@pytest.mark.parametrize("content", ["[" * 100_000, "{}", "[]", "null", '{"kid": 1, "payload": 2, "signature": 3}'])
def test_invalid_receipt_is_refused_with_one_line(content: str, cli: CliDriver) -> None:
    (cli.folder / "receipt.json").write_text(content)
    error = cli.expect_refusal("receipt", "verify", "receipt.json")
    assert " must be JSON" in error or "is not a receipt" in error


@pytest.mark.parametrize(
    "arguments",
    [("no-such",), ("dataset", "publish", "not-an-id"), ("dataset", "import"), ("serve", "--port", "70000")],
)
def test_wrong_use_is_exit_code_2(arguments: tuple[str, ...], cli: CliDriver) -> None:
    result = cli(*arguments, exit_code=2)
    assert result.stdout == ""
    assert "Usage: exposure" in result.stderr
