"""The file .env: what is read of it, and whose is believed."""

import os
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from app.config import Settings, load_settings
from app.errors import InvalidInput
from tests.test_config import SECRET, load_invalid_settings


@pytest.fixture(autouse=True)
def _chdir_to_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where there is no `.env` file of the developer."""
    monkeypatch.chdir(tmp_path)


def test_the_environment_overrides_the_env_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("EXPOSURE_CODE_TTL=60\nEXPOSURE_SESSION_TTL=70\nOTHER=1\n", encoding="utf-8")
    monkeypatch.setenv("EXPOSURE_SESSION_TTL", "80")
    settings = load_settings()
    assert (settings.code_ttl, settings.session_ttl) == (60, 80)


@pytest.mark.parametrize("content", [b"EXPOSURE_KEY_DIR=\xff\xfe" + SECRET.encode(), b"\xb0\xa1=1"])
def test_an_env_file_that_is_not_utf8_is_named(content: bytes) -> None:
    Path(".env").write_bytes(content)
    load_invalid_settings(".env")


@pytest.mark.parametrize("mode", [0o602, 0o620, 0o666])
def test_an_env_file_that_others_may_write_to_is_refused(mode: int) -> None:
    Path(".env").write_text(f"EXPOSURE_PUBLIC_URL=https://{SECRET}.example.com\n")
    Path(".env").chmod(mode)
    with pytest.raises(InvalidInput, match=r"^\.env: others may write to it"):
        load_settings()
    Path(".env").chmod(0o644)
    assert load_settings().public_url == f"https://{SECRET}.example.com"


@pytest.mark.parametrize("target", [".env", "elsewhere"])
def test_an_env_file_of_another_user_is_refused(target: str) -> None:
    assert os.geteuid() == 0, "this test changes the owner of a file, so it must run as root"
    Path(target).write_text(f"EXPOSURE_KEY_DIR={SECRET}\n")
    if target != ".env":
        Path(".env").symlink_to(target)
    os.chown(".env", 65534, 65534, follow_symlinks=False)
    with pytest.raises(InvalidInput, match=r"^\.env: belongs to another user") as caught:
        load_settings()
    assert SECRET not in str(caught.value)


def test_an_env_file_that_is_replaced_after_the_check_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("EXPOSURE_KEY_DIR=ours\n")
    Path("theirs").write_text("EXPOSURE_KEY_DIR=theirs\n")

    def replace_before_reading(self: Settings, **values: object) -> None:
        Path("theirs").replace(".env")
        BaseSettings.__init__(self, **values)  # type: ignore[arg-type]

    monkeypatch.setattr(Settings, "__init__", replace_before_reading)
    assert load_settings().key_dir == Path("ours")
