"""Why RabbitMQ lets nobody in, by its own words."""

from __future__ import annotations

import pytest
from aio_pika import exceptions

from worker.broker.refusal import refusal


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (exceptions.ProbableAuthenticationError("ACCESS_REFUSED - …"), "refuses this user name and password"),
        (
            exceptions.ConnectionClosed(530, "NOT_ALLOWED - vhost shop not found"),
            "has no virtual host shop: correct the end of AMQP_URL",
        ),
        (
            exceptions.ConnectionClosed(530, "NOT_ALLOWED - access to vhost 'shop' refused for user 'u'"),
            "no right on the virtual host shop: rabbitmqctl set_permissions -p shop",
        ),
        (
            exceptions.ConnectionClosed(
                530,
                "NOT_ALLOWED - access to vhost 'shop' refused for user 'u': connection limit (1) is reached",
            ),
            "takes no more connections",
        ),
        (exceptions.ConnectionClosed(320, "CONNECTION_FORCED - bye"), "refuses the connection: "),
    ],
)
def test_each_refusal_names_its_remedy(error: Exception, words: str) -> None:
    assert words in refusal(error, "shop")
