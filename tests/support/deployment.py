"""A complete deployment for one test: a real database, real key files, a real keyholder process, and the real application."""

import csv
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy.orm import Session

from app.bootstrap import create_app
from app.cli.demo import SAMPLE_INCIDENT
from app.config import Settings
from app.crypto.key_files import KeyRing, create_key_file
from app.crypto.key_ratchet import KeyRatchet, epoch_of
from app.crypto.keys import ApplicationKey, SigningKey
from app.crypto.ratchet_file import RatchetFile
from app.datasets import service as datasets
from app.datasets.destruction import destroy_store_key
from app.datasets.kdf_params import load_params as load_kdf_params
from app.datasets.shards import drop_shard_rows, open_shards
from app.datasets.signed_catalog import signed_change
from app.db import Database
from app.delivery import Message, Outbox
from app.importing import ImportOptions, ImportResult, NullListener, ProgressListener
from app.importing.pipeline import import_file
from app.incidents import service as incidents
from app.incidents.loader import load_incident
from app.incidents.schema import Incident
from app.keyholder import import_socket_path
from app.source_files.schema import COLUMNS, RejectedRow
from tests.support.asgi_client import asgi_client
from tests.support.fake_clock import FakeClock
from tests.support.permissive_limits import permissive_limits
from tests.support.running_server import running_server

INCIDENT_SLUG = "sample-2025"


@dataclass
class FakeSender:
    """A sender that records messages instead of delivering them."""

    messages: list[Message] = field(default_factory=list)
    is_live: ClassVar[bool] = False

    def send(self, message: Message) -> None:
        self.messages.append(message)


class RecordingListener(NullListener):
    """A progress listener that records resumes and restarts, and calls back to the test."""

    def __init__(
        self,
        on_progress: Callable[[str, int], object] = lambda *_: None,
        on_rejects: Callable[[Sequence[RejectedRow]], object] = lambda _: None,
    ) -> None:
        self._on_progress, self._on_rejects = on_progress, on_rejects
        self.events: list[tuple[object, ...]] = []

    def on_progress(self, stage: str, done: int, total: int, rows: int, rejected: int) -> None:
        self._on_progress(stage, done)

    def on_rejects(self, rejects: Sequence[RejectedRow]) -> None:
        self._on_rejects(rejects)

    def on_resume(self, done: int, partitions: int) -> None:
        self.events.append(("resumed", done, partitions))

    def on_restart(self) -> None:
        self.events.append(("restarted",))


def make_row(account: str, **columns: Any) -> dict[str, str]:
    """Return one row of a data set file. Columns that are not given are empty."""
    return {name: str(columns.get(name, "")) for name in COLUMNS} | {"account_ref": account}


