"""Imports whose worker, process or database is killed at any moment. The same command resumes or restarts, with the same result."""

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

from app.db import Database
from app.db.upgrade import upgrade
from app.errors import OperationRefused
from app.keyholder import import_socket_path
from app.source_files import SourceRow, write_source_file
from app.synthetic import synthesize
from tests.datasets.source_rows import read_rows
from tests.datasets.store_reader import comparable_contents, list_sealed_tables
from tests.support.deployment import INCIDENT_SLUG, Deployment
from tests.support.import_process import IMPORT_COMMAND
from tests.support.postgres_cluster import PostgresServer, start_server
from tests.support.simulated_kill import killed_at

pytestmark = pytest.mark.kill

ROOT = Path(__file__).parents[2]
EVENT_COUNT = 80
"""An import prints at least as many events. It is killed after a random one of them."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    write_source_file(path, synthesize(160, seed=3))
    return path


@contextmanager
def start_import(deployment: Deployment, file: Path, *, workers: int = 2) -> Iterator[subprocess.Popen[str]]:
    """Start an import in a process of its own."""
    paths = (deployment.settings.key_dir, import_socket_path(deployment.keyholder_socket), deployment.settings.work_dir)
    arguments = [file, INCIDENT_SLUG, deployment.settings.database_url, *paths, workers]
    command = [sys.executable, "-c", IMPORT_COMMAND, *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def read_events(child: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """Yield the events of an import while it runs."""
    assert child.stdout is not None
    for line in child.stdout:
        yield json.loads(line)


def run_to_completion(deployment: Deployment, file: Path) -> tuple[UUID, list[list[Any]]]:
    """Run an import to its end. Returns the id of its data set, and its events."""
    with start_import(deployment, file) as child:
        events = [message["event"] for message in read_events(child)]
        assert child.wait() == 0, (events, child.stderr and child.stderr.read())
    assert events[-1][0] == "staged"
    return UUID(events[-1][1]), events


def kill_worker(child: subprocess.Popen[str], message: dict[str, Any]) -> None:
    for pid in message["workers"][:1]:
        with suppress(ProcessLookupError):  # it has already ended
            os.kill(pid, signal.SIGKILL)


def kill_parent(child: subprocess.Popen[str], message: dict[str, Any]) -> None:
    child.kill()


def run_and_kill_at(
    deployment: Deployment, file: Path, event_index: int, kill: Callable[[subprocess.Popen[str], dict[str, Any]], None]
) -> None:
    """Run an import, and kill something after the event of this index."""
    with start_import(deployment, file) as child:
        for index, message in enumerate(read_events(child)):
            if index == event_index:
                kill(child, message)
        child.wait()


def assert_same_data_and_no_leftovers(deployment: Deployment, file: Path) -> None:
    """Assert that every data set equals the first one, and that there are no tables, keys or files without a data set."""
    findings = [row for row in read_rows(file) if isinstance(row, SourceRow)]
    data_sets = deployment.execute_sql("SELECT id, rows, people, key_id FROM data_sets ORDER BY version")
    ids = [UUID(str(dataset_id)) for dataset_id, *_ in data_sets]
    undisturbed, *others = [comparable_contents(deployment, dataset_id, findings) for dataset_id in ids]
    assert len(undisturbed) > 200
    assert all(other == undisturbed for other in others)
    assert len({(rows, people) for _, rows, people, _ in data_sets}) == 1
    assert list_sealed_tables(deployment) == sorted(f"sealed_{dataset_id.hex}" for dataset_id in ids)
    assert deployment.keys.list_store_key_ids() == sorted(key_id for *_, key_id in data_sets)
    assert list(deployment.settings.work_dir.glob("*")) == []


def test_result_is_the_same_after_25_kills(
    make_deployment: Callable[..., Deployment], database_url: str, file: Path
) -> None:
    """Runs on each engine. On PostgreSQL the database crashes as well."""
    with ExitStack() as stack:
        kills = [kill_worker, kill_parent]
        if not database_url.startswith("sqlite"):
            server = stack.enter_context(start_server())  # not shared with other tests, because it crashes
            database_url = server.url()
            database = stack.enter_context(closing(Database(database_url)))
            upgrade(database)
            kills.append(lambda *_: _crash(server))
        deployment = make_deployment(database_url=database_url)
        deployment.import_file(file)
        rng = random.Random(7)
        for _ in range(25):
            run_and_kill_at(deployment, file, rng.randrange(EVENT_COUNT), rng.choice(kills))
        deployment.database.engine.dispose()  # its connections may be to a server process that crashed
        run_to_completion(deployment, file)
        assert_same_data_and_no_leftovers(deployment, file)
        deployment.close()


def _crash(server: PostgresServer) -> None:
    server.stop("immediate")
    server.start()


def test_interrupted_import_resumes_after_the_sealed_partitions(deployment: Deployment, file: Path) -> None:
    deployment.import_file(file)
    with start_import(deployment, file) as child:
        for message in read_events(child):
            if message["event"] == ["seal", 5]:
                child.kill()
    _, events = run_to_completion(deployment, file)
    ((_, done, partition_count),) = [event for event in events if event[0] == "resumed"]
    assert 5 <= done < partition_count
    assert [event[1] for event in events if event[0] == "seal"] == list(range(done + 1, partition_count + 1))
    assert_same_data_and_no_leftovers(deployment, file)


def test_import_of_a_changed_file_restarts(deployment: Deployment, file: Path, tmp_path: Path) -> None:
    with start_import(deployment, file) as child:
        for message in read_events(child):
            if message["event"][0] == "sort":
                child.kill()
    assert len(deployment.keys.list_store_key_ids()) == 1
    write_source_file(file, synthesize(160, seed=4))
    _, events = run_to_completion(deployment, file)
    assert ["restarted"] in events
    assert not [event for event in events if event[0] == "resumed"]
    assert_same_data_and_no_leftovers(deployment, file)


def test_import_killed_after_its_commit_is_not_repeated(deployment: Deployment, file: Path) -> None:
    with killed_at("app.importing.pipeline.Workspace.clear"):
        deployment.import_file(file)
    ((committed_id,),) = deployment.execute_sql("SELECT id FROM data_sets")
    assert deployment.import_file(file).id == UUID(str(committed_id))
    assert_same_data_and_no_leftovers(deployment, file)
    assert deployment.import_file(file).id != UUID(str(committed_id))  # a third run is a new import


def test_same_import_cannot_run_twice_at_once(deployment: Deployment, file: Path) -> None:
    with start_import(deployment, file) as first:
        next(read_events(first))
        first.send_signal(signal.SIGSTOP)
        with start_import(deployment, file) as second:
            (event,) = [message["event"] for message in read_events(second)]
            assert event == ["failed", OperationRefused.__name__]
            assert second.wait() == 1


def test_import_whose_workers_keep_dying_fails_and_leaves_nothing(deployment: Deployment, file: Path) -> None:
    with start_import(deployment, file) as child:
        events = []
        for message in read_events(child):
            events.append(message["event"])
            for pid in message["workers"]:
                with suppress(ProcessLookupError):  # killed after the previous event
                    os.kill(pid, signal.SIGKILL)
        assert child.wait() == 1
    assert events[-1] == ["failed", "WorkerDied"]
