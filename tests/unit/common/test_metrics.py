"""The catalogue of metrics keeps to its own rules."""

import re

import pytest
from backfuture_common.runtime import metrics
from prometheus_client import Counter, Gauge, Histogram, Metric
from prometheus_client.metrics import MetricWrapperBase

CATALOGUE = {name: metric for name, metric in vars(metrics).items() if isinstance(metric, MetricWrapperBase)}
PERSONAL = ("user", "owner", "bot_id", "connection_id", "order_id", "group_id", "symbol", "ip", "name")


def description(metric: MetricWrapperBase) -> Metric:
    return next(iter(metric.describe()))


def name_of(metric: MetricWrapperBase) -> str:
    return str(description(metric).name)


def labels_of(metric: MetricWrapperBase) -> tuple[str, ...]:
    return tuple(metric._labelnames)


@pytest.mark.parametrize("metric", CATALOGUE.values(), ids=CATALOGUE.keys())
def test_a_metric_has_a_prefixed_plain_name_and_says_what_it_is(metric: MetricWrapperBase) -> None:
    assert re.fullmatch(r"backfuture_[a-z][a-z0-9_]*[a-z0-9]", name_of(metric))
    assert len(description(metric).documentation) > 10


@pytest.mark.parametrize("metric", CATALOGUE.values(), ids=CATALOGUE.keys())
def test_labels_are_few_and_never_personal(metric: MetricWrapperBase) -> None:
    labels = labels_of(metric)
    assert len(labels) <= 2
    assert not set(labels) & set(PERSONAL)


def test_times_are_in_seconds() -> None:
    for metric in CATALOGUE.values():
        if isinstance(metric, Histogram):
            assert name_of(metric).endswith(("_seconds", "_bytes", "_records"))
        assert not name_of(metric).endswith(("_ms", "_millis", "_minutes"))


def test_what_issue_two_needs_is_there() -> None:
    wanted = {
        "backfuture_feed_age_seconds": Gauge,
        "backfuture_decision_to_send_seconds": Histogram,
        "backfuture_send_to_ack_seconds": Histogram,
        "backfuture_order_outcomes": Counter,
        "backfuture_orders_unknown": Gauge,
        "backfuture_intent_unacknowledged_age_seconds": Gauge,
        "backfuture_kafka_commit_seconds": Histogram,
        "backfuture_kafka_reader_lag_records": Gauge,
        "backfuture_signatures": Counter,
        "backfuture_sign_refusals": Counter,
    }
    found = {name_of(metric): type(metric) for metric in CATALOGUE.values()}
    assert wanted.items() <= found.items()
