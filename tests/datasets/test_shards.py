"""The service on several PostgreSQL servers: a data set spread over two of them, and look-ups that read a replica.

`test_fleet.py` shows what the servers do; here the application does it. Whatever fails, a person is told "try again", and never "not found".
"""

import itertools
import os
import random
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from app.crypto.row_sealing import RowSealer
from app.datasets import StateConflict, SentinelMissing
from app.datasets import sealed_rows
from app.datasets.files import write_source_file
from app.datasets.sealed_rows import table_name
from app.datasets.shard_ranges import range_index
from app.datasets.shards import open_shards
from app.datasets.synthetic import synthesize
from app.db import Database, DatabaseUnavailable
from app.db.upgrade import upgrade
from app.errors import OperationRefused
from tests.datasets.store_reader import look_up, read_stored_rows
from tests.datasets.operator_actions import checked, suppress
from tests.datasets.test_interrupted_import import (
    assert_same_data_and_no_leftovers,
    run_to_completion,
    kill_parent,
    kill_worker,
    run_and_kill_at,
)
from tests.faces.cli.cli_driver import CliDriver
from tests.support.responses import assert_unavailable
from tests.support.deployment import Deployment, make_row
from tests.support.postgres_cluster import PASSWORD, PostgresCluster, PostgresServer

STRANGER = "stranger@example.com"
PHONES = [f"010-2000-{number:04}" for number in range(24)]
PEOPLE = [make_row(f"a{number}", phone=phone, items="name") for number, phone in enumerate(PHONES)]

_numbers = itertools.count()


@pytest.fixture(scope="session")
def templates(servers: PostgresCluster) -> tuple[str, str]:
    """Databases of the primary on the newest schema, to be copied: one that knows the further servers, and one that does not."""
    for name in ("exposure_spread", "exposure_whole"):
        servers.primary.run_as_superuser(f"CREATE DATABASE {name} OWNER exposure", "postgres")
        database = Database(servers.primary.url(database=name))
        upgrade(database)
        database.close()
    servers.introduce("exposure_spread")
    return "exposure_spread", "exposure_whole"


@contextmanager
def copied(servers: PostgresCluster, template: str) -> Iterator[str]:
    name = f"{template}_{next(_numbers)}"
    servers.primary.run_as_superuser(f"CREATE DATABASE {name} OWNER exposure TEMPLATE {template}", "postgres")
    try:
        yield servers.primary.url(database=name)
    finally:
        servers.primary.run_as_superuser(f"DROP DATABASE {name} WITH (FORCE)", "postgres")


@pytest.fixture
def database_url(servers: PostgresCluster, templates: tuple[str, str]) -> Iterator[str]:
    """A fresh database that knows the further servers."""
    with copied(servers, templates[0]) as url:
        yield url


@pytest.fixture
def whole_url(servers: PostgresCluster, templates: tuple[str, str]) -> Iterator[str]:
    """A fresh database that knows none."""
    with copied(servers, templates[1]) as url:
        yield url


def name_of(url: str) -> str:
    return url.split("/")[3].split("?", maxsplit=1)[0]


@pytest.fixture
def dataset(deployment: Deployment) -> UUID:
    return deployment.import_and_publish(PEOPLE)


def rows_on(server: PostgresServer, dataset: UUID) -> list[bytes] | None:
    """The stored locators that a server holds of a data set; None where it has no table for it."""
    with server.connect() as connection:
        try:
            return [bytes(locator) for (locator,) in connection.execute(f"SELECT locator FROM {table_name(dataset)}")]
        except psycopg.errors.UndefinedTable:
            return None


def tables_on(servers: PostgresCluster) -> set[tuple[int, str]]:
    """The tables of data sets that lie on the further servers."""
    found = set()
    for number, shard in enumerate(servers.shards):
        with shard.connect() as connection:
            names = connection.execute("SELECT tablename FROM pg_tables WHERE tablename ~ '^sealed_[0-9a-f]{32}$'")
            found |= {(number, name) for (name,) in names}
    return found


