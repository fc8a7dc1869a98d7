"""Which fault meets which request."""

import msgspec
import pytest
from backfuture_paper.web.endpoints import Endpoint, Router
from backfuture_paper.web.faults import Fault, Faults


def test_a_fault_meets_matching_requests_and_is_used_up() -> None:
    faults = Faults(recording=False)
    faults.order(Fault(action="cut", venue="mexc", method="POST", path="/api/v3/order$", times=2))

    assert faults.take("before", "mexc", "POST", "/api/v3/order/test") is None
    assert faults.take("before", "mexc", "GET", "/api/v3/order") is None
    assert faults.take("before", "kucoin", "POST", "/api/v3/order") is None
    assert faults.take("after", "mexc", "POST", "/api/v3/order") is None
    assert [bool(faults.take("before", "mexc", "POST", "/api/v3/order")) for _ in range(3)] == [True, True, False]
    assert faults.pending() == []


def test_a_fault_without_times_stays_until_it_is_cleared() -> None:
    faults = Faults(recording=False)
    faults.order(Fault(action="answer", when="after", times=None))

    assert all(faults.take("after", "mexc", "GET", "/x") for _ in range(5))
    faults.clear()
    assert faults.take("after", "mexc", "GET", "/x") is None


def test_a_misspelt_order_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"action":"cut","tiems":3}', type=Fault)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"action":"explode"}', type=Fault)


def test_a_plain_path_wins_over_one_with_parameters() -> None:
    def handler(_call: object) -> None:
        return None

    plain = Endpoint(method="GET", path="/orders/active", handler=handler)
    by_id = Endpoint(method="GET", path="/orders/{orderId}", handler=handler)
    router = Router([by_id, plain])

    assert router.find("GET", "/orders/active") == (plain, {})
    assert router.find("GET", "/orders/7a") == (by_id, {"orderId": "7a"})
    assert router.find("DELETE", "/orders/7a") is None
    assert router.find("GET", "/orders/7a/b") is None