class Deployment:
    """A deployment, with the actions of its operators and customers.

    Args:
        folder: for its files.
        database_url: what the operators use.
        keyholder_socket: lookup socket of the keyholder.
        server_url: what the server uses; by default the same.
        settings: that differ from the usual ones.
    """

    def __init__(
        self, folder: Path, database_url: str, keyholder_socket: Path, *, server_url: str | None = None, **settings: Any
    ) -> None:
        self._resources = ExitStack()
        self.folder = folder
        self.keyholder_socket = keyholder_socket
        self.clock = FakeClock()
        self.sender = FakeSender()
        limits_file = folder / "limits.toml"
        limits_file.write_text(permissive_limits())
        defaults: dict[str, Any] = {
            "database_url": database_url,
            "key_dir": folder / "keys",
            "work_dir": folder / "work",
            "sender": "console",
            "limits_file": limits_file,
        }
        self.settings = Settings(_env_file=None, **(defaults | settings))
        self.keys = KeyRing(self.settings.key_dir)
        create_key_file(self.keys.application_key_path, ApplicationKey.generate())
        create_key_file(self.keys.signing_key_path, SigningKey.generate())
        RatchetFile(self.settings.ratchet_folder).create(epoch_of(self.clock()))
        self.database = Database(database_url)
        self.server_url = server_url or database_url
        self._server_database = Database(self.server_url)
        self.incident = load_incident(SAMPLE_INCIDENT)
        self.create_incident(self.incident)

    @contextmanager
    def change_catalog(self) -> Iterator[Session]:
        """Open a transaction that changes the catalogue, and sign it at the end, as the commands do."""
        with (
            self.database.write() as db,
            signed_change(db, self.keys.load_signing_key(), now=self.clock()),
        ):
            yield db

    def create_incident(self, incident: Incident) -> None:
        with self.change_catalog() as db:
            incidents.create_incident(db, incident, now=self.clock())

    def build_app(self, **options: Any) -> FastAPI:
        settings = self.settings.model_copy(update={"database_url": self.server_url})
        return create_app(
            settings, keyholder_socket=self.keyholder_socket, sender=self.sender, clock=self.clock, **options
        )

    @cached_property
    def app(self) -> FastAPI:
        return self.build_app()

    @cached_property
    def client(self) -> httpx.Client:
        """A client of the application. Its outbox is emptied by `deliver_outbox`, not by a background thread."""
        return self._resources.enter_context(asgi_client(self.app))

    @cached_property
    def wire_client(self) -> httpx.Client:
        """Like `client`, over a real socket and uvicorn."""
        return self._resources.enter_context(running_server(self.app))

    def import_rows(
        self, rows: Iterable[Mapping[str, str]], *, incident: str = INCIDENT_SLUG, **options: Any
    ) -> ImportResult:
        """Import some rows."""
        path = self.folder / "people.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        return self.import_file(path, incident=incident, **options)

    def import_file(self, path: Path, *, incident: str = INCIDENT_SLUG, **options: Any) -> ImportResult:
        self.clock.advance(seconds=1)  # data sets are listed by age
        listener: ProgressListener = options.pop("listener", NullListener())
        defaults = {"cost": None if self._has_kdf_params() else "minimal", "workers": 1}
        return import_file(
            ImportOptions(path, incident, **(defaults | options)),
            database=self.database,
            keys=self.keys,
            import_socket=import_socket_path(self.keyholder_socket),
            work_dir=self.settings.work_dir,
            now=self.clock(),
            listener=listener,
        )

    def publish(self, dataset: UUID, *, accept_loss: int = 10**9) -> None:
        with self.change_catalog() as db:
            datasets.publish(db, dataset, now=self.clock(), accept_loss=accept_loss)

    def import_and_publish(self, rows: Iterable[Mapping[str, str]], **options: Any) -> UUID:
        """Import rows and publish them as a data set."""
        staged = self.import_rows(rows, **options)
        self.publish(staged.id)
        return staged.id

    def retire(self, dataset: UUID) -> None:
        with self.change_catalog() as db:
            retired = datasets.retire(db, dataset)
        if retired.key_id in self.keys.list_store_key_ids():
            destroy_store_key(self.database, self.keys, retired.key_id)
        with open_shards(self.database) as servers:
            drop_shard_rows(servers, dataset)

    def deliver_outbox(self) -> list[Message]:
        """Deliver all due messages, and return those that were sent."""
        sent_before = len(self.sender.messages)
        Outbox(self.open_ratchet()).deliver_due(self._server_database, self.sender, self.clock)
        return self.sender.messages[sent_before:]

    def open_ratchet(self) -> KeyRatchet:
        """Open the key ratchet as another process of the same host does."""
        return KeyRatchet(RatchetFile(self.settings.ratchet_folder), timedelta(seconds=self.settings.code_ttl))

    def request_code(self, identifier: str) -> httpx.Response:
        """Request a code for an identifier."""
        channel = "email" if "@" in identifier else "sms"
        return self.client.post("/v1/verifications", json={"channel": channel, "identifier": identifier})

    def confirm_code(
        self, started: httpx.Response, code: str, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        body = started.json()
        return self.client.post(
            f"/v1/verifications/{body['id']}/confirm",
            json={"code": code, "client_secret": body["client_secret"]},
            headers=headers,
        )

    def sign_in(self, identifier: str, headers: Mapping[str, str] | None = None) -> dict[str, str]:
        """Verify an identifier, and return the Authorization header of the session."""
        started = self.request_code(identifier)
        assert started.status_code == 202, started.text
        confirmed = self.confirm_code(started, self.deliver_outbox()[-1].code, headers)
        assert confirmed.status_code == 200, confirmed.text
        return {"Authorization": f"Bearer {confirmed.json()['access_token']}"}

    def get_exposures(self, *identifiers: str) -> dict[str, Any]:
        """Verify identifiers, and return the body of ``GET /v1/exposures``."""
        headers = None
        for identifier in identifiers:
            headers = self.sign_in(identifier, headers)
        response = self.client.get("/v1/exposures", headers=headers)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    def execute_sql(self, statement: str, *parameters: Any) -> list[Any]:
        """Execute SQL directly, bypassing the application."""
        with self.database.engine.begin() as connection:
            result = connection.exec_driver_sql(statement, parameters or None)
            return list(result) if result.returns_rows else []

    def close(self) -> None:
        self._resources.close()
        self.database.close()
        self._server_database.close()
        if "app" in self.__dict__:
            self.app.state.services.close()

    def _has_kdf_params(self) -> bool:
        with self.database.read() as db:
            return load_kdf_params(db) is not None


@contextmanager
def copy_sqlite_database(folder: Path, template: Path) -> Iterator[str]:
    """Copy a migrated SQLite database, and yield the URL of the copy."""
    path = folder / "database" / "exposure.sqlite3"
    path.parent.mkdir()
    shutil.copy(template, path)
    yield f"sqlite:///{path}"
