"""What the draw asks of auditors: the centres they are linked to, and how far they are with auditing."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("people", sa.Column("linked", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("people", sa.Column("auditing", sa.String(length=16), nullable=False, server_default=""))


def downgrade() -> None:
    # Not as a batch: copying the table would drop the people that other tables refer to.
    op.drop_column("people", "auditing")
    op.drop_column("people", "linked")
