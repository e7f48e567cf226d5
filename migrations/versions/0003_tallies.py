"""People by cohort and item, sealed, beside each data set."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("data_sets", sa.Column("tallies", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("data_sets") as batch_op:
        batch_op.drop_column("tallies")
