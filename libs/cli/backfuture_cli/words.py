"""Decisions and their reasons in words, for whoever shows them to a person."""

from collections.abc import Mapping

from backfuture_common.messages.decisions import REASONS as _REASONS
from backfuture_common.messages.decisions import decision_in_words

__all__ = ["REASONS", "decision_in_words"]

REASONS: Mapping[str, str] = {code: reason.words for code, reason in _REASONS.items()}
"""Every reason code in words, as the end of a sentence."""
