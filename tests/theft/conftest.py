"""A service that was used and then robbed: what the tests of this folder attack."""

import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from app.crypto.key_files import create_key_file
from app.crypto.keys import Pepper
from app.keyholder import KeyholderSocket, spawn_keyholder
from tests.support.deployment import INCIDENT_SLUG, Deployment, copy_sqlite_database, make_row
from tests.support.simulated_kill import killed_at
from tests.theft.attacker import Guess, Keys, Public
from tests.theft.victims import AFFECTED, USERS

GUESSES = 100_000


@dataclass(frozen=True, slots=True)
class Crime:
    """The stolen bytes by place, and the keys."""

    places: dict[str, bytes]
    columns: dict[str, bytes]
    """The contents of each column of the database, by ``table.column``; those of sealed tables as ``sealed.column``."""
    work_files: dict[str, bytes]
    all_keys: Keys
    public: Public
    guesses: list[Guess]


@pytest.fixture(scope="module")
def crime(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[Crime]:
    """A service that was used, and then robbed."""
    folder = tmp_path_factory.mktemp("robbed")
    pepper_file = folder / "pepper" / "pepper.key"
    create_key_file(pepper_file, Pepper.generate())
    log = io.StringIO()
    with ExitStack() as stack:
        url = stack.enter_context(copy_sqlite_database(folder, migrated_sqlite))
        socket = stack.enter_context(spawn_keyholder(pepper_file, KeyholderSocket.LOOKUP, KeyholderSocket.IMPORT))
        stack.enter_context(redirect_stderr(log))
        deployment = Deployment(folder, url, socket)
        stack.callback(deployment.close)
        yield commit_crime(deployment, pepper_file.read_bytes(), log)


def commit_crime(deployment: Deployment, pepper: bytes, log: io.StringIO) -> Crime:
    rows = [
        make_row(account, **{guess.kind: guess.identifier}, name="김하나", items="name|phone")
        for account, guess in AFFECTED.items()
    ]
    deployment.import_and_publish(rows)
    for identifier in sorted(USERS):
        headers = deployment.sign_in(identifier)
        exposures = deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]
        for exposure in exposures:
            body = {"exposure_id": exposure["id"], "notice_version": exposure["notice_version"], "locale": "ko"}
            assert deployment.client.post("/v1/acknowledgements", headers=headers, json=body).status_code == 201
        assert deployment.client.post("/v1/stop-codes", headers=headers).status_code == 204
    leave_work_folder_behind(deployment, rows)
    database_file = Path(deployment.settings.database_url.removeprefix("sqlite:///"))
    backup_file = deployment.folder / "backup.sqlite3"
    with sqlite3.connect(database_file) as source, sqlite3.connect(backup_file) as target:
        source.backup(target)
    ((salt, passes, memory),) = deployment.execute_sql("SELECT salt, time_cost, memory_kib FROM kdf_params")
    work_files = {path.name: path.read_bytes() for path in deployment.settings.work_dir.rglob("*") if path.is_file()}
    journal = json.loads(work_files["journal"][32:])  # behind its MAC
    keyed = [*deployment.execute_sql("SELECT id, key_id FROM data_sets"), (journal["dataset"], journal["key_id"])]
    keys = Keys(
        deployment.keys.application_key_path.read_bytes(),
        {UUID(str(id_)): deployment.keys.store_key_path(key_id).read_bytes() for id_, key_id in keyed},
        pepper,
    )
    places = {
        "database": b"".join(path.read_bytes() for path in sorted(database_file.parent.glob("exposure.sqlite3*"))),
        "backup": backup_file.read_bytes(),
        "work folder": b"".join(work_files.values()),
        "logs": log.getvalue().encode(),
    }
    others = [Guess("phone", f"+8210200{number:05}", f"Z-{number}") for number in range(GUESSES - 100)]
    others += [Guess("email", f"person-{number}@example.com", f"B-{number}") for number in range(100)]
    named = {guess.identifier for guess in AFFECTED.values()}
    guesses = [*AFFECTED.values(), *(guess for guess in others if guess.identifier not in named)]
    public = Public(salt, passes, memory, tuple(keys.store), INCIDENT_SLUG)
    return Crime(places, read_columns(database_file), work_files, keys, public, guesses)


def read_columns(database_file: Path) -> dict[str, bytes]:
    columns: dict[str, bytes] = {}
    with sqlite3.connect(database_file) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            cursor = connection.execute(f'SELECT * FROM "{table}"')
            names = [name for name, *_ in cursor.description]
            rows = cursor.fetchall()
            for index, name in enumerate(names):
                values = [row[index] for row in rows if row[index] is not None]
                content = b" ".join(value if isinstance(value, bytes) else str(value).encode() for value in values)
                columns[f"{'sealed' if table.startswith('sealed_') else table}.{name}"] = content
    return columns


def leave_work_folder_behind(deployment: Deployment, rows: list[dict[str, str]]) -> None:
    """Kill an import after it has sealed everything."""
    with killed_at("app.importing.pipeline.load_buckets", without="app.importing.pipeline._ImportRun._try_clean_up"):
        deployment.import_rows(rows)
