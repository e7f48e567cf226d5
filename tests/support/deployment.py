"""A whole deployment for one test: a real database of its own, real key files, a real keyholder process, the real application."""

import csv
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import httpx
from fastapi import FastAPI

from app import datasets, incidents
from app.config import Settings
from app.crypto.key_files import KeyRing, create_key_file
from app.crypto.keys import ApplicationKey, SigningKey
from app.datasets.files.schema import COLUMNS, RejectedRow
from app.datasets.importing import ProgressListener, ImportOptions, NullListener, ImportResult
from app.datasets.importing.pipeline import import_file
from app.db import Database
from app.delivery import Message, Outbox
from app.faces.cli.demo import SAMPLE_INCIDENT
from app.incidents import Incident
from app.keyholder import import_socket_path
from app.main import create_app
from tests.support.fake_clock import FakeClock
from tests.support.running_server import running_server
from tests.support.permissive_limits import permissive_limits

INCIDENT_SLUG = "sample-2025"


@dataclass
class FakeSender:
    """A sender that keeps what it is handed."""

    messages: list[Message] = field(default_factory=list)
    is_live: ClassVar[bool] = False

    def send(self, message: Message) -> None:
        self.messages.append(message)


class RecordingListener(NullListener):
    """Listens to an import, and calls what the test has to say."""

    def __init__(
        self,
        progress: Callable[[str, int], object] = lambda *_: None,
        rejects: Callable[[Sequence[RejectedRow]], object] = lambda _: None,
    ) -> None:
        self._progress, self._rejects = progress, rejects
        self.events: list[tuple[object, ...]] = []

    def on_progress(self, stage: str, done: int, total: int, rows: int, rejected: int) -> None:
        self._progress(stage, done)

    def on_rejects(self, rejects: Sequence[RejectedRow]) -> None:
        self._rejects(rejects)

    def on_resume(self, done: int, partitions: int) -> None:
        self.events.append(("resumed", done, partitions))

    def on_restart(self) -> None:
        self.events.append(("restarted",))


def make_row(account: str, **columns: Any) -> dict[str, str]:
    """One row of a data set file; what is not said is empty."""
    return {name: str(columns.get(name, "")) for name in COLUMNS} | {"account_ref": account}


