"""Imports that fail or run at the same time as others: a failed import leaves nothing behind."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.crypto.key_files import create_key_file
from app.crypto.keys import Pepper
from app.datasets import service as datasets
from app.datasets.errors import StateConflict
from app.errors import DependencyUnavailable
from app.importing import ImportResult
from tests.datasets.store_reader import list_sealed_tables, read_stored_rows
from tests.importing.helpers import MINA_EMAIL, SENTINEL_ROWS, assert_nothing_left, import_ndjson_rows
from tests.support.deployment import Deployment, RecordingListener, make_row


@contextmanager
def start_separate_keyholder(folder: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """Start a keyholder that only this test uses, so that the test can kill it. Yields its socket and its process."""
    create_key_file(folder / "separate.key", Pepper.generate())
    keyholder_socket = folder / "door"
    command = [
        sys.executable,
        "-m",
        "app.keyholder",
        str(keyholder_socket),
        str(folder / "separate.key"),
        "lookup",
        "import",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        try:
            yield keyholder_socket, child
        finally:
            child.kill()


def test_keyholder_that_dies_before_the_seal_stage_leaves_nothing(
    deployment: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [make_row(f"a{number}", email=f"p{number}@example.com", items="name") for number in range(501)]
    with start_separate_keyholder(tmp_path_factory.mktemp("keyholder")) as (keyholder_socket, child):

        def kill_keyholder(stage: str, _: int) -> None:
            if stage == "read" and child.poll() is None:
                child.kill()
                child.wait()

        with pytest.raises(DependencyUnavailable):
            import_ndjson_rows(
                deployment, rows, keyholder_socket=keyholder_socket, listener=RecordingListener(kill_keyholder)
            )
    assert_nothing_left(deployment)
    deployment.import_rows(rows[:1])  # the next import works


def test_keyholder_that_is_not_running_leaves_nothing_with_workers(deployment: Deployment, tmp_path: Path) -> None:
    rows = [make_row(f"a{number}", email=f"p{number}@example.com", items="name") for number in range(501)]
    with pytest.raises(DependencyUnavailable):
        import_ndjson_rows(deployment, rows, keyholder_socket=tmp_path / "no-socket", workers=2)
    assert_nothing_left(deployment)


class Interrupted(BaseException):
    """Ends an import as Ctrl-C does."""


def test_interrupted_load_leaves_nothing(deployment: Deployment) -> None:
    def interrupt(stage: str, _: int) -> None:
        if stage == "load":
            assert len(deployment.keys.list_store_key_ids()) == 1
            raise Interrupted

    with pytest.raises(Interrupted):
        import_ndjson_rows(
            deployment, [make_row("a1", email=MINA_EMAIL, items="name")], listener=RecordingListener(interrupt)
        )
    assert_nothing_left(deployment)


# --- several imports at the same time --------------------------------------------------------------------------------


def run_concurrently(*imports: Callable[[], ImportResult]) -> list[ImportResult | Exception]:
    """Run each import in a thread of its own. Returns the result or exception of each."""
    outcomes: list[ImportResult | Exception] = []

    def run(start_import: Callable[[], ImportResult]) -> None:
        try:
            outcomes.append(start_import())
        except Exception as error:  # noqa: BLE001  the test checks it
            outcomes.append(error)

    threads = [threading.Thread(target=run, args=(start_import,)) for start_import in imports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def import_waiting_at(barrier: threading.Barrier, deployment: Deployment, number: int) -> Callable[[], ImportResult]:
    """Return an import that waits at the barrier after the seal stage, before it writes to the database."""

    def wait(stage: str, _: int) -> None:
        if stage == "sort":
            barrier.wait()

    rows = [make_row(f"a{number}", email=f"p{number}@example.com", items="name")]
    return lambda: import_ndjson_rows(
        deployment, rows, file_name=f"people-{number}.ndjson", listener=RecordingListener(wait)
    )


def test_concurrent_imports_get_different_versions(deployment: Deployment) -> None:
    deployment.import_rows([make_row("a1", email=MINA_EMAIL, items="name")])
    barrier = threading.Barrier(3)
    outcomes = run_concurrently(*(import_waiting_at(barrier, deployment, number) for number in range(3)))
    assert all(isinstance(outcome, ImportResult) for outcome in outcomes), outcomes
    assert sorted(version for (version,) in deployment.execute_sql("SELECT version FROM data_sets")) == [1, 2, 3, 4]
    for outcome in outcomes:
        assert isinstance(outcome, ImportResult)
        with deployment.database.read() as db:
            dataset = datasets.get(db, outcome.id)
        assert dataset.people == 1
        assert len(read_stored_rows(deployment, outcome.id)) == 1 + SENTINEL_ROWS


def test_only_one_of_two_concurrent_first_imports_fixes_the_kdf_parameters(deployment: Deployment) -> None:
    barrier = threading.Barrier(2)
    outcomes = run_concurrently(*(import_waiting_at(barrier, deployment, number) for number in range(2)))
    assert len(outcomes) == 2
    assert {type(outcome) for outcome in outcomes} == {StateConflict, ImportResult}, outcomes
    (error,) = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert "run this one again" in str(error)
    assert len(deployment.execute_sql("SELECT id FROM data_sets")) == len(list_sealed_tables(deployment)) == 1
    assert len(deployment.keys.list_store_key_ids()) == 1
