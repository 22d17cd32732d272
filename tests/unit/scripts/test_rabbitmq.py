"""Telling a RabbitMQ from anything else that listens."""

import pytest

from scripts.machine import free_port
from scripts.rabbitmq import url_answers
from tests.unit.scripts.listening import HTTP_REFUSAL, listening

CONNECTION_START = b"\x01\x00\x00\x00\x00\x01\xf0\x00\x0a\x00\x0a"


@pytest.mark.parametrize(
    ("answer", "is_a_broker"), [(CONNECTION_START, True), (HTTP_REFUSAL, False), (b"", False)]
)
def test_only_a_server_that_begins_an_amqp_connection_is_a_broker(answer: bytes, is_a_broker: bool) -> None:
    with listening(answer) as port:
        assert url_answers(f"amqp://127.0.0.1:{port}/") is is_a_broker


def test_nothing_answers_where_nothing_listens_and_behind_tls_the_command_finds_out() -> None:
    port = free_port()
    assert not url_answers(f"amqp://127.0.0.1:{port}/")
    assert url_answers(f"amqps://127.0.0.1:{port}/")