class Deployment:
    """One deployment, and what its operators and customers do with it."""

    def __init__(self, folder: Path, database_url: str, keyholder_socket: Path, **settings: Any) -> None:
        self._open = ExitStack()
        self.folder = folder
        self.keyholder_socket = keyholder_socket
        self.clock = FakeClock()
        self.sender = FakeSender()
        limits = folder / "limits.toml"
        limits.write_text(permissive_limits())
        given: dict[str, Any] = {
            "database_url": database_url,
            "key_dir": folder / "keys",
            "work_dir": folder / "work",
            "sender": "console",
            "limits_file": limits,
        }
        self.settings = Settings(_env_file=None, **(given | settings))
        self.keys = KeyRing(self.settings.key_dir)
        create_key_file(self.keys.application_key_path, ApplicationKey.generate())
        create_key_file(self.keys.signing_key_path, SigningKey.generate())
        self.database = Database(database_url)
        self.incident = incidents.load_incident(SAMPLE_INCIDENT)
        self.create_incident(self.incident)

    def create_incident(self, incident: Incident) -> None:
        with self.database.write() as session:
            incidents.create_incident(session, incident, now=self.clock())

    def build_app(self, **given: Any) -> FastAPI:
        return create_app(self.settings, keyholder_socket=self.keyholder_socket, sender=self.sender, clock=self.clock, **given)

    @cached_property
    def app(self) -> FastAPI:
        return self.build_app()

    @cached_property
    def client(self) -> httpx.Client:
        """A client of the application, whose outbox is emptied by `deliver` rather than by a thread."""
        return self._open.enter_context(running_server(self.app))

    def import_rows(self, rows: Iterable[Mapping[str, str]], *, incident: str = INCIDENT_SLUG, **request: Any) -> ImportResult:
        """Import some rows."""
        path = self.folder / "people.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        return self.import_file(path, incident=incident, **request)

    def import_file(self, path: Path, *, incident: str = INCIDENT_SLUG, **request: Any) -> ImportResult:
        self.clock.advance(seconds=1)  # data sets are listed by age
        listener: ProgressListener = request.pop("listener", NullListener())
        given = {"cost": None if self._has_scheme() else "minimal", "workers": 1}
        return import_file(
            ImportOptions(path, incident, **(given | request)),
            database=self.database,
            keys=self.keys,
            import_socket=import_socket_path(self.keyholder_socket),
            work_dir=self.settings.work_dir,
            now=self.clock(),
            listener=listener,
        )

    def publish(self, dataset: UUID, *, accept_loss: int = 10**9) -> None:
        with self.database.write() as session:
            datasets.publish(session, dataset, now=self.clock(), accept_loss=accept_loss)

    def import_and_publish(self, rows: Iterable[Mapping[str, str]], **request: Any) -> UUID:
        """Import and publish some rows."""
        staged = self.import_rows(rows, **request)
        self.publish(staged.id)
        return staged.id

    def retire(self, dataset: UUID) -> None:
        with self.database.write() as session:
            retired = datasets.retire(session, dataset)
        if retired.key_id in self.keys.list_store_key_ids():
            self.keys.destroy_store_key(retired.key_id)
        with datasets.open_shards(self.database) as servers:
            datasets.drop_shard_rows(servers, dataset)

    def deliver_outbox(self) -> list[Message]:
        """Empty the outbox; gives what was sent."""
        before = len(self.sender.messages)
        Outbox(self.keys.load_application_key()).deliver_due(self.database, self.sender, self.clock)
        return self.sender.messages[before:]

    def request_code(self, identifier: str) -> httpx.Response:
        """Ask for a code."""
        channel = "email" if "@" in identifier else "sms"
        return self.client.post("/v1/verifications", json={"channel": channel, "identifier": identifier})

    def confirm_code(self, asked: httpx.Response, code: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        body = asked.json()
        return self.client.post(
            f"/v1/verifications/{body['id']}/confirm",
            json={"code": code, "client_secret": body["client_secret"]},
            headers=headers,
        )

    def sign_in(self, identifier: str, headers: Mapping[str, str] | None = None) -> dict[str, str]:
        """Prove an identifier; gives the headers of the session."""
        asked = self.request_code(identifier)
        assert asked.status_code == 202, asked.text
        confirmed = self.confirm_code(asked, self.deliver_outbox()[-1].code, headers)
        assert confirmed.status_code == 200, confirmed.text
        return {"Authorization": f"Bearer {confirmed.json()['access_token']}"}

    def get_exposures(self, *identifiers: str) -> dict[str, Any]:
        """Prove identifiers, and read the answer."""
        headers = None
        for identifier in identifiers:
            headers = self.sign_in(identifier, headers)
        answer = self.client.get("/v1/exposures", headers=headers)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def execute_sql(self, statement: str, *parameters: Any) -> list[Any]:
        """Do something to the database behind the application's back."""
        with self.database.engine.begin() as connection:
            result = connection.exec_driver_sql(statement, parameters or None)
            return list(result) if result.returns_rows else []

    def close(self) -> None:
        self._open.close()
        self.database.close()
        if "app" in self.__dict__:
            self.app.state.services.close()

    def _has_scheme(self) -> bool:
        with self.database.read() as session:
            return datasets.load_kdf_params(session) is not None


@contextmanager
def copied_sqlite(folder: Path, template: Path) -> Iterator[str]:
    """A fresh SQLite database on the newest schema."""
    path = folder / "database" / "exposure.sqlite3"
    path.parent.mkdir()
    shutil.copy(template, path)
    yield f"sqlite:///{path}"
