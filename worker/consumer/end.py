"""Why a session ended. Pure."""

from __future__ import annotations

from enum import StrEnum


class End(StrEnum):
    """The reason, as the log names it."""

    STOPPED = "stopped"
    """The worker stops."""
    CHANNEL_LOST = "channel_lost"
    """RabbitMQ, or the network, closed the channel."""
    QUEUE_GONE = "queue_gone"
    """RabbitMQ cancelled the consumer: the queue was deleted or moved."""
    CREDENTIAL_REFUSED = "credential_refused"
    """Kit says 401."""
    GREW_OLD = "grew_old"
    """The oldest event was unsettled for too long."""
    FENCED = "fenced"
    """Another worker, or a command, has taken the account."""
    CLOCK_WRONG = "clock_wrong"
    """This machine's clock is wrong, so that nothing can be said of the times of events."""
    PAUSED = "paused"
    """By command."""
    RECONNECTED = "reconnected"
    """The account was connected to Kit anew, or disconnected."""
    REDELIVERED = "redelivered"
    """A message came back so often that something must be killing the worker or its channel."""
    RESIZE = "resize"
    """More, or fewer, messages are to be in hand."""
    REBIND = "rebind"
    """A new mapping could not be bound, so everything is declared anew."""
