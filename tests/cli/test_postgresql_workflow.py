"""The main part of an operator's workflow on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.cli.cli_driver import CliDriver
from tests.cli.workflow import FAMILY, MINA, WorkflowRun, import_and_publish, serve_and_acknowledge, write_text

pytestmark = pytest.mark.slow


@pytest.fixture
def empty_postgresql(postgresql_url: str) -> Iterator[str]:
    """Create an empty database without a schema."""
    url = make_url(postgresql_url).set(drivername="postgresql+psycopg")
    name = f"exposure_workflow_{uuid4().hex}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield make_url(postgresql_url).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    engine.dispose()


def test_main_workflow_on_postgresql(tmp_path: Path, empty_postgresql: str) -> None:
    run = WorkflowRun(CliDriver.in_folder(tmp_path, empty_postgresql))
    import_and_publish(run)
    family = write_text(run.folder / "family.csv", FAMILY)
    supplement = ("--incident", "sample-2025", "--kind", "supplement")
    (staged,) = run.execute("imported family", "dataset", "import", family, *supplement)
    run.execute("published family", "dataset", "publish", staged["id"])
    serve_and_acknowledge(run)
    run.execute("suppressed", "dataset", "suppress", staged["id"], stdin=f"{MINA}\n")
    inside = str(run.folder / "keys" / "pepper.key")
    Path(inside).write_bytes((run.folder / "pepper" / "pepper.key").read_bytes())
    Path(inside).chmod(0o600)
    beside = run.cli.with_settings(EXPOSURE_PEPPER_FILE=inside)
    refusal = beside.expect_refusal("serve", "--port", 0)
    assert refusal.startswith("EXPOSURE_PEPPER_FILE: ")
    assert "EXPOSURE_KEY_DIR" in refusal

    assert run.single_object("verified")["problems"] == []
    assert run.single_object("verified")["sampled"] > 0
    assert run.objects("published family") == [{"event": "published", "id": run.single_object("imported family")["id"]}]
    assert run.single_object("suppressed")["rows"] == 2
    assert [dataset["result"] for dataset in run.observed["answer"]["datasets"]] == ["found", "not_found"]
