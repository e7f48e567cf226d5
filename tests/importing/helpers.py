"""What several tests of imports share."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from app.importing import ImportOptions, ImportResult, NullListener
from app.importing.pipeline import import_file
from app.keyholder import import_socket_path
from tests.datasets.store_reader import list_sealed_tables
from tests.support.deployment import INCIDENT_SLUG, Deployment

MINA_EMAIL, MINA_PHONE = "mina@example.com", "010-2000-0001"
SENTINEL_ROWS = 1
"""Rows that every data set has in addition to its people's."""


def assert_nothing_left(deployment: Deployment) -> None:
    """Assert that there is no data set, no table, no store key, no KDF parameters, and no temporary file."""
    assert deployment.execute_sql("SELECT id FROM data_sets") == []
    assert deployment.execute_sql("SELECT id FROM kdf_params") == []
    assert list_sealed_tables(deployment) == []
    assert deployment.keys.list_store_key_ids() == []
    assert list(deployment.settings.work_dir.glob("*")) == []


def import_ndjson_rows(
    deployment: Deployment,
    rows: Iterable[Mapping[str, str]],
    *,
    keyholder_socket: Path | None = None,
    file_name: str = "people.ndjson",
    **settings: Any,
) -> ImportResult:
    """Import rows from a file of their own, so that several imports can run at the same time.

    Args:
        deployment: receives the data set.
        rows: to import.
        door: of another keyholder than the deployment's.
        file_name: of the file with the rows.
        settings: cost, workers, listener.
    """
    path = deployment.folder / file_name
    path.write_text("".join(json.dumps({column: cell for column, cell in row.items() if cell}) + "\n" for row in rows))
    return import_file(
        ImportOptions(path, INCIDENT_SLUG, cost=settings.pop("cost", "minimal"), workers=settings.pop("workers", 1)),
        database=deployment.database,
        keys=deployment.keys,
        import_socket=import_socket_path(keyholder_socket or deployment.keyholder_socket),
        work_dir=deployment.settings.work_dir,
        now=deployment.clock(),
        listener=settings.pop("listener", NullListener()),
    )
