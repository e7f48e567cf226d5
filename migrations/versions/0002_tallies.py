"""People by cohort and item, sealed, beside each data set."""

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
