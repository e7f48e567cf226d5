"""Database transactions, on both engines."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, String, literal, select, text
from sqlalchemy.exc import IntegrityError

from app.db import Database, DatabaseUnavailable, UtcDateTime
from app.errors import InvalidInput


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def add_incident(database: Database, slug: str) -> None:
    with database.write() as db:
        db.execute(text("INSERT INTO incidents VALUES (:slug, '{}', '2026-01-01 00:00:00')"), {"slug": slug})


def count_incidents(database: Database) -> int:
    with database.read() as db:
        return int(db.execute(text("SELECT count(*) FROM incidents")).scalar_one())


def test_write_commits_and_an_exception_rolls_back(database: Database) -> None:
    add_incident(database, "one")
    with pytest.raises(RuntimeError), database.write() as db:
        db.execute(text("DELETE FROM incidents"))
        raise RuntimeError
    assert count_incidents(database) == 1


def test_read_does_not_commit(database: Database) -> None:
    add_incident(database, "one")
    with database.read() as db:
        db.execute(text("DELETE FROM incidents"))
    assert count_incidents(database) == 1


def test_read_sees_one_snapshot(database: Database) -> None:
    add_incident(database, "one")
    with database.read() as db:
        query = text("SELECT count(*) FROM incidents")
        assert db.execute(query).scalar_one() == 1
        add_incident(database, "two")
        assert db.execute(query).scalar_one() == 1
    assert count_incidents(database) == 2


def test_truncate_wal_waits_for_no_reader_or_writer(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    log = Path(f"{database.url.database}-wal")
    add_incident(database, "one")
    with database.read() as reader:
        assert reader.execute(text("SELECT count(*) FROM incidents")).scalar_one() == 1
        add_incident(database, "two")
        database.truncate_wal()
        assert log.stat().st_size > 0  # the reader needs it
        assert reader.execute(text("SELECT count(*) FROM incidents")).scalar_one() == 1
    with database.write() as writer:
        writer.execute(text("DELETE FROM incidents"))
        database.truncate_wal()
    add_incident(database, "three")
    database.truncate_wal()
    assert log.stat().st_size == 0
    assert count_incidents(database) == 1
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 5000
        assert connection.exec_driver_sql("PRAGMA secure_delete").scalar_one() == 1
    database.close()


def test_truncate_wal_reports_a_failure_and_leaves_postgresql_alone(sqlite_url: str, fresh_postgresql_url: str) -> None:
    database = Database(sqlite_url)
    path = Path(database.url.database or "")
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(DatabaseUnavailable):
        database.truncate_wal()
    database.close()
    other = Database(fresh_postgresql_url)
    other.truncate_wal()
    other.close()


def test_integrity_error_is_raised_unchanged(database: Database) -> None:
    add_incident(database, "one")
    with pytest.raises(IntegrityError):
        add_incident(database, "one")
    with pytest.raises(IntegrityError), database.write() as db:  # foreign keys hold on SQLite too
        db.execute(text("INSERT INTO notices VALUES ('no-such', 1, '{}', '2026-01-01 00:00:00')"))


def test_a_failure_is_unavailable_and_hides_statement_and_values(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable) as caught, database.read() as db:
        db.execute(text("SELECT :secret FROM no_such_table"), {"secret": "010-2000-0001"})
    assert "010-2000-0001" not in str(caught.value)
    assert "no_such_table" not in str(caught.value)


def test_concurrent_writers_are_serialized(database: Database) -> None:
    with database.write() as db:
        db.execute(text("INSERT INTO incidents VALUES ('0', '{}', '2026-01-01 00:00:00')"))

    def insert_five(worker: int) -> None:
        for index in range(5):
            add_incident(database, f"{worker}-{index}")

    threads = [threading.Thread(target=insert_five, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count_incidents(database) == 21


def test_times_are_aware_and_in_utc(database: Database) -> None:
    seoul = datetime(2026, 1, 14, 18, 0, tzinfo=timezone(timedelta(hours=9)))
    with database.read() as db:
        returned = db.execute(select(literal(seoul, UtcDateTime()))).scalar_one()
    assert returned == seoul
    assert returned.tzinfo is UTC
    with pytest.raises(DatabaseUnavailable), database.read() as db:  # naive times are rejected before they are stored
        db.execute(select(literal(datetime(2026, 1, 14), UtcDateTime())))  # noqa: DTZ001  the point of the test


def test_bytes_and_hangul_round_trip(database: Database) -> None:
    with database.read() as db:
        query = select(literal(bytes(range(256)), LargeBinary()), literal("유출", String()))
        returned, hangul = db.execute(query).one()
    assert (bytes(returned), hangul) == (bytes(range(256)), "유출")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://u:sesame@h/db",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://u:sesame@h:port/db",
    ],
)
def test_an_invalid_url_is_rejected_without_being_repeated(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Database(url)
    assert str(caught.value).startswith("EXPOSURE_DATABASE_URL: ")
    assert "sesame" not in str(caught.value)


def test_a_folder_that_cannot_be_created_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="EXPOSURE_DATABASE_URL: cannot create the folder"):
        Database(f"sqlite:///{tmp_path / 'file' / 'exposure.sqlite3'}")


def test_a_new_folder_is_accessible_to_its_owner_only(tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path / 'new' / 'exposure.sqlite3'}").close()
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_an_unreachable_server_is_unavailable() -> None:
    database = Database("postgresql://u:sesame@127.0.0.1:1/db")
    with pytest.raises(DatabaseUnavailable) as caught, database.read() as db:
        db.execute(text("SELECT 1"))
    assert "sesame" not in str(caught.value)
    database.close()
