"""Add the number of shards over which the rows of a data set are spread: one for existing data sets.

A plain column with a default, since Alembic's batch mode would lose the triggers of the catalog version on SQLite.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("data_sets", sa.Column("ranges", sa.Integer(), nullable=False, server_default="1"))


def downgrade() -> None:
    op.drop_column("data_sets", "ranges")
