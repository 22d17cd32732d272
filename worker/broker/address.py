"""Addresses of RabbitMQ in settings: which are taken, and how they may be shown. Pure."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from yarl import URL

from worker.outside.urls import check_url, each_host

HEARTBEAT: Final = 20
"""Seconds. RabbitMQ gives a silent worker's queues away after two of them."""


def check_amqp_url(url: str) -> tuple[URL, ...]:
    """Return the URL of each node that it names, with our heartbeat.

    Raises:
        ValueError: It is no AMQP URL, can be read in two ways, or asks for TLS without verification; the text
            does not repeat it.
    """
    check_url(url)
    return tuple(_checked(each) for each in each_host(url))


def _checked(url: str) -> URL:
    try:
        parsed = URL(url)
    except ValueError:
        parsed = URL()
    if parsed.scheme not in {"amqp", "amqps"} or not parsed.host:
        raise ValueError(
            "must look like amqp://user:password@host:5672/; several nodes are host1:5672,host2:5672"
        )
    if "no_verify_ssl" in parsed.query:
        raise ValueError("no_verify_ssl would accept any server; give the CA's file with cafile=… instead")
    return parsed.update_query(heartbeat=HEARTBEAT)


def mask_url(url: str | URL) -> str:
    """Return a URL as it may be shown, without its password and query; one for each node that it names."""
    nodes = (URL(each) for each in each_host(str(url)))
    return ", ".join(
        str((node.with_password("***") if node.password else node).with_query(None)) for node in nodes
    )


def check_management_url(url: str, amqp_url: str) -> None:
    """Refuse an address that is none, or that would send in clear what the broker gets by TLS.

    Raises:
        ValueError: The text does not repeat it.
    """
    parsed = urlsplit(url)
    if parsed.scheme not in {"http", "https"} or not parsed.hostname:
        raise ValueError("must look like http://localhost:15672/")
    if parsed.scheme == "http" and urlsplit(amqp_url).scheme == "amqps":
        raise ValueError("must begin with https://, as AMQP_URL begins with amqps://")
