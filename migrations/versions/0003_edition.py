"""Add the catalog version (here `edition`): a random value, renewed by every change of incidents, notices, data sets or key derivation parameters.

A later migration that rebuilds one of these tables on SQLite (Alembic's batch mode) loses its triggers and has to create them again;
tests/db/test_catalog_version.py fails otherwise.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WATCHED = ("data_sets", "incidents", "notices", "scheme")


def upgrade() -> None:
    op.create_table(
        "edition",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edition")),
    )
    if op.get_context().dialect.name == "sqlite":
        op.execute("INSERT INTO edition VALUES (1, randomblob(16))")
    else:
        op.execute("INSERT INTO edition VALUES (1, uuid_send(gen_random_uuid()))")
        op.execute(
            "CREATE FUNCTION renew_edition() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "UPDATE edition SET name = uuid_send(gen_random_uuid()) WHERE id = 1; RETURN NULL; END $$"
        )
    for table in WATCHED:
        watch(table)


def watch(table: str) -> None:
    """Renew the version at every change of *table*. On PostgreSQL at the commit, so that no transaction locks the row for long."""
    if op.get_context().dialect.name == "sqlite":
        for change in ("INSERT", "UPDATE", "DELETE"):
            renewed = "BEGIN UPDATE edition SET name = randomblob(16) WHERE id = 1; END"
            op.execute(f"CREATE TRIGGER {table}_{change.lower()} AFTER {change} ON {table} {renewed}")
    else:
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {table}_changed AFTER INSERT OR UPDATE OR DELETE ON {table} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION renew_edition()"
        )


def downgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        for table in WATCHED:
            for change in ("insert", "update", "delete"):
                op.execute(f"DROP TRIGGER {table}_{change}")
    else:
        op.execute("DROP FUNCTION renew_edition() CASCADE")
    op.drop_table("edition")
