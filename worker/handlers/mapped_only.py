"""Any other event type: it does what an admin's file says, and nothing by itself."""

from __future__ import annotations

from worker.handlers.base import Handler

HANDLER = Handler(type="", meaning="whatever the account's file maps it to", example={})
