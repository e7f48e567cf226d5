"""Application settings: environment variables and ``.env``, read once at start and passed down. No domain package reads a setting itself.

A missing or malformed setting stops the start with one line that names it. The line never repeats the value: some values hold passwords.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network, IPv6Network, ip_interface, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.errors import InvalidInput
from app.private_files import require_own

ENV_PREFIX = "EXPOSURE_"
REDIS_URL_SCHEMES = tuple(
    f"{scheme}://" for scheme in ("redis", "rediss", "redis+cluster", "valkey", "valkeys", "valkey+cluster")
)
_MAPPED_PREFIX = 0xFFFF << 32
IpNetwork = Annotated[str, "an address or a network in CIDR form"]


class InvalidSetting(InvalidInput):
    """A setting that cannot be used."""


class Settings(BaseSettings):
    """Application settings: environment variables prefixed with ``EXPOSURE_``."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        extra="ignore",
        hide_input_in_errors=True,
        frozen=True,
    )

    database_url: str = Field(
        "sqlite:///data/exposure.sqlite3",
        repr=False,
        description="SQLite file or PostgreSQL; see `exposure db upgrade`",
    )
    database_pool: int = Field(
        8, ge=2, le=1000, description="connections of each server process; it serves one request fewer at once"
    )
    replica_url: str | None = Field(
        None,
        repr=False,
        description="PostgreSQL replica where look-ups read the sealed rows; none: the main database",
    )
    redis_url: str | None = Field(
        None, repr=False, description="Redis or Valkey for the rate limits; none: they are kept in the process"
    )
    keyholder: str | None = Field(None, description="`unix:PATH` of a keyholder; none: a child process")
    pepper_file: Path | None = Field(None, description="the pepper; read by the keyholder only")
    key_dir: Path = Field(Path("keys"), description="store keys, application key, signing key")
    ratchet_dir: Path | None = Field(
        None, description="the key ratchet of this host, never to be backed up; none: `ratchet` in EXPOSURE_KEY_DIR"
    )
    work_dir: Path = Field(
        Path("data/work"),
        description="where an import keeps sealed rows until it is done; needs about twice the file's size",
    )
    sender: Literal["console"] | None = Field(
        None, description="what delivers codes; `console` prints them and must be set explicitly"
    )
    public_url: str | None = Field(None, description="address that people type; https makes the cookies Secure")
    trusted_proxies: Annotated[tuple[IpNetwork, ...], NoDecode] = Field(
        (), description="addresses or networks, separated by commas, whose X-Forwarded-For is believed"
    )
    max_connections: int = Field(900, ge=1, description="open connections of each server process")
    max_connections_per_address: int = Field(
        64, ge=1, description="of them, those of one client address; proxies that are trusted are exempt"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="how much is logged to standard error"
    )
    code_ttl: int = Field(600, ge=1, le=3600, description="seconds that a code is valid")
    session_ttl: int = Field(1800, ge=1, le=86400, description="seconds that a session lasts")
    alert_webhook_url: str | None = Field(
        None,
        repr=False,
        description="receives alerts: a code was requested for a canary, or a limit of the whole service was reached; "
        "none: only logged",
    )
    limits_file: Path | None = Field(None, description="TOML file of rate limits that replace the defaults")
    metrics_token: str | None = Field(
        None, min_length=16, repr=False, description="bearer token for `GET /metrics`; none: there is no `/metrics`"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _reject_empty(cls, value: object, info: ValidationInfo) -> object:
        if value == "" and info.field_name != "trusted_proxies":  # an empty path would mean the working directory
            raise ValueError("must not be empty")
        return value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_proxies(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _validate_proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for part in value:
            try:
                interface = ip_interface(part)
            except ValueError:
                raise ValueError("must be addresses or networks in CIDR form, separated by commas") from None
            if interface.ip != interface.network.network_address:
                raise ValueError(
                    f"an address is not a network: write {interface.network}, or the address without its prefix"
                )
        return value

    @field_validator("public_url", "alert_webhook_url")
    @classmethod
    def _validate_http_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://")):
            raise ValueError("must start with https:// or http://")
        if value is not None and _host_of(value) is None:
            raise ValueError("must name a host")
        return value

    @field_validator("replica_url")
    @classmethod
    def _validate_replica_url(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and not value.startswith("postgresql"):
            raise ValueError("must be a postgresql:// URL")
        if value is not None and info.data.get("database_url", "").startswith("sqlite"):
            raise ValueError("must not be set unless EXPOSURE_DATABASE_URL is a postgresql:// URL")
        return value

    @field_validator("redis_url")
    @classmethod
    def _validate_redis_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(REDIS_URL_SCHEMES):
            raise ValueError(f"must start with {', '.join(REDIS_URL_SCHEMES[:-1])} or {REDIS_URL_SCHEMES[-1]}")
        for server in (value or "").partition("://")[2].rpartition("@")[2].split(","):
            try:
                _ = urlsplit(f"//{server}").port
            except ValueError:
                raise ValueError("invalid port") from None
        return value

    @field_validator("keyholder")
    @classmethod
    def _validate_keyholder(cls, value: str | None) -> str | None:
        if value is not None and (not value.startswith("unix:") or value == "unix:"):
            raise ValueError("must be unix:PATH")
        return value

    @property
    def keyholder_path(self) -> Path | None:
        """The keyholder's lookup socket, if a keyholder is configured."""
        return Path(self.keyholder.removeprefix("unix:")) if self.keyholder else None

    @property
    def ratchet_folder(self) -> Path:
        """The folder of the key ratchet."""
        return self.ratchet_dir or self.key_dir / "ratchet"

    @property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of the trusted proxies; those of IPv4 also as a socket for both versions reports them, mapped into IPv6."""
        networks = [ip_network(proxy) for proxy in self.trusted_proxies]
        return tuple(form for network in networks for form in _both_forms(network))

    @property
    def public_host(self) -> str | None:
        """The host of the public URL, as browsers send it."""
        return None if self.public_url is None else _host_of(self.public_url)

    @property
    def secure_cookies(self) -> bool:
        """Whether cookies are marked Secure (sent over https only)."""
        return self.public_url is not None and self.public_url.startswith("https://")


def _both_forms(network: IPv4Network | IPv6Network) -> list[IPv4Network | IPv6Network]:
    """Return a network, and its other form if it is of IPv4 or mapped (``::ffff:0:0/96``)."""
    address, bits = int(network.network_address), network.prefixlen
    if isinstance(network, IPv4Network):
        return [network, IPv6Network((_MAPPED_PREFIX | address, bits + 96))]
    if address & ~0xFFFFFFFF == _MAPPED_PREFIX and bits >= 96:
        return [network, IPv4Network((address & 0xFFFFFFFF, bits - 96))]
    return [network]


def _host_of(url: str) -> str | None:
    """Return the host of a URL in ASCII; None if it has none, or none that DNS can hold."""
    try:
        return (urlsplit(url).hostname or "").encode("idna").decode() or None
    except ValueError:
        return None


def load_settings(**overrides: Any) -> Settings:  # noqa: ANN401  the types of the settings
    """Read the environment and ``.env``; *overrides* win.

    Raises:
        InvalidSetting: one line that names the first bad setting and the reason.
        NotPrivate: others may write to ``.env``.
    """
    try:
        with _open_env_file() as env_file:
            return Settings(_env_file=env_file, **overrides)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ENV_PREFIX + str(first["loc"][0]).upper()
        raise InvalidSetting(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None
    except (OSError, UnicodeDecodeError):
        raise InvalidSetting(".env: cannot be read as UTF-8") from None


@contextmanager
def _open_env_file() -> Iterator[str | None]:
    """Yield the path of the open `.env` of the working directory, or None if there is none.

    Its lines decide where keys are read and codes are sent, and a command may be run in any directory, so only a file of this user is believed.

    Raises:
        NotPrivate: others may write to it.
    """
    path = Path(".env")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        yield None
        return
    try:
        require_own(path, path.lstat(), forbidden_mode=0, remedy="")  # the symlink, if it is one
        require_own(path, os.fstat(descriptor), forbidden_mode=0o022, remedy="others may write to it: chmod go-w")
        yield f"/dev/fd/{descriptor}"  # the file that was checked, even if another has its name by now
    finally:
        os.close(descriptor)


def require_setting(settings: Settings, name: str) -> object:
    """Return a setting that a command needs.

    Raises:
        InvalidSetting: it is not set.
    """
    value = getattr(settings, name)
    if value is None:
        raise InvalidSetting(f"{ENV_PREFIX}{name.upper()}: must be set")
    return value
