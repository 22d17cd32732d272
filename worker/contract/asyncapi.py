"""The platform's contract as an AsyncAPI 3.0 document, made from the code that reads the events."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

from worker.broker.topology import DEAD_LETTER_EXCHANGE
from worker.contract.examples import RULES, binary_example, cloud_event_example, plain_example
from worker.contract.schemas import ID, SCHEMAS, SEQUENCE, SPEC_VERSION, TIME, Document, event_schemas
from worker.errors import Reason
from worker.events.envelope import PREFIXES
from worker.events.event import Origin
from worker.events.times import FEWEST_MILLISECONDS, MOST_MILLISECONDS
from worker.handlers import HANDLERS
from worker.handlers.base import Handler

MESSAGES: Final = "#/components/messages/"
BINDING: Final = "0.3.0"


def asyncapi_document(exchange: str) -> Document:
    """Return the document.

    Args:
        exchange: The name of the events' exchange.
    """
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Events for kit-worker",
            "version": version("kit-worker"),
            "description": RULES,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {"events": _events_channel(exchange), "deadLetters": _dead_letters_channel()},
        "operations": _operations(),
        "components": {"messages": _messages(), "schemas": event_schemas()},
    }


def _events_channel(exchange: str) -> Document:
    names = [name for handler in HANDLERS.values() for name in _message_names(handler)]
    return {
        "address": "{routingKey}",
        "title": "The platform's events",
        "description": f"The topic exchange `{exchange}`; the address is the routing key.",
        "parameters": {
            "routingKey": {
                "description": "The event's type, or the type, a dot and the app.",
                "examples": [key for kind in HANDLERS for key in (kind, f"{kind}.sunny-kitchen")],
            }
        },
        "messages": {name: {"$ref": f"{MESSAGES}{name}"} for name in names},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": exchange, "type": "topic", "durable": True, "autoDelete": False},
                "bindingVersion": BINDING,
            }
        },
    }


def _dead_letters_channel() -> Document:
    return {
        "address": "kit.{account}.dead",
        "title": "What could not be applied",
        "description": f"A quorum queue per account, bound to the direct exchange `{DEAD_LETTER_EXCHANGE}`.",
        "parameters": {"account": {"description": "The account file's name, without `.yaml`."}},
        "messages": {"deadLetter": {"$ref": f"{MESSAGES}deadLetter"}},
        "bindings": {"amqp": {"is": "queue", "queue": {"durable": True}, "bindingVersion": BINDING}},
    }


def _operations() -> Document:
    names = [name for handler in HANDLERS.values() for name in _message_names(handler)]
    return {
        "applyEvent": {
            "action": "receive",
            "channel": {"$ref": "#/channels/events"},
            "summary": "The worker receives an event and applies it to the account's Kit.",
            "messages": [{"$ref": f"#/channels/events/messages/{name}"} for name in names],
            "bindings": {
                "amqp": {"deliveryMode": 2, "mandatory": True, "ack": True, "bindingVersion": BINDING}
            },
        },
        "deadLetter": {
            "action": "send",
            "channel": {"$ref": "#/channels/deadLetters"},
            "summary": "The worker makes a dead letter of what it could not apply, with the reason.",
            "messages": [{"$ref": "#/channels/deadLetters/messages/deadLetter"}],
            "bindings": {"amqp": {"deliveryMode": 2, "mandatory": True, "bindingVersion": BINDING}},
        },
    }


# -- messages ---------------------------------------------------------------------------------------------


def _message_names(handler: Handler) -> tuple[str, str, str]:
    first, *others = handler.type.replace(".", "_").split("_")
    name = first + "".join(word.capitalize() for word in others)
    return name, f"{name}CloudEvent", f"{name}BinaryCloudEvent"


def _messages() -> Document:
    messages: Document = {}
    for handler in HANDLERS.values():
        plain, structured, binary = _message_names(handler)
        messages[plain] = _message(handler, "application/json", _of_type("PlainEvent", handler.type))
        messages[plain]["examples"] = [{"name": "plain", "payload": plain_example(handler)}]
        messages[structured] = _message(
            handler, "application/cloudevents+json", _of_type("CloudEvent", handler.type)
        )
        messages[structured]["examples"] = [{"name": "cloudEvent", "payload": cloud_event_example(handler)}]
        messages[binary] = _message(handler, "application/json", {"$ref": f"{SCHEMAS}Payload"})
        messages[binary]["headers"] = _binary_headers(handler.type)
        messages[binary]["examples"] = [
            {"name": f"binary {prefix}", **binary_example(handler, prefix)} for prefix in PREFIXES
        ]
    return {**messages, "deadLetter": _dead_letter()}


def _message(handler: Handler, content_type: str, payload: Document) -> Document:
    return {
        "name": handler.type,
        "title": handler.type,
        "summary": f"What it means in Kit: {handler.meaning}.",
        "contentType": content_type,
        "payload": payload,
    }


def _of_type(schema: str, event_type: str) -> Document:
    named: Document = {"properties": {"type": {"const": event_type}}}
    return {"allOf": [{"$ref": f"{SCHEMAS}{schema}"}, named]}


def _binary_headers(event_type: str) -> Document:
    return {
        "type": "object",
        "description": "The CloudEvent's attributes, all with one of three prefixes, in any case.",
        "anyOf": [_attributes(prefix, event_type) for prefix in PREFIXES],
    }


def _attributes(prefix: str, event_type: str) -> Document:
    milliseconds = {"type": "integer", "minimum": FEWEST_MILLISECONDS, "maximum": MOST_MILLISECONDS}
    times = [TIME, {**milliseconds, "description": "Milliseconds since 1970."}]
    attributes: Document = {
        "specversion": SPEC_VERSION,
        "id": ID,
        "source": {"type": "string"},
        "type": {"const": event_type},
        "time": {"anyOf": times},
        "sequence": SEQUENCE,
    }
    required = ("specversion", "id", "source", "type")
    return {
        "required": [f"{prefix}{name}" for name in required],
        "properties": {f"{prefix}{name}": schema for name, schema in attributes.items()},
    }


def _moved(why: str) -> Document:
    return {"type": "string", "description": f"Moved here: {why}."}


_DEAD_LETTER_HEADERS: Final[Document] = {
    "x-reason": {"enum": [reason.value for reason in Reason], "description": "Why."},
    "x-detail": {"type": "string", "description": "One line a person can act on, without secrets."},
    "x-account": {"type": "string"},
    "x-event-type": {"type": "string"},
    "x-event-id": {"type": "string"},
    "x-event-time": {"type": "string", "format": "date-time"},
    "x-event-arrival": {"type": "string", "description": "Its place among events of the same time."},
    "x-attempts": {"type": "integer", "minimum": 0},
    "x-failed-at": {"type": "string", "format": "date-time"},
    "x-origin": {
        "enum": [origin.value for origin in Origin],
        "description": "Why the worker had published it itself: some of it took effect later, say.",
    },
    "x-import": {"type": "string", "description": "How it was taken, of an event from a file: JSON."},
    "x-due-at": {"type": "string", "format": "date-time", "description": "When that was."},
    "x-due-id": {"type": "string", "description": "By which timer of the worker's."},
    "x-owes": {"type": "string", "description": "A hash of what an earlier dead letter says that it owes."},
    "x-replay-run": {"type": "string", "description": "By which run of the page it was last replayed."},
    "x-original-routing-key": {"type": "string"},
    "x-original-user-id": _moved("as a property it would be refused"),
    "x-original-expiration": _moved("it would make this message vanish"),
    "x-original-priority": _moved("it would let this message overtake"),
    "x-original-cc": {"description": "Moved here: it would take this message to other queues."},
    "x-original-bcc": {"description": "Moved here: it would take this message to other queues."},
    "x-original-headers": {"type": "string", "description": "Stands for headers that were too large."},
}


def _dead_letter() -> Document:
    return {
        "name": "deadLetter",
        "title": "A dead letter",
        "summary": "The message as it came, and why it could not be applied.",
        "description": (
            "Body, properties and headers are the message's own, but `message_id` is the dead letter's, and "
            "what was done to it before (`x-death` …) is under `x-original-…`. Those that RabbitMQ itself "
            "dead-lettered have its `x-death` instead of these headers."
        ),
        "headers": {"type": "object", "properties": _DEAD_LETTER_HEADERS},
        "payload": {},
    }
