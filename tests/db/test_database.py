"""The engine and its two units of work, on both engines."""

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
    opened = Database(database_url)
    yield opened
    opened.close()


def add(database: Database, slug: str) -> None:
    with database.write() as db:
        db.execute(text("INSERT INTO incidents VALUES (:slug, '{}', '2026-01-01 00:00:00')"), {"slug": slug})


def count(database: Database) -> int:
    with database.read() as db:
        return int(db.execute(text("SELECT count(*) FROM incidents")).scalar_one())


def test_what_is_written_is_there_and_what_failed_is_not(database: Database) -> None:
    add(database, "one")
    with pytest.raises(RuntimeError), database.write() as db:
        db.execute(text("DELETE FROM incidents"))
        raise RuntimeError
    assert count(database) == 1


def test_a_reader_commits_nothing(database: Database) -> None:
    add(database, "one")
    with database.read() as db:
        db.execute(text("DELETE FROM incidents"))
    assert count(database) == 1


def test_a_reader_sees_one_snapshot(database: Database) -> None:
    add(database, "one")
    with database.read() as db:
        query = text("SELECT count(*) FROM incidents")
        assert db.execute(query).scalar_one() == 1
        add(database, "two")
        assert db.execute(query).scalar_one() == 1
    assert count(database) == 2


def test_a_broken_rule_is_an_answer_not_a_failure(database: Database) -> None:
    add(database, "one")
    with pytest.raises(IntegrityError):
        add(database, "one")
    with pytest.raises(IntegrityError), database.write() as db:  # foreign keys hold on SQLite too
        db.execute(text("INSERT INTO notices VALUES ('no-such', 1, '{}', '2026-01-01 00:00:00')"))


def test_a_failure_is_unavailable_and_shows_neither_statement_nor_values(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable) as caught, database.read() as db:
        db.execute(text("SELECT :secret FROM no_such_table"), {"secret": "010-2000-0001"})
    assert "010-2000-0001" not in str(caught.value)
    assert "no_such_table" not in str(caught.value)


def test_writers_take_turns(database: Database) -> None:
    with database.write() as db:
        db.execute(text("INSERT INTO incidents VALUES ('0', '{}', '2026-01-01 00:00:00')"))

    def grow(number: int) -> None:
        for turn in range(5):
            add(database, f"{number}-{turn}")

    threads = [threading.Thread(target=grow, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(database) == 21


def test_a_moment_is_aware_and_in_utc(database: Database) -> None:
    seoul = datetime(2026, 1, 14, 18, 0, tzinfo=timezone(timedelta(hours=9)))
    with database.read() as db:
        back = db.execute(select(literal(seoul, UtcDateTime()))).scalar_one()
    assert back == seoul
    assert back.tzinfo is UTC
    with pytest.raises(DatabaseUnavailable), database.read() as db:  # a naive one is refused before it is stored
        db.execute(select(literal(datetime(2026, 1, 14), UtcDateTime())))  # noqa: DTZ001  the point of the test


def test_bytes_and_hangul_come_back_as_they_went(database: Database) -> None:
    with database.read() as db:
        query = select(literal(bytes(range(256)), LargeBinary()), literal("유출", String()))
        back, hangul = db.execute(query).one()
    assert (bytes(back), hangul) == (bytes(range(256)), "유출")


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
def test_an_address_that_is_none_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Database(url)
    assert str(caught.value).startswith("EXPOSURE_DATABASE_URL: ")
    assert "sesame" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="EXPOSURE_DATABASE_URL: cannot create the folder"):
        Database(f"sqlite:///{tmp_path / 'file' / 'exposure.sqlite3'}")


def test_a_new_folder_is_its_owners_alone(tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path / 'new' / 'exposure.sqlite3'}").close()
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_a_server_that_is_not_there_is_unavailable() -> None:
    database = Database("postgresql://u:sesame@127.0.0.1:1/db")
    with pytest.raises(DatabaseUnavailable) as caught, database.read() as db:
        db.execute(text("SELECT 1"))
    assert "sesame" not in str(caught.value)
    database.close()
