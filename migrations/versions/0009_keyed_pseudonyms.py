"""Delete what carries the pseudonyms of earlier versions, which were keyed by the application key alone.

A pseudonym cannot be converted, because nothing that is stored reveals its identifier. The people concerned opt out again. Verifications and
sessions, which last minutes, carry pseudonyms too, and the messages of these verifications are of no use without them.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = ("opt_outs", "verifications", "sessions", "outbox")


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"DELETE FROM {table}")  # noqa: S608  a constant


def downgrade() -> None:
    upgrade()
