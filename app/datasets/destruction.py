"""Destroys what no data set of the catalogue needs. The catalogue is read again in the same call, whatever the caller believes."""

from collections.abc import Mapping
from uuid import UUID

from app.crypto.key_files import KeyRing
from app.datasets import catalog_queries, sealed_rows
from app.datasets.errors import StillNeeded
from app.datasets.shards import drop_shard_rows
from app.db import Database


def destroy_store_key(database: Database, keys: KeyRing, key_id: str) -> None:
    """Destroy a store key. The only caller of `KeyRing.destroy_store_key`.

    Raises:
        StillNeeded: a data set that is not retired uses it.
        DatabaseUnavailable: the catalogue cannot be read, so nothing was destroyed.
        StoreKeyMissing: the file is absent or cannot be destroyed.
    """
    with database.read() as db:
        user = catalog_queries.find_user_of_key(db, key_id)
        if user is not None:
            raise StillNeeded(f"store key {key_id} is used by data set {user}: retire that first")
        keys.destroy_store_key(key_id)


def drop_uncatalogued_rows(database: Database, shards: Mapping[str, Database], dataset: UUID) -> None:
    """Drop the rows of a data set that an import did not complete, on *database* and on all *shards*.

    Raises:
        StillNeeded: the data set is in the catalogue.
        DataSetBusy: a long-running reader holds its rows.
        DatabaseUnavailable: a database failed, so rows may be left.
    """
    with database.write() as db:
        if catalog_queries.get_data_set(db, dataset) is not None:
            raise StillNeeded(f"data set {dataset} is in the catalogue: its rows are not deleted")
        sealed_rows.drop_table(db, dataset)
    drop_shard_rows(shards, dataset)
