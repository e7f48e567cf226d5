"""Find a verification only by its locator, which is derived from its id and client secret.

The table is dropped and created: it holds the codes of the last ten minutes only. People waiting for one during the upgrade request another.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("verifications")
    _create(sa.Column("locator", sa.LargeBinary(), nullable=False), key="locator")


def downgrade() -> None:
    op.drop_table("verifications")
    _create(sa.Column("id", sa.Uuid(), nullable=False), sa.Column("client", sa.LargeBinary(), nullable=False), key="id")


def _create(*found_by: sa.Column[object], key: str) -> None:
    op.create_table(
        "verifications",
        *found_by,
        sa.Column("target", sa.LargeBinary(), nullable=True),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("sends_left", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(key, name="pk_verifications"),
    )
    op.create_index("ix_verifications_expires_at", "verifications", ["expires_at"])
