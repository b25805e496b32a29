"""What may happen to a trial, and what becomes of it: two tables, and nothing else decides.

``TRANSITIONS`` says what each event makes of a trial; a pair that is not there is refused.
``ANSWERS`` says how a result or failure is answered, given what is known when it comes.
``docs/delivery.md`` has both in words, and a test compares them.
"""

from __future__ import annotations

from typing import Literal

from asktell.study.events import Kind
from asktell.study.trials import Standing

Transitions = dict[Standing, dict[Kind, Standing]]

TRANSITIONS: Transitions = {
    "new": {"suggested": "pending", "told": "observed", "failed": "failed"},
    "queued": {
        "suggested": "pending",
        "renewed": "pending",
        "told": "observed",
        "failed": "failed",
        "retried": "queued",
    },
    "pending": {
        "renewed": "pending",
        "expired": "queued",
        "lost": "lost",
        "told": "observed",
        "failed": "failed",
        "retried": "queued",
    },
    "observed": {"amended": "observed", "voided": "failed", "forgotten": "forgotten"},
    "failed": {
        "amended": "observed",
        "voided": "failed",
        "forgotten": "forgotten",
        "requeued": "queued",
    },
    "lost": {
        "told": "observed",
        "failed": "failed",
        "amended": "observed",
        "voided": "failed",
        "forgotten": "forgotten",
        "requeued": "queued",
    },
    "forgotten": {
        "suggested": "pending",
        "told": "observed",
        "failed": "failed",
        "requeued": "queued",
    },
}
"""From the standing before and the event to the standing after, where one suggestion of the trial
is out at most. Where another one is still out, ``queued`` and ``forgotten`` read ``pending``."""

REPLICATED: Transitions = {
    **TRANSITIONS,
    "pending": {**TRANSITIONS["pending"], "suggested": "pending"},
    "observed": {
        **TRANSITIONS["observed"],
        "suggested": "observed",
        "renewed": "observed",
        "expired": "observed",
        "told": "observed",
        "failed": "observed",
    },
    "failed": {
        **TRANSITIONS["failed"],
        "suggested": "failed",
        "renewed": "failed",
        "expired": "failed",
        "told": "observed",
        "failed": "failed",
    },
    "lost": {**TRANSITIONS["lost"], "suggested": "lost", "renewed": "lost", "expired": "lost"},
}
"""The same where replicates are wanted: a trial that is over goes on taking results, and others of
its suggestions may be out. A correction leaves the outcomes of the others as they are."""

# --- what a result is answered ---

Delivered = Literal["number", "failure"]

Situation = Literal["out", "late", "unasked", "same", "other"]
"""What is known when an outcome comes: its suggestion is out; it was out before; the params were
never suggested; the trial already has the same outcome; it has another."""

Answer = Literal["recorded", "late", "unasked", "replicate", "repeated", "failed", "conflict"]

ANSWERS: dict[Delivered, dict[Situation, Answer]] = {
    "number": {
        "out": "recorded",
        "late": "late",
        "unasked": "unasked",
        "same": "repeated",
        "other": "conflict",
    },
    "failure": {
        "out": "failed",
        "late": "failed",
        "unasked": "failed",
        "same": "repeated",
        "other": "conflict",
    },
}
"""``failed`` reads ``retried`` where the trial has a retry left, or is out under another id."""

REPLICATED_ANSWERS: dict[Delivered, dict[Situation, Answer]] = {
    "number": {**ANSWERS["number"], "other": "replicate"},
    "failure": {**ANSWERS["failure"], "other": "failed"},
}
"""The same where replicates are wanted: another outcome contradicts nothing."""
