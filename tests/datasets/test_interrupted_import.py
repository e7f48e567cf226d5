"""Imports that are killed: worker, parent or database, at any moment. The same command goes on or starts clean, and what comes out is the same."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.datasets.files import SourceRow, write_source_file
from app.datasets.synthetic import synthesize
from app.db import Database
from app.db.upgrade import upgrade
from app.keyholder import import_socket_path
from tests.datasets.store_reader import comparable_contents, list_sealed_tables
from tests.datasets.source_rows import read_rows
from tests.support.deployment import INCIDENT_SLUG, Deployment
from tests.support.postgres_cluster import PostgresServer, start_server

ROOT = Path(__file__).parents[2]
MOMENTS = 80
"""At least as many things as an import tells: it is killed behind one of them, drawn by lot."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    write_source_file(path, synthesize(160, seed=3))
    return path


@contextmanager
def importing(deployment: Deployment, file: Path, *, workers: int = 2) -> Iterator[subprocess.Popen[str]]:
    """Run an import in a process of its own."""
    places = (deployment.settings.key_dir, import_socket_path(deployment.keyholder_socket), deployment.settings.work_dir)
    arguments = [file, INCIDENT_SLUG, deployment.settings.database_url, *places, workers]
    command = [sys.executable, "-m", "tests.support.import_process", *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def told(child: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """What an import tells, while it does."""
    assert child.stdout is not None
    for line in child.stdout:
        yield json.loads(line)


def run_to_completion(deployment: Deployment, file: Path) -> tuple[UUID, list[list[Any]]]:
    """Let an import come to its end; gives its data set and all that it told."""
    with importing(deployment, file) as child:
        said = [one["said"] for one in told(child)]
        assert child.wait() == 0, (said, child.stderr and child.stderr.read())
    assert said[-1][0] == "staged"
    return UUID(said[-1][1]), said


def kill_worker(child: subprocess.Popen[str], event: dict[str, Any]) -> None:
    for pid in event["workers"][:1]:
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.kill(pid, signal.SIGKILL)


def kill_parent(child: subprocess.Popen[str], event: dict[str, Any]) -> None:
    child.kill()


def run_and_kill_at(
    deployment: Deployment, file: Path, moment: int, kill: Callable[[subprocess.Popen[str], dict[str, Any]], None]
) -> None:
    """Run an import and kill something once it has told so many things."""
    with importing(deployment, file) as child:
        for number, event in enumerate(told(child)):
            if number == moment:
                kill(child, event)
        child.wait()


def assert_same_data_and_no_leftovers(deployment: Deployment, file: Path) -> None:
    """Every data set is as the first, and there is nothing that belongs to none."""
    findings = [one for one in read_rows(file) if isinstance(one, SourceRow)]
    rows = deployment.execute_sql("SELECT id, rows, people, key_id FROM data_sets ORDER BY version")
    ids = [UUID(str(one)) for one, *_ in rows]
    undisturbed, *others = [comparable_contents(deployment, one, findings) for one in ids]
    assert len(undisturbed) > 200
    assert all(other == undisturbed for other in others)
    assert len({(count, people) for _, count, people, _ in rows}) == 1
    assert list_sealed_tables(deployment) == sorted(f"sealed_{one.hex}" for one in ids)
    assert deployment.keys.list_store_key_ids() == sorted(key for *_, key in rows)
    assert list(deployment.settings.work_dir.glob("*")) == []


def test_killed_twenty_five_times_it_is_the_same(
    make_deployment: Callable[..., Deployment], database_url: str, file: Path
) -> None:
    """On each engine; on PostgreSQL the database crashes as well."""
    with ExitStack() as stack:
        victims = [kill_worker, kill_parent]
        if not database_url.startswith("sqlite"):
            server = stack.enter_context(start_server())  # of its own: others would notice
            database_url = server.url()
            database = stack.enter_context(closing(Database(database_url)))
            upgrade(database)
            victims.append(lambda *_: _crash(server))
        deployment = make_deployment(database_url=database_url)
        deployment.import_file(file)
        chance = random.Random(7)
        for _ in range(25):
            run_and_kill_at(deployment, file, chance.randrange(MOMENTS), chance.choice(victims))
        deployment.database.engine.dispose()  # connections to a server that is no more
        run_to_completion(deployment, file)
        assert_same_data_and_no_leftovers(deployment, file)
        deployment.close()


def _crash(server: PostgresServer) -> None:
    server.stop("immediate")
    server.start()


def test_an_import_that_was_cut_short_goes_on_where_it_was(deployment: Deployment, file: Path) -> None:
    deployment.import_file(file)
    with importing(deployment, file) as child:
        for event in told(child):
            if event["said"] == ["seal", 5]:
                child.kill()
    _, said = run_to_completion(deployment, file)
    ((_, done, partitions),) = [one for one in said if one[0] == "resumed"]
    assert 5 <= done < partitions
    assert [one[1] for one in said if one[0] == "seal"] == list(range(done + 1, partitions + 1))
    assert_same_data_and_no_leftovers(deployment, file)


def test_a_changed_file_starts_clean_and_says_so(deployment: Deployment, file: Path, tmp_path: Path) -> None:
    with importing(deployment, file) as child:
        for event in told(child):
            if event["said"][0] == "sort":
                child.kill()
    assert len(deployment.keys.list_store_key_ids()) == 1
    write_source_file(file, synthesize(160, seed=4))
    _, said = run_to_completion(deployment, file)
    assert ["restarted"] in said
    assert not [one for one in said if one[0] == "resumed"]
    assert_same_data_and_no_leftovers(deployment, file)


def test_killed_between_being_there_and_saying_so_it_is_not_imported_twice(
    deployment: Deployment, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("app.datasets.importing.pipeline.Workspace.clear", die)
        with pytest.raises(Killed):
            deployment.import_file(file)
    ((there,),) = deployment.execute_sql("SELECT id FROM data_sets")
    assert deployment.import_file(file).id == UUID(str(there))
    assert_same_data_and_no_leftovers(deployment, file)
    assert deployment.import_file(file).id != UUID(str(there))  # asked for once more, it is another


def test_the_same_import_does_not_run_twice_at_once(deployment: Deployment, file: Path) -> None:
    with importing(deployment, file) as first:
        next(told(first))
        first.send_signal(signal.SIGSTOP)
        with importing(deployment, file) as second:
            assert [one["said"] for one in told(second)] == [["failed", "OperationRefused"]]
            assert second.wait() == 1


def test_workers_that_die_again_and_again_end_the_import_and_leave_nothing(deployment: Deployment, file: Path) -> None:
    with importing(deployment, file) as child:
        said = []
        for event in told(child):
            said.append(event["said"])
            for pid in event["workers"]:
                with suppress(ProcessLookupError):  # as of the last round
                    os.kill(pid, signal.SIGKILL)
        assert child.wait() == 1
    assert said[-1] == ["failed", "WorkerDied"]
