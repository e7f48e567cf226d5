"""Add the signed list of the catalogue, empty: `exposure db sign` signs what is there, since a migration has no key."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "signed_catalog",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signed_catalog"),
    )
    op.execute(
        "INSERT INTO signed_catalog VALUES (1, '', '')"
        if not _is_sqlite()
        else "INSERT INTO signed_catalog VALUES (1, x'', x'')"
    )
    if _is_sqlite():
        for change in ("INSERT", "UPDATE", "DELETE"):
            renew = "BEGIN UPDATE catalog_version SET version = randomblob(16) WHERE id = 1; END"
            op.execute(f"CREATE TRIGGER signed_catalog_{change.lower()} AFTER {change} ON signed_catalog {renew}")
    else:
        op.execute(
            "CREATE CONSTRAINT TRIGGER signed_catalog_changed AFTER INSERT OR UPDATE OR DELETE ON signed_catalog "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION renew_catalog_version()"
        )


def downgrade() -> None:
    op.drop_table("signed_catalog")


def _is_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"
