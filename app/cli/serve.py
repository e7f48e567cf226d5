"""`exposure serve`."""

from functools import partial
from ipaddress import IPv6Address, ip_address
from typing import Annotated

import typer

from app.cli.output import JsonOption
from app.cli.resources import check_ratchet, open_database, open_keyholder, open_keys
from app.cli.uvicorn_runner import run_server
from app.config import InvalidSetting, load_settings, require_setting
from app.crypto.key_files import KeyRing
from app.datasets.signed_catalog import check_catalog, public_key_of
from app.db import Database, parse_database_url
from app.db.roles import require_server_privileges
from app.delivery import ConsoleSender
from app.errors import OperationRefused
from app.keyholder import KeyholderSocket
from app.rate_limits import load_policy

commands = typer.Typer(add_completion=False)


@commands.command()
def serve(
    host: Annotated[str, typer.Option(help="address to listen at")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="port to listen at; 0: any free port")] = 8000,
    workers: Annotated[
        int, typer.Option(min=1, help="number of server processes; more than one needs EXPOSURE_REDIS_URL")
    ] = 1,
    insecure_http: Annotated[
        bool,
        typer.Option(
            "--insecure-http",
            help="serve other machines without an https EXPOSURE_PUBLIC_URL: codes and sessions can be read on the network",
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Run the server on EXPOSURE_DATABASE_URL."""
    settings = load_settings()
    require_setting(settings, "sender")
    if not (insecure_http or settings.secure_cookies or _is_loopback(host)):
        raise InvalidSetting(
            "--host, EXPOSURE_PUBLIC_URL: an address that other machines reach needs an https:// public URL, which a proxy serves, or --insecure-http"
        )
    load_policy(settings.limits_file)  # checked here, because a worker that fails is restarted again and again
    if settings.replica_url is not None:
        parse_database_url(settings.replica_url, "EXPOSURE_REPLICA_URL")
    with open_database(settings) as database:
        keys = open_keys(settings, database)
        check_ratchet(settings, database)
        require_server_privileges(database)
        _require_signed_catalog(database, keys)
    if workers > 1 and settings.redis_url is None:
        raise InvalidSetting(
            "EXPOSURE_REDIS_URL: must be set when --workers is above 1, or each process would allow the full limits"
        )
    with open_keyholder(settings, KeyholderSocket.LOOKUP) as keyholder_socket:
        sender = partial(ConsoleSender, as_json=json)
        run_server(settings, keyholder_socket, sender, host=host, port=port, workers=workers, as_json=json)


def _require_signed_catalog(database: Database, keys: KeyRing) -> None:
    with database.read() as db:
        _, problem = check_catalog(db, public_key_of(keys.load_signing_key()))
    if problem:
        raise OperationRefused(f"EXPOSURE_DATABASE_URL: {problem}")


def _is_loopback(host: str) -> bool:
    """Return whether only this machine reaches *host*. Names other than ``localhost`` may resolve to anything."""
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
