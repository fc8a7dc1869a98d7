"""Whatever bytes a connector sends: what is signed has no withdrawal in it, under any reading a venue could make."""

import re
import string
from urllib.parse import parse_qsl, unquote

from backfuture_common.domain.ids import ExchangeId
from backfuture_key_vault.policy import Allowed, Context, judge, kucoin, mexc
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import forbidden_requests

NOW_MS = 1_764_000_000_000
API_KEY = "mx0vglkey"
CONTEXT = Context(API_KEY, NOW_MS)
FORBIDDEN_PATH = re.compile(
    r"(?i)withdraw|transfer|/sub|deposit|broker|borrow|repay|earn|redeem|purchase|convert|otc|lend|leverage|position"
)
NAMES = sorted({name for form in mexc.FORMS for name in (*form.required, *form.optional)} | {"timestamp", "recvWindow"})
DANGEROUS = sorted(forbidden_requests.MEXC_DANGEROUS_NAMES)

values = st.one_of(
    st.sampled_from(["BTCUSDT", "BUY", "LIMIT", "1", "100.5", API_KEY, str(NOW_MS), "5000", "coin", "asset"]),
    st.text(string.ascii_letters + string.digits + "%&=;+ ._-{}\"'/?", max_size=12),
)
parameters = st.lists(st.tuples(st.sampled_from(NAMES + DANGEROUS), values), max_size=8)


@settings(max_examples=400)
@given(parameters, st.sampled_from(["&", ";", "&&", "%26"]), st.booleans())
def test_no_mexc_bytes_with_a_dangerous_parameter_are_signed(
    found: list[tuple[str, str]], separator: str, in_time: bool
) -> None:
    text = separator.join(f"{name}={value}" for name, value in found)
    if in_time:
        text = f"{text}&timestamp={NOW_MS}" if text else f"timestamp={NOW_MS}"
    if not isinstance(judge(ExchangeId("mexc"), text.encode(), CONTEXT), Allowed):
        return
    for reading in (text, unquote(text), unquote(unquote(text)), text.replace(";", "&")):
        names = {name.strip().lower() for name, _ in parse_qsl(reading, keep_blank_values=True)}
        assert not names & {name.lower() for name in DANGEROUS}, text


def fitting(name: str, pattern: str) -> st.SearchStrategy[str]:
    """Return values the form takes. ``from_regex`` would be slow."""
    if name == "accessKey":
        return st.just(API_KEY)
    if "|" in pattern:
        return st.sampled_from(pattern.split("|"))
    text = st.one_of(
        st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=20),
        st.text(string.ascii_uppercase, min_size=2, max_size=12),
        st.from_regex("[0-9]{1}(?:[.][0-9]{1,2})?", fullmatch=True),
        st.sampled_from([str(NOW_MS), "5", "asset", "xcoin", "withdraw-address"]),
    )
    return text.map(lambda value: value if re.fullmatch(pattern, value) else EXAMPLES[name])


EXAMPLES = dict.fromkeys(NAMES, "1") | {"symbol": "BTCUSDT", "startTime": str(NOW_MS), "endTime": str(NOW_MS)}


@st.composite
def allowed_mexc(draw: st.DrawFn) -> str:
    form = draw(st.sampled_from(mexc.FORMS))
    chosen = [*form.required, *draw(st.lists(st.sampled_from(sorted(form.optional) or ["timestamp"]), unique=True))]
    patterns = {**form.required, **form.optional}
    values = {name: draw(fitting(name, patterns[name])) for name in chosen if name in patterns}
    items = [f"{name}={value}" for name, value in values.items()] + [f"timestamp={NOW_MS}", "recvWindow=5000"]
    return "&".join(draw(st.permutations(items)))


@settings(max_examples=150)
@given(allowed_mexc())
def test_allowed_mexc_bytes_stay_harmless_when_cut_into_query_and_body(text: str) -> None:
    """MEXC signs query and body as one text, so a connector may put the border anywhere."""
    assert isinstance(judge(ExchangeId("mexc"), text.encode(), CONTEXT), Allowed), text
    for cut in range(len(text) + 1):
        names = {name for part in (text[:cut], text[cut:]) for name, value in parse_qsl(part) if value}
        assert not names & forbidden_requests.MEXC_DANGEROUS_NAMES, (text[:cut], text[cut:])


@settings(max_examples=300)
@given(
    st.sampled_from(["GET", "POST", "DELETE", "PUT", "get"]),
    st.lists(
        st.sampled_from(
            ["api", "v1", "v2", "v3", "ua", "hf", "orders", "accounts", "withdrawals", "inner-transfer", "sub", "user",
             "api-key", "universal-transfer", "transfer-out", "deposits", "..", ".", "%2e%2e", "", "x1", "test"]
        ),
        min_size=1,
        max_size=7,
    ),
    st.sampled_from(["", "{}", '{"side":"buy"}', '{"toAddress":"TX"}', "?symbol=BTC-USDT", "?currency=USDT"]),
)  # fmt: skip
def test_no_kucoin_path_of_money_is_signed(method: str, segments: list[str], rest: str) -> None:
    path = "/" + "/".join(segments)
    verdict = judge(ExchangeId("kucoin"), f"{NOW_MS}{method}{path}{rest}".encode(), CONTEXT)
    if isinstance(verdict, Allowed):
        assert not FORBIDDEN_PATH.search(path), path


@st.composite
def allowed_kucoin(draw: st.DrawFn) -> tuple[str, str]:
    endpoint = draw(st.sampled_from(kucoin.ENDPOINTS))
    ids = st.one_of(st.text(string.ascii_letters + "_-", min_size=1, max_size=20), st.just("withdrawals"))
    path = endpoint.path.pattern.replace("\\-", "-").replace("[A-Za-z0-9_-]{1,64}", draw(ids))
    names = draw(st.lists(st.sampled_from(sorted(endpoint.query) or [""]), unique=True))
    query = "&".join(f"{name}=x1" for name in names if name)
    fields = draw(st.lists(st.sampled_from(sorted(endpoint.body) or [""]), unique=True))
    body = "{" + ",".join(f'"{name}":"x1"' for name in fields if name) + "}" if any(fields) else ""
    return endpoint.method, path + (f"?{query}" if query else "") + body


@settings(max_examples=200)
@given(allowed_kucoin())
def test_allowed_kucoin_bytes_stay_harmless_when_cut_into_path_and_body(request: tuple[str, str]) -> None:
    """Between path and body nothing is signed, so a connector may put the border anywhere."""
    method, rest = request
    assert isinstance(judge(ExchangeId("kucoin"), f"{NOW_MS}{method}{rest}".encode(), CONTEXT), Allowed), request
    dangerous = {(m, path.split("?")[0]) for m, path, _ in forbidden_requests.KUCOIN}
    for cut in range(1, len(rest) + 1):
        path = rest[:cut].split("?")[0]
        assert (method, path) not in dangerous
        assert not FORBIDDEN_PATH.search(path) or path.startswith("/api/v1/hf/orders/"), path


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from(["kucoin", "mexc", "paper-kucoin", "other"]))
def test_any_bytes_get_a_verdict_and_no_exception(message: bytes, exchange: str) -> None:
    judge(ExchangeId(exchange), message, CONTEXT)
    judge(ExchangeId(exchange), f"{NOW_MS}POST/api/v1/hf/orders".encode() + message, CONTEXT)
    judge(ExchangeId(exchange), b"timestamp=" + str(NOW_MS).encode() + b"&" + message, CONTEXT)
