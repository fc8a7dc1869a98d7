"""Takes requests apart, each in the one way it can be meant: a name twice, an odd letter, a nested value is refused."""

import json
import re
from collections.abc import Sequence

from backfuture_key_vault.policy.verdict import Denied, shown

_PARAMETER = re.compile(r"([A-Za-z][A-Za-z_-]{0,31})=((?:[A-Za-z0-9_.,:-]|%3A|%2C){1,256})")
_TEXT = re.compile(r"[A-Za-z0-9_.:-]{0,128}")
_MAX_BODY = 8_192
_MAX_ITEMS = 20

Parameters = dict[str, str]


def read_query(query: str) -> Parameters | Denied:
    """Return the parameters of ``a=b&c=d``; an empty text has none."""
    found: Parameters = {}
    for item in query.split("&") if query else ():
        parameter = _PARAMETER.fullmatch(item)
        if parameter is None:
            return Denied("form", "query")
        name = parameter[1]
        if name in found:
            return Denied("parameter", shown(name))
        found[name] = parameter[2].replace("%3A", ":").replace("%2C", ",")
    return found


def read_body(body: str, *, many: bool = False) -> list[Parameters] | Denied:
    """Return the fields of a JSON object; with ``many`` of each object in a list. An empty body has none."""
    if not body:
        return []
    if len(body) > _MAX_BODY or not body.isascii():
        return Denied("form", "body")
    try:
        found = json.loads(body, object_pairs_hook=_Pairs, parse_constant=str, parse_float=str)
    except (ValueError, RecursionError):
        return Denied("form", "body")
    items = found if many and isinstance(found, list) and not isinstance(found, _Pairs) else [found]
    if not 0 < len(items) <= _MAX_ITEMS:
        return Denied("form", "body")
    objects: list[Parameters] = []
    for item in items:
        fields = _fields(item)
        if isinstance(fields, Denied):
            return fields
        objects.append(fields)
    return objects


class _Pairs(list[tuple[str, object]]):
    """A JSON object with every name as often as it was written."""


def _fields(item: object) -> Parameters | Denied:
    if not isinstance(item, _Pairs):
        return Denied("form", "body")
    fields: Parameters = {}
    for name, value in item:
        if name in fields:
            return Denied("parameter", shown(name))
        text = _plain(value)
        if text is None:
            return Denied("value", shown(name))
        fields[name] = text
    return fields


def _plain(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value) if isinstance(value, int | str) else ""
    return text if isinstance(value, int | str) and _TEXT.fullmatch(text) else None


def strangers(parameters: Parameters, known: Sequence[str] | frozenset[str]) -> Denied | None:
    """Return the refusal of the first parameter that is not known."""
    for name in parameters:
        if name not in known:
            return Denied("parameter", shown(name))
    return None
