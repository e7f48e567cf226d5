"""Settings: an invalid one stops the start with one line that names it and never repeats the value."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.config import InvalidSetting, Settings, load_settings, require_setting
from app.db.database import parse_database_url
from app.errors import InvalidInput

SECRET = "s3cret-m4rk"


@pytest.fixture(autouse=True)
def _chdir_to_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where there is no `.env` file of the developer."""
    monkeypatch.chdir(tmp_path)


def load_invalid_settings(name: str) -> str:
    """Return the error line of settings in which *name* is invalid."""
    with pytest.raises(InvalidSetting) as caught:
        load_settings()
    line = str(caught.value)
    assert line.startswith(f"{name}: ")
    assert len(line) > len(name) + 10
    assert "\n" not in line
    assert SECRET not in line
    assert caught.value.__suppress_context__
    return line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EXPOSURE_REDIS_URL", f"http://:{SECRET}@127.0.0.1"),
        ("EXPOSURE_REDIS_URL", ""),
        ("EXPOSURE_REDIS_URL", f"redis://:secret@127.0.0.1:{SECRET}/0"),
        ("EXPOSURE_REDIS_URL", f"redis+cluster://127.0.0.1:6379,127.0.0.1:{SECRET}"),
        ("EXPOSURE_METRICS_TOKEN", SECRET),
        ("EXPOSURE_METRICS_TOKEN", ""),
        ("EXPOSURE_REPLICA_URL", f"postgresql://user:{SECRET}@127.0.0.1/exposure"),  # the database is SQLite
        ("EXPOSURE_REPLICA_URL", f"sqlite:///{SECRET}"),
        ("EXPOSURE_REPLICA_URL", ""),
        ("EXPOSURE_KEY_DIR", ""),
        ("EXPOSURE_PEPPER_FILE", ""),
        ("EXPOSURE_DATABASE_URL", ""),
        ("EXPOSURE_KEYHOLDER", SECRET),
        ("EXPOSURE_KEYHOLDER", "unix:"),
        ("EXPOSURE_KEYHOLDER", ""),
        ("EXPOSURE_KEYHOLDER", f"https://{SECRET}"),
        ("EXPOSURE_SENDER", SECRET),
        ("EXPOSURE_SENDER", ""),
        ("EXPOSURE_SENDER", "CliDriver"),
        ("EXPOSURE_PUBLIC_URL", SECRET),
        ("EXPOSURE_PUBLIC_URL", f"ftp://user:{SECRET}@example.com"),
        ("EXPOSURE_TRUSTED_PROXIES", SECRET),
        ("EXPOSURE_TRUSTED_PROXIES", f"10.0.0.0/8, {SECRET}"),
        ("EXPOSURE_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("EXPOSURE_TRUSTED_PROXIES", "*"),
        ("EXPOSURE_LOG_LEVEL", SECRET),
        ("EXPOSURE_LOG_LEVEL", ""),
        ("EXPOSURE_CODE_TTL", SECRET),
        ("EXPOSURE_CODE_TTL", ""),
        ("EXPOSURE_CODE_TTL", "0"),
        ("EXPOSURE_CODE_TTL", "-1"),
        ("EXPOSURE_CODE_TTL", "3601"),
        ("EXPOSURE_CODE_TTL", "1.5"),
        ("EXPOSURE_CODE_TTL", "1e3"),
        ("EXPOSURE_SESSION_TTL", SECRET),
        ("EXPOSURE_SESSION_TTL", "0"),
        ("EXPOSURE_SESSION_TTL", "86401"),
    ],
)
@pytest.mark.parametrize("source", ["environment", "file"])
def test_an_invalid_setting_raises_one_line_without_the_value(
    name: str, value: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if source == "environment":
        monkeypatch.setenv(name, value)
    else:
        Path(".env").write_text(f"{name}={value}\n", encoding="utf-8")
    load_invalid_settings(name)


@pytest.mark.parametrize(
    "url",
    [
        "",
        SECRET,
        f"mysql://user:{SECRET}@127.0.0.1/exposure",
        f"postgresql://user:{SECRET}@127.0.0.1:port/exposure",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        f"sqlite+nothing:{SECRET}",
    ],
)
def test_an_invalid_database_url_is_not_repeated(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_database_url(url)
    line = str(caught.value)
    assert line.startswith("EXPOSURE_DATABASE_URL: ")
    assert "\n" not in line
    assert SECRET not in line


def test_an_invalid_replica_url_names_its_own_setting() -> None:
    with pytest.raises(InvalidInput, match=r"^EXPOSURE_REPLICA_URL: "):
        parse_database_url(f"postgresql://user:{SECRET}@127.0.0.1:port/exposure", "EXPOSURE_REPLICA_URL")


def test_the_first_of_several_invalid_settings_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPOSURE_CODE_TTL", SECRET)
    monkeypatch.setenv("EXPOSURE_LOG_LEVEL", SECRET)
    monkeypatch.setenv("EXPOSURE_SENDER", SECRET)
    load_invalid_settings("EXPOSURE_SENDER")


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


def test_default_key_dir_is_not_the_database_folder() -> None:
    settings = load_settings()
    assert Path(parse_database_url(settings.database_url).database or "").parent != settings.key_dir


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATABASE_URL": "postgresql://127.0.0.1/exposure",
        "REPLICA_URL": "postgresql://127.0.0.2/exposure",
        "REDIS_URL": "redis://127.0.0.1",
        "KEYHOLDER": "unix:/run/keyholder/door",
        "PEPPER_FILE": "/etc/pepper.key",
        "KEY_DIR": "/etc/keys",
        "RATCHET_DIR": "/run/exposure/ratchet",
        "SENDER": "console",
        "PUBLIC_URL": "https://example.com",
        "TRUSTED_PROXIES": " 10.0.0.1 ,192.168.0.0/16,, ::1,2001:db8::/32 ",
        "MAX_CONNECTIONS": "100",
        "MAX_CONNECTIONS_PER_ADDRESS": "10",
        "LOG_LEVEL": "debug",
        "CODE_TTL": "3600",
        "SESSION_TTL": "1",
        "LIMITS_FILE": "limits.toml",
        "METRICS_TOKEN": "sixteen or longer",
        "ALERT_WEBHOOK_URL": "https://example.com/alerts",
    }.items():
        monkeypatch.setenv(f"EXPOSURE_{name}", value)
    settings = load_settings()
    assert settings.keyholder_path == Path("/run/keyholder/door")
    assert settings.pepper_file == Path("/etc/pepper.key")
    assert settings.ratchet_folder == Path("/run/exposure/ratchet")
    assert settings.trusted_proxies == ("10.0.0.1", "192.168.0.0/16", "::1", "2001:db8::/32")
    assert settings.secure_cookies
    assert (settings.code_ttl, settings.session_ttl) == (3600, 1)
    assert {name for name in Settings.model_fields if getattr(settings, name) is None} == set()


def test_cookies_are_not_secure_over_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPOSURE_PUBLIC_URL", "http://127.0.0.1:8000")
    assert not load_settings().secure_cookies


def test_urls_with_passwords_are_not_in_the_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPOSURE_DATABASE_URL", f"postgresql://user:{SECRET}@127.0.0.1/exposure")
    monkeypatch.setenv("EXPOSURE_REPLICA_URL", f"postgresql://user:{SECRET}@127.0.0.2/exposure")
    monkeypatch.setenv("EXPOSURE_REDIS_URL", f"redis://:{SECRET}@127.0.0.1")
    settings = load_settings()
    for text in (repr(settings), str(settings), f"{settings}"):
        assert SECRET not in text


def test_pydantic_errors_do_not_contain_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KEYHOLDER", "SENDER", "PUBLIC_URL", "REDIS_URL", "CODE_TTL"):
        monkeypatch.setenv(f"EXPOSURE_{name}", SECRET)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert SECRET not in str(caught.value)


def test_settings_are_immutable() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().code_ttl = 1  # type: ignore[misc]


def test_a_required_setting_must_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidSetting) as caught:
        require_setting(load_settings(), "pepper_file")
    assert str(caught.value) == "EXPOSURE_PEPPER_FILE: must be set"
    monkeypatch.setenv("EXPOSURE_PEPPER_FILE", "/etc/pepper.key")
    assert require_setting(load_settings(), "pepper_file") == Path("/etc/pepper.key")


