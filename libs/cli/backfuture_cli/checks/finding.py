"""The shape of what a check found."""

from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """``about`` what, how it is, in which words, and what to do about it."""

    about: str
    state: Literal["ok", "warn", "fail"]
    detail: str
    hint: str = ""
