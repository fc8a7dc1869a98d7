"""Every metric of the platform, by section. Names end in their unit; labels take few, fixed values.

No label ever carries a user, a bot, a connection, an order or free text: a metric is about the platform, the journal
about the individual.
"""

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

_FAST_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_SLOW_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

# ---------------------------------------------------------------------------------------- process

PART_UP = Gauge("backfuture_part_up", "1 while a part of the process can do its work", ["part"])
EVENT_LOOP_LAG = Gauge("backfuture_event_loop_lag_seconds", "How much later than asked the event loop woke last")
STARTED = Gauge("backfuture_started_seconds", "When the process started, Unix time")

# ---------------------------------------------------------------------------------------- bus

KAFKA_COMMIT = Histogram(
    "backfuture_kafka_commit_seconds", "Time of one transaction, from begin to commit", buckets=_FAST_S
)
KAFKA_PUBLISHED = Counter("backfuture_kafka_published_total", "Records acknowledged by the broker", ["topic"])
KAFKA_READ = Counter("backfuture_kafka_read_total", "Records read", ["topic"])
KAFKA_READER_LAG = Gauge(
    "backfuture_kafka_reader_lag_records", "Committed records not yet read, over all partitions", ["topic"]
)
KAFKA_POISON = Counter("backfuture_kafka_poison_total", "Records that could not be decoded", ["topic"])

# ---------------------------------------------------------------------------------------- market data

FEED_AGE = Gauge("backfuture_feed_age_seconds", "Age of the newest price of the exchange's oldest feed", ["exchange"])
TICKS = Counter("backfuture_ticks_total", "Prices published", ["exchange"])

# ---------------------------------------------------------------------------------------- decisions

DECISIONS = Counter("backfuture_decisions_total", "Verdicts of bots", ["verdict"])
DECISION_SECONDS = Histogram(
    "backfuture_decision_seconds", "From the price a decision rests on, as received, to its commit", buckets=_FAST_S
)
BOTS = Gauge("backfuture_bots", "Bots by state", ["state"])
GROUPS = Gauge("backfuture_groups", "Live groups by status", ["status"])
UNCOMMITTED = Gauge("backfuture_uncommitted_steps", "Decided steps that wait for their transaction")
UNACKNOWLEDGED_AGE = Gauge(
    "backfuture_intent_unacknowledged_age_seconds", "Age of the oldest order intent no connector has answered"
)
POSITION_DRIFT = Gauge(
    "backfuture_position_drift_quote",
    "Quote value of coins that groups hold and their accounts do not have",
    ["exchange"],
)
HELD_NOTIONAL = Gauge("backfuture_held_notional_quote", "Quote value of the coins that live groups hold", ["exchange"])
UNPROTECTED_NOTIONAL = Gauge(
    "backfuture_unprotected_notional_quote",
    "Quote value of held coins whose exit cannot be decided or sent now: no fresh price, connection away, bot at fault",
    ["exchange"],
)

# ---------------------------------------------------------------------------------------- orders

DECISION_TO_SEND = Histogram(
    "backfuture_decision_to_send_seconds",
    "From the decision to the request that leaves for the exchange",
    ["exchange"],
    buckets=_SLOW_S,
)
SEND_TO_ACK = Histogram(
    "backfuture_send_to_ack_seconds", "From the request to the exchange's answer", ["exchange"], buckets=_SLOW_S
)
ORDER_OUTCOMES = Counter("backfuture_order_outcomes_total", "Ended order commands", ["exchange", "outcome"])
ORDERS_UNKNOWN = Gauge("backfuture_orders_unknown", "Orders whose fate is being found out", ["exchange"])
ORDER_UNRESOLVED_AGE = Gauge(
    "backfuture_order_unresolved_age_seconds", "Age of the oldest order whose fate is being found out", ["exchange"]
)
RATE_BUDGET_LEFT = Gauge(
    "backfuture_rate_budget_left_ratio", "Part of the exchange's request budget that is left, 0 to 1", ["exchange"]
)
EXCHANGE_ERRORS = Counter("backfuture_exchange_errors_total", "Failed calls to the exchange", ["exchange", "code"])

# ---------------------------------------------------------------------------------------- connections and keys

CONNECTIONS = Gauge("backfuture_connections", "Connections by status", ["exchange", "status"])
CONNECTION_TESTS = Counter("backfuture_connection_tests_total", "Ended connection tests", ["exchange", "code"])
KEY_EXPIRES = Gauge(
    "backfuture_key_expires_seconds", "Until the first key in use expires; +Inf when none does", ["exchange"]
)
SIGNATURES = Counter("backfuture_signatures_total", "Requests signed", ["exchange"])
SIGN_REFUSALS = Counter("backfuture_sign_refusals_total", "Requests the signer refused to sign", ["exchange", "code"])
SIGN_SECONDS = Histogram("backfuture_sign_seconds", "Time of one signature inside the signer", buckets=_FAST_S)
LEASES = Gauge("backfuture_leases", "Leases that are valid now", ["exchange"])

# ---------------------------------------------------------------------------------------- gateway

PROJECTION_LAG = Gauge("backfuture_projection_lag_seconds", "Age of the record the read model applied last", ["topic"])
OUTBOX_PENDING = Gauge("backfuture_outbox_pending", "Commands stored and not yet on their topic")
EVENT_STREAMS = Gauge("backfuture_event_streams", "Open event streams of clients")

# ---------------------------------------------------------------------------------------- paper exchange

PAPER_REQUESTS = Counter("backfuture_paper_requests_total", "Requests answered", ["venue", "status"])
PAPER_ORDERS = Counter("backfuture_paper_orders_total", "Steps in the lives of orders", ["venue", "step"])
PAPER_STREAMS = Gauge("backfuture_paper_streams", "Open WebSocket connections", ["venue"])
PAPER_TICK = Histogram("backfuture_paper_tick_seconds", "Time to give all markets their new prices", buckets=_FAST_S)

# ---------------------------------------------------------------------------------------- for /metrics


def exposition() -> tuple[bytes, str]:
    """Return all metrics in Prometheus' text format, and its content type."""
    return generate_latest(), CONTENT_TYPE_LATEST
