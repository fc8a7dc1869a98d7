"""Venues that sign the parameters alone: the same bytes are valid for every path.

So a request is known by the set of its parameters. Every request that moves money, makes keys or rules sub-accounts
needs a parameter that stands in no form here (``coin``, ``asset``, ``amount``, ``address``, ``toAccount``, ``email``,
``permissions``…). Some venues accept parameters split between query and body, signed as one text: no form's names and
values can be cut so that a dangerous name comes out, because values hold no ``=``.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from backfuture_key_vault.policy.orders import OrderFields
from backfuture_key_vault.policy.reading import Parameters
from backfuture_key_vault.policy.verdict import Allowed, Context, Denied, Verdict, shown

TIME = "[0-9]{13}"
ID = "[A-Za-z0-9_-]{1,64}"
NUMBER = r"[0-9]{1,20}(?:\.[0-9]{1,20})?"
YES_NO = "true|false"
KEY = "[A-Za-z0-9_-]{1,128}"
MAX_RECV_WINDOW_MS = 60_000
_MAX_MESSAGE = 4_096


@dataclass(frozen=True, slots=True)
class Form:
    """One shape of request: its required and its optional parameters, with the values they may have."""

    required: Mapping[str, str]
    optional: Mapping[str, str]
    order: OrderFields | None = None

    @property
    def places_order(self) -> bool:
        return self.order is not None

    def fits(self, names: frozenset[str]) -> bool:
        return self.required.keys() <= names <= self.required.keys() | self.optional.keys()


@dataclass(frozen=True, slots=True)
class Signing:
    """The parameters that every request has. ``own_key``: names whose value must be the lease's own API key."""

    time: str
    window: str
    own_key: frozenset[str] = frozenset()

    @property
    def patterns(self) -> Mapping[str, str]:
        return {self.time: TIME, self.window: "[0-9]{1,5}"}


def judge_text(message: bytes, forms: Sequence[Form], signing: Signing, context: Context) -> Verdict:
    """Allow exactly the requests of the forms, made now, each parameter once and plainly written."""
    parameters = parse(message)
    if parameters is None:
        return Denied("form", "not a plain list of parameters")
    verdict = judge_parameters(parameters, forms, signing.patterns)
    if isinstance(verdict, Denied):
        return verdict
    return _late_fault(parameters, signing, context) or verdict


def judge_parameters(parameters: Parameters, forms: Sequence[Form], signing: Mapping[str, str]) -> Verdict:
    """Allow a set of parameters that one of the forms describes."""
    names = frozenset(parameters) - signing.keys()
    form = next((form for form in forms if form.fits(names)), None)
    if form is None:
        return Denied("parameter", shown(_unknown_first(names, forms)))
    patterns = {**signing, **form.required, **form.optional}
    for name, value in parameters.items():
        if not re.fullmatch(patterns[name], value):
            return Denied("value", shown(name))
    return Allowed(True, (form.order.read(parameters),)) if form.order else Allowed(False)


def parse(message: bytes) -> Parameters | None:
    """Return the parameters of ``a=b&c=d`` as they stand, None when a name comes twice or has no value."""
    if len(message) > _MAX_MESSAGE:
        return None
    parameters: Parameters = {}
    for item in message.decode("ascii", "replace").split("&"):
        name, equals, value = item.partition("=")
        if not equals or name in parameters:
            return None
        parameters[name] = value
    return parameters


def _late_fault(parameters: Parameters, signing: Signing, context: Context) -> Denied | None:
    """Look at what depends on the lease and the time: the forms have been checked."""
    if signing.time not in parameters or not context.is_now(int(parameters[signing.time])):
        return Denied("clock", signing.time)
    if int(parameters.get(signing.window, "0")) > MAX_RECV_WINDOW_MS:
        return Denied("clock", signing.window)
    for name in signing.own_key:
        if parameters.get(name, context.api_key) != context.api_key:
            return Denied("value", name)
    return None


def _unknown_first(names: Iterable[str], forms: Sequence[Form]) -> str:
    known = {name for form in forms for name in (*form.required, *form.optional)}
    return min(names, key=lambda name: (name in known, name))
