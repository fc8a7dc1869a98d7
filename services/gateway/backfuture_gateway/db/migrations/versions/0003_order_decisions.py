"""Find the orders of a decision."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_order_views_decision_id", "order_views", ["decision_id"])


def downgrade() -> None:
    op.drop_index("ix_order_views_decision_id", "order_views")