SETTING_REQUIREMENTS = [
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


@pytest.mark.parametrize(("name", "value", "requirement"), SETTING_REQUIREMENTS)
def test_an_error_states_what_is_required(
    name: str, value: str, requirement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert load_invalid_settings(name) == f"{name}: {requirement}"


@pytest.mark.parametrize(
    ("url", "requirement"),
    [
        ("database", "must be a sqlite:///PATH or postgresql:// URL"),
        ("mysql://127.0.0.1/exposure", "must be a sqlite:///PATH or postgresql:// URL"),
        ("sqlite://", "must name a file, such as sqlite:///data/exposure.sqlite3"),
    ],
)
def test_an_error_states_what_a_database_url_must_be(url: str, requirement: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_database_url(url)
    assert str(caught.value) == f"EXPOSURE_DATABASE_URL: {requirement}"


@pytest.mark.parametrize(
    ("proxies", "network"),
    [
        ("10.0.0.5/24", "10.0.0.0/24"),
        ("127.0.0.1, 10.0.0.5/24", "10.0.0.0/24"),
        ("2001:db8::1/32", "2001:db8::/32"),
        ("::ffff:10.0.0.5/120", "::ffff:a00:0/120"),
    ],
)
def test_a_proxy_network_with_host_bits_is_refused(monkeypatch: pytest.MonkeyPatch, proxies: str, network: str) -> None:
    monkeypatch.setenv("EXPOSURE_TRUSTED_PROXIES", proxies)
    with pytest.raises(InvalidSetting, match=f"^EXPOSURE_TRUSTED_PROXIES: .*write {re.escape(network)}, "):
        load_settings()
