"""Settings: a bad one stops the start with one line that names it, and never says what it was."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.config import InvalidSetting, Settings, load_settings, require_setting
from app.db.database import parse_database_url
from app.errors import InvalidInput

MARK = "s3cret-m4rk"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no `.env` of the developer's lies."""
    monkeypatch.chdir(tmp_path)


def refused(name: str) -> str:
    with pytest.raises(InvalidSetting) as caught:
        load_settings()
    line = str(caught.value)
    assert line.startswith(f"{name}: ")
    assert len(line) > len(name) + 10
    assert "\n" not in line
    assert MARK not in line
    assert caught.value.__suppress_context__
    return line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EXPOSURE_REDIS_URL", f"http://:{MARK}@127.0.0.1"),
        ("EXPOSURE_REDIS_URL", ""),
        ("EXPOSURE_REDIS_URL", f"redis://:secret@127.0.0.1:{MARK}/0"),
        ("EXPOSURE_REDIS_URL", f"redis+cluster://127.0.0.1:6379,127.0.0.1:{MARK}"),
        ("EXPOSURE_METRICS_TOKEN", MARK),
        ("EXPOSURE_METRICS_TOKEN", ""),
        ("EXPOSURE_REPLICA_URL", f"postgresql://user:{MARK}@127.0.0.1/exposure"),  # the database is SQLite
        ("EXPOSURE_REPLICA_URL", f"sqlite:///{MARK}"),
        ("EXPOSURE_REPLICA_URL", ""),
        ("EXPOSURE_KEY_DIR", ""),
        ("EXPOSURE_PEPPER_FILE", ""),
        ("EXPOSURE_DATABASE_URL", ""),
        ("EXPOSURE_KEYHOLDER", MARK),
        ("EXPOSURE_KEYHOLDER", "unix:"),
        ("EXPOSURE_KEYHOLDER", ""),
        ("EXPOSURE_KEYHOLDER", f"https://{MARK}"),
        ("EXPOSURE_SENDER", MARK),
        ("EXPOSURE_SENDER", ""),
        ("EXPOSURE_SENDER", "CliDriver"),
        ("EXPOSURE_PUBLIC_URL", MARK),
        ("EXPOSURE_PUBLIC_URL", f"ftp://user:{MARK}@example.com"),
        ("EXPOSURE_TRUSTED_PROXIES", MARK),
        ("EXPOSURE_TRUSTED_PROXIES", f"10.0.0.0/8, {MARK}"),
        ("EXPOSURE_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("EXPOSURE_TRUSTED_PROXIES", "*"),
        ("EXPOSURE_LOG_LEVEL", MARK),
        ("EXPOSURE_LOG_LEVEL", ""),
        ("EXPOSURE_CODE_TTL", MARK),
        ("EXPOSURE_CODE_TTL", ""),
        ("EXPOSURE_CODE_TTL", "0"),
        ("EXPOSURE_CODE_TTL", "-1"),
        ("EXPOSURE_CODE_TTL", "3601"),
        ("EXPOSURE_CODE_TTL", "1.5"),
        ("EXPOSURE_CODE_TTL", "1e3"),
        ("EXPOSURE_SESSION_TTL", MARK),
        ("EXPOSURE_SESSION_TTL", "0"),
        ("EXPOSURE_SESSION_TTL", "86401"),
    ],
)
@pytest.mark.parametrize("where", ["environment", "file"])
def test_a_malformed_setting_stops_the_start(
    name: str, value: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "environment":
        monkeypatch.setenv(name, value)
    else:
        Path(".env").write_text(f"{name}={value}\n", encoding="utf-8")
    refused(name)


@pytest.mark.parametrize(
    "url",
    [
        "",
        MARK,
        f"mysql://user:{MARK}@127.0.0.1/exposure",
        f"postgresql://user:{MARK}@127.0.0.1:port/exposure",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        f"sqlite+nothing:{MARK}",
    ],
)
def test_a_malformed_database_address_is_named_and_not_said(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_database_url(url)
    line = str(caught.value)
    assert line.startswith("EXPOSURE_DATABASE_URL: ")
    assert "\n" not in line
    assert MARK not in line


def test_the_replica_has_a_name_of_its_own() -> None:
    with pytest.raises(InvalidInput, match=r"^EXPOSURE_REPLICA_URL: "):
        parse_database_url(f"postgresql://user:{MARK}@127.0.0.1:port/exposure", "EXPOSURE_REPLICA_URL")


def test_the_first_of_several_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPOSURE_CODE_TTL", MARK)
    monkeypatch.setenv("EXPOSURE_LOG_LEVEL", MARK)
    monkeypatch.setenv("EXPOSURE_SENDER", MARK)
    refused("EXPOSURE_SENDER")


def test_defaults() -> None:
    settings = load_settings()
    assert settings.database_url == "sqlite:///data/exposure.sqlite3"
    assert settings.key_dir == Path("keys")
    assert settings.log_level == "info"
    assert (settings.code_ttl, settings.session_ttl) == (600, 1800)
    assert settings.trusted_proxies == ()
    assert settings.keyholder_path is None
    assert not settings.secure_cookies
    unset = (settings.redis_url, settings.pepper_file, settings.sender, settings.public_url, settings.limits_file)
    assert {*unset, settings.metrics_token} == {None}


def test_the_default_keys_do_not_lie_with_the_default_database() -> None:
    settings = load_settings()
    assert Path(parse_database_url(settings.database_url).database or "").parent != settings.key_dir


def test_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATABASE_URL": "postgresql://127.0.0.1/exposure",
        "REPLICA_URL": "postgresql://127.0.0.2/exposure",
        "REDIS_URL": "redis://127.0.0.1",
        "KEYHOLDER": "unix:/run/keyholder/door",
        "PEPPER_FILE": "/etc/pepper.key",
        "KEY_DIR": "/etc/keys",
        "SENDER": "console",
        "PUBLIC_URL": "https://example.com",
        "TRUSTED_PROXIES": " 10.0.0.1 ,192.168.7.9/16,, ::1,2001:db8::/32 ",
        "LOG_LEVEL": "debug",
        "CODE_TTL": "3600",
        "SESSION_TTL": "1",
        "LIMITS_FILE": "limits.toml",
        "METRICS_TOKEN": "sixteen or longer",
        "ALERT_WEBHOOK_URL": "https://example.com/alarms",
    }.items():
        monkeypatch.setenv(f"EXPOSURE_{name}", value)
    settings = load_settings()
    assert settings.keyholder_path == Path("/run/keyholder/door")
    assert settings.pepper_file == Path("/etc/pepper.key")
    assert settings.trusted_proxies == ("10.0.0.1", "192.168.7.9/16", "::1", "2001:db8::/32")
    assert settings.secure_cookies
    assert (settings.code_ttl, settings.session_ttl) == (3600, 1)
    assert {name for name in Settings.model_fields if getattr(settings, name) is None} == set()


def test_cookies_are_not_secure_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPOSURE_PUBLIC_URL", "http://127.0.0.1:8000")
    assert not load_settings().secure_cookies


def test_the_file_is_read_and_the_environment_goes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("EXPOSURE_CODE_TTL=60\nEXPOSURE_SESSION_TTL=70\nOTHER=1\n", encoding="utf-8")
    monkeypatch.setenv("EXPOSURE_SESSION_TTL", "80")
    settings = load_settings()
    assert (settings.code_ttl, settings.session_ttl) == (60, 80)


@pytest.mark.parametrize("content", [b"EXPOSURE_KEY_DIR=\xff\xfe" + MARK.encode(), b"\xb0\xa1=1"])
def test_a_file_that_is_no_text_is_named(content: bytes) -> None:
    Path(".env").write_bytes(content)
    refused(".env")


def test_addresses_with_passwords_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPOSURE_DATABASE_URL", f"postgresql://user:{MARK}@127.0.0.1/exposure")
    monkeypatch.setenv("EXPOSURE_REPLICA_URL", f"postgresql://user:{MARK}@127.0.0.2/exposure")
    monkeypatch.setenv("EXPOSURE_REDIS_URL", f"redis://:{MARK}@127.0.0.1")
    settings = load_settings()
    for shown in (repr(settings), str(settings), f"{settings}"):
        assert MARK not in shown


def test_what_pydantic_says_does_not_hold_the_value_either(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KEYHOLDER", "SENDER", "PUBLIC_URL", "REDIS_URL", "CODE_TTL"):
        monkeypatch.setenv(f"EXPOSURE_{name}", MARK)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert MARK not in str(caught.value)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().code_ttl = 1  # type: ignore[misc]


def test_a_setting_that_a_command_cannot_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidSetting) as caught:
        require_setting(load_settings(), "pepper_file")
    assert str(caught.value) == "EXPOSURE_PEPPER_FILE: must be set"
    monkeypatch.setenv("EXPOSURE_PEPPER_FILE", "/etc/pepper.key")
    assert require_setting(load_settings(), "pepper_file") == Path("/etc/pepper.key")


REQUIREMENTS = [
    ("EXPOSURE_PUBLIC_URL", "example.com", "must start with https:// or http://"),
    ("EXPOSURE_ALERT_WEBHOOK_URL", "example.com", "must start with https:// or http://"),
    ("EXPOSURE_KEYHOLDER", "/run/keyholder", "must be unix:PATH"),
    ("EXPOSURE_REPLICA_URL", "mysql://replica", "must be a postgresql:// URL"),
    (
        "EXPOSURE_REPLICA_URL",
        "postgresql://replica",
        "must not be set unless EXPOSURE_DATABASE_URL is a postgresql:// URL",
    ),
    (
        "EXPOSURE_REDIS_URL",
        "http://127.0.0.1",
        "must start with redis://, rediss://, redis+cluster://, valkey://, valkeys:// or valkey+cluster://",
    ),
    ("EXPOSURE_REDIS_URL", "redis://127.0.0.1:port", "invalid port"),
    ("EXPOSURE_TRUSTED_PROXIES", "proxy", "must be addresses or networks in CIDR form, separated by commas"),
    ("EXPOSURE_KEY_DIR", "", "must not be empty"),
]


@pytest.mark.parametrize(("name", "value", "requirement"), REQUIREMENTS)
def test_an_error_states_what_is_required(
    name: str, value: str, requirement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert refused(name) == f"{name}: {requirement}"


@pytest.mark.parametrize(
    ("url", "requirement"),
    [
        ("database", "must be a sqlite:///PATH or postgresql:// URL"),
        ("mysql://127.0.0.1/exposure", "must be a sqlite:///PATH or postgresql:// URL"),
        ("sqlite://", "must name a file, such as sqlite:///data/exposure.sqlite3"),
    ],
)
def test_an_error_states_what_a_database_address_must_be(url: str, requirement: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_database_url(url)
    assert str(caught.value) == f"EXPOSURE_DATABASE_URL: {requirement}"