def someone_on(deployment: Deployment, dataset: UUID, number: int) -> str:
    """A person's phone whose row lies on a further server."""
    key = deployment.keys.load_store_key(deployment.execute_sql(f"SELECT key_id FROM data_sets WHERE id = '{dataset}'")[0][0])
    sealer = RowSealer(key, dataset)
    return next(
        phone for phone in PHONES if range_index(sealer.encrypt_locators(look_up(deployment, dataset, phone).locator), 2) == number
    )


def answered(deployment: Deployment, headers: dict[str, str]) -> httpx.Response:
    return deployment.client.get("/v1/exposures", headers=headers)


def assert_found(answer: httpx.Response) -> None:
    assert answer.status_code == 200, answer.text
    assert "found" in {one["result"] for one in answer.json()["datasets"]}
    assert answer.json()["exposures"]


# --- a data set over two servers ---


def test_import_publish_and_look_up(deployment: Deployment, servers: PostgresCluster, dataset: UUID) -> None:
    held = [rows_on(shard, dataset) or [] for shard in servers.shards]
    assert all(len(rows) > 2 for rows in held)
    assert sum(map(len, held)) == len(PEOPLE) + 2  # with a sentinel on each
    assert [{range_index(locator, 2) for locator in rows} for rows in held] == [{0}, {1}]
    for number, shard in enumerate(servers.shards):
        with shard.connect() as connection, pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(f"INSERT INTO {table_name(dataset)} VALUES (99, %s, '')", [held[1 - number][0]])
    for phone in PHONES:
        (one,) = deployment.get_exposures(phone)["exposures"]
        assert [item["kind"] for item in one["items"]] == ["name"]
    (one,) = deployment.get_exposures(STRANGER)["datasets"]
    assert one["result"] == "not_found"
    both = [someone_on(deployment, dataset, number) for number in (0, 1)]
    assert deployment.get_exposures(*both)["datasets"][0]["result"] == "found"
    assert deployment.client.get("/readyz").status_code == 200


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_the_statement_of_a_look_up_asks_one_server_which_does_the_search(
    deployment: Deployment, dataset: UUID, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = deployment.import_and_publish(PEOPLE, kind="supplement")
    sent: list[tuple[str, list[bytes]]] = []
    fetch = sealed_rows.fetch

    def noted(session: Any, statement: str, values: list[bytes]) -> list[Any]:
        sent.append((statement, values))
        return fetch(session, statement, values)

    for number in (0, 1):
        headers = deployment.sign_in(someone_on(deployment, dataset, number))
        with monkeypatch.context() as patched:
            patched.setattr(sealed_rows, "fetch", noted)
            assert_found(answered(deployment, headers))
        statement, values = sent[-1]
        numbered = itertools.count(1)
        statement = re.sub("%s", lambda _: f"${next(numbered)}", statement)  # noqa: B023
        with psycopg.connect(deployment.settings.database_url, autocommit=True) as connection:
            connection.execute(f"SET plan_cache_mode = {mode}")
            connection.execute(f"PREPARE asked AS {statement}")
            literals = ", ".join(f"'\\x{value.hex()}'" for value in values)
            lines = connection.execute(f"EXPLAIN (VERBOSE, COSTS OFF) EXECUTE asked ({literals})").fetchall()
        shown = "\n".join(line for (line,) in lines)
        scanned = re.findall(r"Foreign Scan on public\.(\w+)", shown)
        # the later set has another key, so that a person may lie on the other server there
        assert [one for one in scanned if one.startswith(table_name(dataset))] == [f"{table_name(dataset)}_{number}"]
        assert len([one for one in scanned if one.startswith(table_name(later))]) == 1
        assert len(re.findall(r"Remote SQL: .* WHERE \(\(locator = ANY \(", shown)) == 2
        assert "Filter" not in shown


def test_a_data_set_from_before_there_were_servers_is_read_beside_others(
    make_deployment: Callable[..., Deployment], servers: PostgresCluster, whole_url: str
) -> None:
    deployment = make_deployment(database_url=whole_url)
    before = deployment.import_and_publish(PEOPLE[:12])
    assert rows_on(servers.shards[0], before) is None
    servers.introduce(name_of(whole_url))
    after = deployment.import_and_publish(PEOPLE[12:], kind="supplement")
    assert rows_on(servers.shards[0], after)
    for phone in (PHONES[0], PHONES[-1]):
        assert {one["result"] for one in deployment.get_exposures(phone)["datasets"]} == {"found", "not_found"}
    deployment.publish(deployment.import_rows(PEOPLE).id)
    deployment.retire(before)
    deployment.retire(after)
    assert rows_on(servers.shards[0], after) is None
    assert_found(answered(deployment, deployment.sign_in(PHONES[0])))


def test_one_further_server_holds_all(deployment: Deployment, servers: PostgresCluster) -> None:
    servers.primary.run_as_superuser("DROP SERVER shard_0 CASCADE", name_of(deployment.settings.database_url))
    dataset = deployment.import_and_publish(PEOPLE)
    assert len(rows_on(servers.shards[1], dataset) or []) == len(PEOPLE) + 1
    assert_found(answered(deployment, deployment.sign_in(PHONES[0])))
    assert checked(deployment, dataset).faults == ()


def test_a_new_version_and_the_way_back(deployment: Deployment, dataset: UUID) -> None:
    headers = deployment.sign_in(PHONES[0])
    newer = deployment.import_and_publish(PEOPLE[1:])
    (one,) = answered(deployment, headers).json()["exposures"]
    assert one["confidence"] == "under_review"
    deployment.publish(dataset)
    (one,) = answered(deployment, headers).json()["exposures"]
    assert one["confidence"] == "confirmed"
    assert checked(deployment, newer).faults == ()


def test_it_is_held_against_its_manifest_and_its_file(deployment: Deployment, servers: PostgresCluster, dataset: UUID) -> None:
    verdict = checked(deployment, dataset, deployment.folder / "people.csv")
    assert (verdict.rows, verdict.sampled, verdict.faults) == (len(PEOPLE) + 2, len(PEOPLE), ())
    locator = rows_on(servers.shards[1], dataset) or []
    sentinels = 0
    for one in locator:
        with servers.shards[1].connect(autocommit=False) as connection:
            kept = connection.execute(f"DELETE FROM {table_name(dataset)} WHERE locator = %s RETURNING *", [one])
            rows = kept.fetchall()
            connection.commit()
        try:
            assert checked(deployment, dataset).faults
        except SentinelMissing:
            sentinels += 1
        with servers.shards[1].connect() as connection:
            connection.execute(f"INSERT INTO {table_name(dataset)} VALUES (%s, %s, %s)", rows[0])
    assert sentinels == 1
    assert checked(deployment, dataset).faults == ()


@pytest.mark.parametrize("number", [0, 1])
def test_an_emptied_range_is_found(deployment: Deployment, servers: PostgresCluster, dataset: UUID, number: int) -> None:
    with servers.shards[number].connect() as connection:
        connection.execute(f"DELETE FROM {table_name(dataset)}")
    with pytest.raises(SentinelMissing):
        checked(deployment, dataset)


def test_a_person_is_taken_out_on_every_server(deployment: Deployment, servers: PostgresCluster) -> None:
    emails = [f"mina{number}@example.com" for number in range(12)]
    person = make_row("mina", phone=PHONES[0], email="|".join(emails), items="name")
    dataset = deployment.import_and_publish([person, *PEOPLE[1:]])
    before = [len(rows_on(shard, dataset) or []) for shard in servers.shards]
    assert suppress(deployment, dataset, PHONES[0]) == {dataset: 13}
    after = [len(rows_on(shard, dataset) or []) for shard in servers.shards]
    assert sum(before) - sum(after) == 13
    assert all(now < then for then, now in zip(before, after, strict=True))
    assert checked(deployment, dataset).faults == ()
    assert deployment.get_exposures(PHONES[0])["datasets"][0]["result"] == "not_found"
    assert deployment.get_exposures(PHONES[1])["datasets"][0]["result"] == "found"


# --- taking it away ---


def test_retiring_leaves_no_row_on_any_server(deployment: Deployment, servers: PostgresCluster, dataset: UUID) -> None:
    before = tables_on(servers)
    newer = deployment.import_and_publish(PEOPLE)
    deployment.retire(dataset)
    assert tables_on(servers) - before == {(0, table_name(newer)), (1, table_name(newer))}
    assert before - tables_on(servers) == {(0, table_name(dataset)), (1, table_name(dataset))}
    assert_found(answered(deployment, deployment.sign_in(PHONES[0])))
    with pytest.raises(StateConflict):
        deployment.publish(dataset)


def test_retiring_while_a_server_is_down_says_so_and_is_done_by_doing_it_again(
    deployment: Deployment, servers: PostgresCluster, dataset: UUID
) -> None:
    deployment.import_and_publish(PEOPLE)
    headers = deployment.sign_in(someone_on(deployment, dataset, 0))
    url, keys = deployment.settings.database_url, deployment.settings.key_dir
    exposure = CliDriver.in_folder(deployment.folder, url).with_settings(EXPOSURE_KEY_DIR=str(keys), EXPOSURE_PEPPER_FILE=None)
    servers.shards[0].stop("immediate")
    try:
        said = exposure.expect_refusal("dataset", "retire", dataset, exit_code=1)
        assert re.search(f"server shard_0 .*{dataset}.*again", said)
        assert PASSWORD not in said
    finally:
        servers.shards[0].start()
    assert deployment.execute_sql(f"SELECT state FROM data_sets WHERE id = '{dataset}'") == [("retired",)]
    assert rows_on(servers.shards[0], dataset)
    assert rows_on(servers.shards[1], dataset) is None
    assert_found(answered(deployment, headers))
    exposure("dataset", "retire", dataset)
    assert rows_on(servers.shards[0], dataset) is None


# --- an import that fails or is killed ---


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("point", ["queries.copy", "queries.link_partition", "queries.add_data_set"])
def test_an_import_that_is_killed_while_it_loads_leaves_no_table_once_it_was_done_again(
    deployment: Deployment, servers: PostgresCluster, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tables_on(servers)

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(f"app.datasets.{point}", die)
        patched.setattr("app.datasets.importing.pipeline._ImportRun._try_clean_up", lambda *_: None)
        with pytest.raises(Killed):
            deployment.import_rows(PEOPLE)
    left = tables_on(servers) - before
    assert len(left) == (0 if point == "queries.copy" else 2)  # committed there, and unknown to the primary
    dataset = deployment.import_and_publish(PEOPLE)
    assert tables_on(servers) - before == {(0, table_name(dataset)), (1, table_name(dataset))}
    assert left in (set(), tables_on(servers) - before)
    assert_found(answered(deployment, deployment.sign_in(PHONES[0])))
    assert len(deployment.keys.list_store_key_ids()) == 1


def test_killed_again_and_again_it_is_the_same(deployment: Deployment, servers: PostgresCluster, tmp_path: Path) -> None:
    file = tmp_path / "made-up.csv"
    write_source_file(file, synthesize(160, seed=3))
    before = tables_on(servers)
    deployment.import_file(file)
    chance = random.Random(11)
    for _ in range(4):
        run_and_kill_at(deployment, file, chance.randrange(40, 80), chance.choice([kill_worker, kill_parent]))
    run_to_completion(deployment, file)
    assert_same_data_and_no_leftovers(deployment, file)
    there = {table_name(one) for (one,) in deployment.execute_sql("SELECT id FROM data_sets")}
    assert tables_on(servers) - before == {(number, name) for number in (0, 1) for name in there}


def test_a_server_that_is_down_ends_an_import_and_nothing_is_left(deployment: Deployment, servers: PostgresCluster) -> None:
    before = tables_on(servers)
    servers.shards[1].stop("immediate")
    try:
        with pytest.raises(DatabaseUnavailable, match="server shard_1") as caught:
            deployment.import_rows(PEOPLE)
        assert PASSWORD not in str(caught.value)
    finally:
        servers.shards[1].start()
    assert tables_on(servers) == before
    assert deployment.execute_sql("SELECT * FROM data_sets") == []
    deployment.import_rows(PEOPLE)
    assert len(tables_on(servers) - before) == 2


def test_another_file_instead_leaves_nothing_of_the_first(
    deployment: Deployment, servers: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same command, on a file that is another by now. A server that is down then must not be forgotten."""
    before = tables_on(servers)

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("app.datasets.sealed_rows.link_partition", die)
        patched.setattr("app.datasets.importing.pipeline._ImportRun._try_clean_up", lambda *_: None)
        with pytest.raises(Killed):
            deployment.import_rows(PEOPLE)
    servers.shards[0].stop("immediate")
    try:
        with pytest.raises(DatabaseUnavailable, match="server shard_0"):
            deployment.import_rows(PEOPLE[1:])
    finally:
        servers.shards[0].start()
    dataset = deployment.import_rows(PEOPLE[1:]).id
    assert tables_on(servers) - before == {(0, table_name(dataset)), (1, table_name(dataset))}
    assert len(deployment.keys.list_store_key_ids()) == 1


def test_the_servers_are_what_the_primary_knows_and_their_password_is_not_shown(
    deployment: Deployment, servers: PostgresCluster
) -> None:
    with open_shards(deployment.database) as known:
        assert list(known) == ["shard_0", "shard_1"]
        assert PASSWORD not in repr(known)
        assert PASSWORD not in repr([(one.url, one.engine) for one in known.values()])
        for one, shard in zip(known.values(), servers.shards, strict=True):
            with one.write() as session:
                driver: Any = session.connection().connection.driver_connection
                assert driver.info.host == str(shard.folder)
                assert driver.info.user == "exposure"


def test_a_server_that_the_role_may_not_use_is_named(deployment: Deployment, servers: PostgresCluster) -> None:
    name = name_of(deployment.settings.database_url)
    servers.primary.run_as_superuser("DROP USER MAPPING FOR exposure SERVER shard_1", name)
    with pytest.raises(OperationRefused, match="shard_1"):
        deployment.import_rows(PEOPLE)
    assert deployment.execute_sql("SELECT * FROM data_sets") == []


# --- what each failure looks like: the guide's table ---


@contextmanager
def stopped(servers: PostgresCluster, deployment: Deployment, dataset: UUID) -> Iterator[None]:
    servers.shards[1].stop("immediate")
    try:
        yield
    finally:
        servers.shards[1].start()


@contextmanager
def stopped_once_it_was_read(servers: PostgresCluster, deployment: Deployment, dataset: UUID) -> Iterator[None]:
    """In the middle of a look-up that is a transaction, as the first one after each change is."""
    rows_at, down = sealed_rows.find_rows, []

    def then_stopped(*arguments: Any) -> Any:
        rows = rows_at(*arguments)
        if not down:
            servers.shards[1].stop("immediate")
            down.append(True)
        return rows

    deployment.execute_sql("UPDATE data_sets SET state = state")
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sealed_rows, "rows_at", then_stopped)
            yield
    finally:
        servers.shards[1].start()


@contextmanager
def hanging(servers: PostgresCluster, deployment: Deployment, dataset: UUID) -> Iterator[None]:
    """Every process of the server stands still; its host still takes connections, and nobody answers."""
    first = int((servers.shards[1].folder / "data" / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    still = [first, *map(int, children)]
    for one in still:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in still:
            os.kill(one, signal.SIGCONT)


@contextmanager
def locked(servers: PostgresCluster, deployment: Deployment, dataset: UUID) -> Iterator[None]:
    with servers.shards[1].connect(autocommit=False) as holding:
        holding.execute(f"LOCK TABLE {table_name(dataset)} IN ACCESS EXCLUSIVE MODE")
        yield


def on_shard(statement: str, back: str) -> Callable[[PostgresCluster, Deployment, UUID], Any]:
    @contextmanager
    def changed(servers: PostgresCluster, deployment: Deployment, dataset: UUID) -> Iterator[None]:
        with servers.shards[1].connect() as connection:
            connection.execute(f"CREATE TEMP TABLE kept AS TABLE {table_name(dataset)}")
            connection.execute(statement.format(table_name(dataset)))
            yield
            connection.execute(back.format(table_name(dataset)))

    return changed


@contextmanager
def another_password(servers: PostgresCluster, deployment: Deployment, dataset: UUID) -> Iterator[None]:
    name = name_of(deployment.settings.database_url)
    alter = "ALTER USER MAPPING FOR exposure SERVER shard_1 OPTIONS (SET password '{}')"
    servers.primary.run_as_superuser(alter.format("another"), name)
    try:
        yield
    finally:
        servers.primary.run_as_superuser(alter.format(PASSWORD), name)


@contextmanager
def exchanged(servers: PostgresCluster, deployment: Deployment, dataset: UUID) -> Iterator[None]:
    name = name_of(deployment.settings.database_url)

    def place(holders: tuple[Server, ...]) -> None:
        for number, shard in enumerate(holders):
            servers.primary.run_as_superuser(f"ALTER SERVER shard_{number} OPTIONS (SET host '{shard.folder}')", name)

    place(servers.shards[::-1])
    try:
        yield
    finally:
        place(servers.shards)


FAILURES = {
    "down": stopped,
    "going down in the middle": stopped_once_it_was_read,
    "hanging": hanging,
    "locked": locked,
    "dropped": on_shard("ALTER TABLE {0} RENAME TO {0}_gone", "ALTER TABLE {0}_gone RENAME TO {0}"),
    "emptied": on_shard("DELETE FROM {}", "INSERT INTO {} TABLE kept"),
    "another password": another_password,
    "exchanged": exchanged,
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service's own limit for a statement is 10 s."""
    options = "-c statement_timeout=1000 -c plan_cache_mode=force_generic_plan"
    monkeypatch.setattr("app.db.database._OPTIONS", options)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("failure", FAILURES)
def test_a_server_that_fails_is_never_not_found_and_well_again_by_itself(
    deployment: Deployment, servers: PostgresCluster, dataset: UUID, failure: str
) -> None:
    there, elsewhere = (deployment.sign_in(someone_on(deployment, dataset, number)) for number in (1, 0))
    for headers in (there, elsewhere):
        for _ in range(6):  # so that what is prepared is prepared
            assert_found(answered(deployment, headers))
    with FAILURES[failure](servers, deployment, dataset):
        if failure == "going down in the middle":
            assert answered(deployment, there).status_code in (200, 503)
        assert_unavailable(answered(deployment, there))
        if failure == "exchanged":
            assert_unavailable(answered(deployment, elsewhere))
        else:
            assert_unavailable(deployment.client.get("/readyz"))
            assert_found(answered(deployment, elsewhere))  # it asks the other server only
    for headers in (there, elsewhere):
        if answered(deployment, headers).status_code != 200:  # once, where a connection was found to be dead
            assert_found(answered(deployment, headers))
    assert deployment.client.get("/readyz").status_code == 200


# --- a replica ---


@pytest.fixture(params=["whole", "spread"])
def replicated(
    make_deployment: Callable[..., Deployment], servers: PostgresCluster, whole_url: str, database_url: str, request: Any
) -> Deployment:
    """A deployment whose look-ups read the replica; the rows lie there, or on the further servers that it knows as well."""
    url = whole_url if request.param == "whole" else database_url
    return make_deployment(database_url=url, replica_url=servers.replica.url(database=name_of(url)))


def test_look_ups_read_the_replica_and_all_else_the_primary(replicated: Deployment, servers: PostgresCluster) -> None:
    replicated.import_and_publish(PEOPLE)
    servers.catch_up()
    headers = replicated.sign_in(PHONES[0])
    assert_found(answered(replicated, headers))
    (one,) = replicated.get_exposures(STRANGER)["datasets"]
    assert one["result"] == "not_found"
    assert replicated.client.get("/readyz").status_code == 200
    servers.replica.stop("immediate")
    try:
        assert_unavailable(answered(replicated, headers))
        assert_unavailable(replicated.client.get("/readyz"))
        replicated.sign_in(PHONES[1])  # codes and sessions need no replica
    finally:
        servers.replica.start()
    servers.catch_up()
    assert_found(answered(replicated, headers))


def test_a_replica_that_is_behind_answers_nothing_until_it_has_caught_up(
    replicated: Deployment, servers: PostgresCluster
) -> None:
    before = replicated.import_and_publish(PEOPLE[:-1])
    servers.catch_up()
    headers = replicated.sign_in(PHONES[0])
    late = replicated.sign_in(PHONES[-1])
    for _ in range(6):
        assert_found(answered(replicated, headers))
    assert answered(replicated, late).json()["datasets"][0]["result"] == "not_found"  # and so it is
    with servers.stale_replica():
        replicated.import_and_publish(PEOPLE)  # a table that the replica has not
        for _ in range(3):
            assert_unavailable(answered(replicated, headers))
            assert_unavailable(answered(replicated, late))
            assert_unavailable(replicated.client.get("/readyz"))
    assert_found(answered(replicated, headers))
    assert_found(answered(replicated, late))
    with servers.stale_replica():
        suppress(replicated, before, PHONES[0])  # rows that it still has
        assert_unavailable(answered(replicated, headers))
    assert answered(replicated, headers).json()["datasets"][0]["result"] == "not_found"
    with servers.stale_replica():
        replicated.retire(before)
        assert_unavailable(answered(replicated, late))
    assert_found(answered(replicated, late))


def test_a_change_of_an_incident_is_waited_for_too(replicated: Deployment, servers: PostgresCluster) -> None:
    replicated.import_and_publish(PEOPLE)
    servers.catch_up()
    headers = replicated.sign_in(PHONES[0])
    assert_found(answered(replicated, headers))
    with servers.stale_replica():
        replicated.execute_sql("UPDATE incidents SET document = document")
        assert_unavailable(answered(replicated, headers))
    assert_found(answered(replicated, headers))


def test_rows_that_a_replica_lacks_are_missed_by_the_sentinel_too(
    make_deployment: Callable[..., Deployment], servers: PostgresCluster, whole_url: str
) -> None:
    """Behind the edition's back: rows that were put back by hand renew none, and so it says that all is well."""
    deployment = make_deployment(database_url=whole_url, replica_url=servers.replica.url(database=name_of(whole_url)))
    dataset = deployment.import_and_publish(PEOPLE)
    headers = deployment.sign_in(PHONES[0])
    table = table_name(dataset)
    kept = read_stored_rows(deployment, dataset)
    deployment.execute_sql(f"DELETE FROM {table}")
    with servers.stale_replica():
        for locator, entry, sealed in kept:
            deployment.execute_sql(f"INSERT INTO {table} (locator, entry, sealed) VALUES (%s, %s, %s)", locator, entry, sealed)
        assert checked(deployment, dataset).faults == ()
        assert_unavailable(answered(deployment, headers))
        assert_unavailable(answered(deployment, deployment.sign_in(STRANGER)))
    assert_found(answered(deployment, headers))
