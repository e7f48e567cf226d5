"""Add the encrypted list of the canaries that an import planted. Existing data sets have none.

A plain column, since Alembic's batch mode would lose the triggers of the catalog version on SQLite.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("data_sets", sa.Column("canaries", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("data_sets", "canaries")
