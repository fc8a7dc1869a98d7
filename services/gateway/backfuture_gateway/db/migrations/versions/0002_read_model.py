"""What the topics tell."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = (
    "balance_views",
    "bot_views",
    "connection_views",
    "decision_views",
    "group_views",
    "instrument_views",
    "journal_views",
    "order_views",
    "price_views",
    "read_positions",
    "refusal_views",
)


def upgrade() -> None:
    _balance_views()
    _bot_views()
    _connection_views()
    _decision_views()
    _group_views()
    _instrument_views()
    _journal_views()
    _order_views()
    _price_views()
    _read_positions()
    _refusal_views()


def downgrade() -> None:
    for name in reversed(_TABLES):
        op.drop_table(name)


def _balance_views() -> None:
    op.create_table(
        "balance_views",
        sa.Column("connection_id", sa.String(64), nullable=False),
        sa.Column("currency", sa.String(32), nullable=False),
        sa.Column("owner_id", sa.String(64), nullable=False),
        sa.Column("free", sa.Text(), nullable=False),
        sa.Column("held", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "currency", name="pk_balance_views"),
    )
    op.create_index("ix_balance_views_owner_id", "balance_views", ["owner_id"])


def _bot_views() -> None:
    op.create_table(
        "bot_views",
        sa.Column("bot_id", sa.String(64), nullable=False),
        sa.Column("owner_id", sa.String(64), nullable=False),
        sa.Column("running", sa.Boolean(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("decisions", sa.Integer(), nullable=False),
        sa.Column("groups_opened", sa.Integer(), nullable=False),
        sa.Column("groups_closed", sa.Integer(), nullable=False),
        sa.Column("groups_live", sa.Integer(), nullable=False),
        sa.Column("realised_quote", sa.Text(), nullable=False),
        sa.Column("spec_version", sa.Integer(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", name="pk_bot_views"),
    )
    op.create_index("ix_bot_views_owner_id", "bot_views", ["owner_id"])


def _connection_views() -> None:
    op.create_table(
        "connection_views",
        sa.Column("connection_id", sa.String(64), nullable=False),
        sa.Column("owner_id", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("trade_allowed", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String(64), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("rights", sa.JSON(), nullable=False),
        sa.Column("ip_restricted", sa.Boolean(), nullable=True),
        sa.Column("key_expires_ms", sa.BigInteger(), nullable=True),
        sa.Column("test_id", sa.String(64), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", name="pk_connection_views"),
    )


def _decision_views() -> None:
    op.create_table(
        "decision_views",
        sa.Column("decision_id", sa.String(80), nullable=False),
        sa.Column("owner_id", sa.String(64), nullable=False),
        sa.Column("bot_id", sa.String(64), nullable=False),
        sa.Column("group_id", sa.String(80), nullable=True),
        sa.Column("symbol", sa.String(64), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("numbers", sa.JSON(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", name="pk_decision_views"),
    )
    op.create_index("ix_decision_views_bot_id", "decision_views", ["bot_id"])
    op.create_index("ix_decision_views_owner_at", "decision_views", ["owner_id", "at_ms", "decision_id"])


def _group_views() -> None:
    op.create_table(
        "group_views",
        sa.Column("group_id", sa.String(80), nullable=False),
        sa.Column("bot_id", sa.String(64), nullable=False),
        sa.Column("owner_id", sa.String(64), nullable=False),
        sa.Column("symbol", sa.String(64), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("strategy", sa.JSON(), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_seq", sa.BigInteger(), nullable=False),
        sa.Column("anchor", sa.Text(), nullable=True),
        sa.Column("bought_amount", sa.Text(), nullable=False),
        sa.Column("bought_cost", sa.Text(), nullable=False),
        sa.Column("sold_amount", sa.Text(), nullable=False),
        sa.Column("sold_proceeds", sa.Text(), nullable=False),
        sa.Column("fees_base", sa.Text(), nullable=False),
        sa.Column("fees_quote", sa.Text(), nullable=False),
        sa.Column("average", sa.Text(), nullable=True),
        sa.Column("break_even", sa.Text(), nullable=True),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("add_ons_done", sa.Integer(), nullable=False),
        sa.Column("zones_used", sa.JSON(), nullable=False),
        sa.Column("close_requested", sa.Boolean(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=True),
        sa.Column("close_reason", sa.String(32), nullable=True),
        sa.Column("realised_quote", sa.Text(), nullable=True),
        sa.Column("dust_base", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("group_id", name="pk_group_views"),
    )
    op.create_index("ix_group_views_bot_id", "group_views", ["bot_id"])
    op.create_index("ix_group_views_owner_opened", "group_views", ["owner_id", "opened_ms", "group_id"])
    op.create_index("ix_group_views_status", "group_views", ["status"])


def _instrument_views() -> None:
    op.create_table(
        "instrument_views",
        sa.Column("exchange", sa.String(64), nullable=False),
        sa.Column("symbol", sa.String(64), nullable=False),
        sa.Column("base", sa.String(32), nullable=False),
        sa.Column("quote", sa.String(32), nullable=False),
        sa.Column("price_step", sa.Text(), nullable=False),
        sa.Column("amount_step", sa.Text(), nullable=False),
        sa.Column("amount_min", sa.Text(), nullable=False),
        sa.Column("cost_min", sa.Text(), nullable=False),
        sa.Column("taker_fee", sa.Text(), nullable=False),
        sa.Column("maker_fee", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("exchange", "symbol", name="pk_instrument_views"),
    )


def _journal_views() -> None:
    op.create_table(
        "journal_views",
        sa.Column("bot_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.String(64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "seq", name="pk_journal_views"),
    )


def _order_views() -> None:
    op.create_table(
        "order_views",
        sa.Column("client_order_id", sa.String(64), nullable=False),
        sa.Column("owner_id", sa.String(64), nullable=False),
        sa.Column("bot_id", sa.String(64), nullable=False),
        sa.Column("group_id", sa.String(80), nullable=False),
        sa.Column("connection_id", sa.String(64), nullable=False),
        sa.Column("exchange", sa.String(64), nullable=False),
        sa.Column("symbol", sa.String(64), nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("leg", sa.String(16), nullable=True),
        sa.Column("zone", sa.Integer(), nullable=True),
        sa.Column("decision_id", sa.String(80), nullable=True),
        sa.Column("amount", sa.Text(), nullable=True),
        sa.Column("limit_price", sa.Text(), nullable=True),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("exchange_order_id", sa.String(128), nullable=True),
        sa.Column("filled_amount", sa.Text(), nullable=False),
        sa.Column("filled_cost", sa.Text(), nullable=False),
        sa.Column("fee_base", sa.Text(), nullable=False),
        sa.Column("fee_quote", sa.Text(), nullable=False),
        sa.Column("fee_other", sa.JSON(), nullable=False),
        sa.Column("error", sa.JSON(), nullable=True),
        sa.Column("first_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_order_id", name="pk_order_views"),
    )
    op.create_index("ix_order_views_bot_id", "order_views", ["bot_id"])
    op.create_index("ix_order_views_group_id", "order_views", ["group_id"])
    op.create_index("ix_order_views_owner_first", "order_views", ["owner_id", "first_ms", "client_order_id"])
    op.create_index("ix_order_views_status", "order_views", ["status"])


def _price_views() -> None:
    op.create_table(
        "price_views",
        sa.Column("exchange", sa.String(64), nullable=False),
        sa.Column("symbol", sa.String(64), nullable=False),
        sa.Column("bid", sa.Text(), nullable=False),
        sa.Column("ask", sa.Text(), nullable=False),
        sa.Column("exchange_ms", sa.BigInteger(), nullable=False),
        sa.Column("observed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("exchange", "symbol", name="pk_price_views"),
    )


def _read_positions() -> None:
    op.create_table(
        "read_positions",
        sa.Column("topic", sa.String(128), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", name="pk_read_positions"),
    )


def _refusal_views() -> None:
    op.create_table(
        "refusal_views",
        sa.Column("bot_id", sa.String(64), nullable=False),
        sa.Column("owner_id", sa.String(64), nullable=False),
        sa.Column("command_id", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", name="pk_refusal_views"),
    )
