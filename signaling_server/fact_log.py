"""What happened in calls, as lines of the log: who, which call, why; nothing of what users say or write."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from .facts import Fact

logger = logging.getLogger(__name__)


def log_facts(facts: Iterable[Fact]) -> None:
    """One line each, once it is stored."""
    if not logger.isEnabledFor(logging.INFO):
        return
    for fact in facts:
        about = {"call_id": fact.call.call_id, "user_id": fact.user_id}
        if fact.reason is not None:
            about["reason"] = fact.reason.value
        logger.info("call %s", fact.kind.value, extra=about)
