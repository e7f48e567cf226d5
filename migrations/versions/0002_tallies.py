"""Add the encrypted counts of people by cohort and item to data sets."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("data_sets", sa.Column("tallies", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("data_sets", "tallies")
