"""Ten venues, tricks with letters, encodings and doubled names: nothing that moves money or keys is ever signed."""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote

from backfuture_common.domain.ids import ExchangeId
from backfuture_key_vault.policy import VENUES, Allowed, Context, Verdict, binance, bingx, bybit, judge, mexc
from backfuture_key_vault.policy.forms import Form
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.ccxt_venues import MONEY_AND_KEYS, money_endpoints
from tests.support.forbidden_requests import MEXC_DANGEROUS_NAMES

NOW_MS = 1_764_000_000_000
NOW_S = NOW_MS // 1_000
KEY = "0123456789abcdef01234567"
ISO = datetime.fromtimestamp(NOW_S, UTC)
BY_PATH = ("okx", "bitget", "gate", "htx", "coinbase")
BY_PARAMETERS: Mapping[str, tuple[Form, ...]] = {
    "mexc": mexc.FORMS, "binance": binance.FORMS, "bingx": bingx.FORMS, "bybit": (*bybit.QUERIES, *bybit.BODIES),
}  # fmt: skip
DANGEROUS = frozenset(name.lower() for name in MEXC_DANGEROUS_NAMES) | {
    "coin", "chain", "transferid", "fromaccounttype", "toaccounttype", "subuid", "subaccountid", "email", "toemail",
    "permissions", "ips", "readonly", "subaccountapikey", "useraccount", "wallettype", "transfrom", "transto",
    "username", "fromid2", "memberid", "frommemberid", "tomemberid", "apikeyinfo", "canwithdraw",
}  # fmt: skip
"""Every withdrawal, transfer and key request of these venues needs one of them."""


@lru_cache
def paths_of_money(venue: str) -> list[tuple[str, str]]:
    """Return methods and paths as they would be signed, from ccxt's own tables."""
    prefix = {"okx": "/api/v5/", "bitget": "/api/", "gate": "/api/v4/", "htx": "/", "coinbase": "/"}[venue]
    found = []
    for sections, method, path in money_endpoints(venue):
        filled = path.replace("{", "").replace("}", "")
        if venue == "gate":
            filled = f"{sections[-1]}/{filled}"
        if venue == "coinbase":
            filled = f"{'api/v3' if sections[0] == 'v3' else 'v2'}/{filled}"
        versions = ("", "v1/", "v2/") if venue == "htx" else ("",)
        found += [(method, f"{prefix}{version}{filled}") for version in versions]
    return found


def message(venue: str, method: str, path: str, query: str, body: str) -> tuple[bytes, str, bytes]:
    """Return bytes as this venue signs a request, with algorithm and shown body."""
    if venue == "okx":
        time = ISO.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return f"{time}{method}{path}{'?' + query if query else ''}{body}".encode(), "sha256", b""
    if venue == "bitget":
        return f"{NOW_MS}{method}{path}{'?' + query if query else ''}{body}".encode(), "sha256", b""
    if venue == "gate":
        digest = hashlib.sha512(body.encode()).hexdigest()
        return "\n".join((method, path, query, digest, str(NOW_S))).encode(), "hmac-sha512", body.encode()
    if venue == "htx":
        time = quote(ISO.strftime("%Y-%m-%dT%H:%M:%S"), safe="")
        own = f"AccessKeyId={KEY}&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp={time}"
        return "\n".join((method, "api.huobi.pro", path, own + (f"&{query}" if query else ""))).encode(), "sha256", b""
    head = {"alg": "ES256", "typ": "JWT", "kid": KEY, "nonce": "00"}
    claims = {
        "aud": ["retail_rest_api_proxy"], "iss": "coinbase-cloud", "nbf": NOW_S, "exp": NOW_S + 120, "sub": KEY,
        "iat": NOW_S, "uri": f"{method} api.coinbase.com{path}",
    }  # fmt: skip
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, claims))
    return b".".join(parts), "es256", b""


def verdict(venue: str, asked: tuple[bytes, str, bytes]) -> Verdict:
    return judge(ExchangeId(venue), asked[0], Context(KEY, NOW_MS, asked[1], asked[2]))


def crooked(data: st.DataObject, path: str) -> str:
    """Write the path as somebody would who wants it to be taken for another."""
    position = data.draw(st.integers(1, max(1, len(path) - 1)))
    tricks = {
        "plain": path,
        "upper": path.upper(),
        "swapped": path[:position] + path[position:].swapcase(),
        "encoded": path[:position] + f"%{ord(path[position - 1]):02x}" + path[position:],
        "slashes": path.replace("/", "//", data.draw(st.integers(1, 3))),
        "dots": "/api/v5/trade/order/.." + path,
        "encoded dots": "/api/v4/spot/orders/%2e%2e" + path,
        "trailing": path + data.draw(st.sampled_from(["/", "/.", ";", "%00", " ", "\t"])),
        "fragment": path + "#/api/v5/trade/order",
        "absolute": "https://www.okx.com" + path,
    }
    return tricks[data.draw(st.sampled_from(sorted(tricks)))]


@settings(max_examples=600, deadline=None)
@given(st.data(), st.sampled_from(BY_PATH))
def test_no_path_of_money_is_signed_however_it_is_written(data: st.DataObject, venue: str) -> None:
    method, path = data.draw(st.sampled_from(paths_of_money(venue)))
    method = data.draw(st.sampled_from([method, method.lower(), "GET", "POST", "PUT"]))
    written = crooked(data, path) if data.draw(st.booleans()) else path
    query = data.draw(st.sampled_from(["", "ccy=USDT", "instId=BTC-USDT&instId=x", "a=b&c", "symbol=BTCUSDT"]))
    body = data.draw(st.sampled_from(["", "{}", '{"ccy":"USDT","amt":"1","toAddr":"x"}', '{"instId":"BTC-USDT"}']))

    signed = isinstance(verdict(venue, message(venue, method, written, query, body)), Allowed)

    assert not signed or ((venue, method) == ("htx", "GET") and path.endswith("/user/api-key")), (method, written)


def test_no_form_of_a_venue_that_signs_no_path_knows_a_dangerous_name() -> None:
    for venue, forms in BY_PARAMETERS.items():
        names = {name.lower() for form in forms for name in (*form.required, *form.optional)}
        own = {"apikey"} if venue == "binance" else set()  # must be the lease's own key: the login of a stream
        assert not names & (DANGEROUS - own), venue
    assert any("withdraw" in word for word in MONEY_AND_KEYS)


values = st.one_of(
    st.sampled_from(["BTCUSDT", "BTC-USDT", "BUY", "Buy", "LIMIT", "spot", "1", "100.5", KEY, str(NOW_MS), "USDT"]),
    st.text("abcXYZ019%&=;+ ._-{}\"'/?", max_size=12),
)
names = st.sampled_from(
    sorted({name for forms in BY_PARAMETERS.values() for form in forms for name in (*form.required, *form.optional)})
    + sorted(DANGEROUS)
)
parameters = st.lists(st.tuples(names, values), max_size=9)


@settings(max_examples=600, deadline=None)
@given(parameters, st.sampled_from(sorted(BY_PARAMETERS)), st.sampled_from(["&", ";", "&&", "%26"]), st.booleans())
def test_no_parameters_with_a_dangerous_name_are_signed(
    found: list[tuple[str, str]], venue: str, separator: str, as_json: bool
) -> None:
    text = separator.join(f"{name}={value}" for name, value in found)
    if venue == "bybit":
        rest = json.dumps(dict(found)) if as_json else text
        asked = f"{NOW_MS}{KEY}5000{rest}"
    else:
        asked = f"{text}&timestamp={NOW_MS}" if text else f"timestamp={NOW_MS}"
    if not isinstance(judge(ExchangeId(venue), asked.encode(), Context(KEY, NOW_MS)), Allowed):
        return
    for reading in (text, unquote(text), unquote(unquote(text)), text.replace(";", "&")):
        read = {name.strip().lower() for name, _ in parse_qsl(reading, keep_blank_values=True)}
        assert not read & DANGEROUS - {"apikey"}, asked


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(sorted(VENUES)), st.sampled_from(["sha256", "hmac-sha512", "es256"]))
def test_any_bytes_get_a_verdict_and_no_exception(noise: bytes, venue: str, algorithm: str) -> None:
    context = Context(KEY, NOW_MS, algorithm, noise)
    for start in (b"", f"{NOW_MS}{KEY}5000".encode(), f"{NOW_MS}POST/api/v2/".encode(), b"POST\n/api/v4/spot/orders\n"):
        judge(ExchangeId(venue), start + noise, context)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(VENUES)), st.sampled_from(["sha1", "hmac-sha384", "es256", "ed25519", "rsa", ""]))
def test_a_kind_of_signature_the_venue_does_not_take_is_refused(venue: str, algorithm: str) -> None:
    refused = judge(ExchangeId(venue), b"timestamp=1", Context(KEY, NOW_MS, algorithm))
    assert not isinstance(refused, Allowed)
