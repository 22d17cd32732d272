"""Why something cannot be reached: real sockets and certificates, and the words that people get."""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from worker.broker.address import check_amqp_url
from worker.broker.connection import connect
from worker.clock import Clock
from worker.errors import BrokerUnavailable, KitUnavailable, LedgerUnavailable
from worker.kit.http import KitHttp, Request
from worker.ledger.database import Database
from worker.outside.network import not_listening, why

NOW = datetime.now(UTC)


def certificate(folder: Path, name: str, ends: datetime) -> ssl.SSLContext:
    """Return a server's context with a certificate of this name, whose file in the folder is its own CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=9))
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    no_password = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, no_password) + made.public_bytes(pem)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


@asynccontextmanager
async def answering(words: bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Have something answer each connection with these words, and close it; yields its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(words)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def said_of_broker(url: str) -> str:
    with pytest.raises(BrokerUnavailable) as caught:
        await connect(check_amqp_url(url)[0], "test", timeout=10)
    return str(caught.value)


async def said_of_kit(url: str) -> str:
    http = KitHttp(url, clock=Clock(), timeout=10)
    http.allow()
    try:
        with pytest.raises(KitUnavailable) as caught:
            await http.send(Request("GET", "/v4/account", params={"email_address": "ada@example.com"}), {})
    finally:
        await http.close()
    return str(caught.value)


async def said_of_ledger(url: str) -> str:
    with pytest.raises(LedgerUnavailable) as caught:
        await Database(url).version()
    return str(caught.value)


async def test_nobody_listens() -> None:
    words = "the connection is refused: nobody listens there"

    assert words in (broker := await said_of_broker("amqp://u:sesame@127.0.0.1:1/"))
    assert words in (kit := await said_of_kit("http://127.0.0.1:1"))
    assert words in (ledger := await said_of_ledger("postgresql+asyncpg://u:sesame@127.0.0.1:1/db"))
    assert broker.startswith("amqp://u:***@127.0.0.1:1/: ")
    assert "AMQP_URL" in broker
    assert "127.0.0.1" in kit
    assert "KIT_BASE_URL" in kit
    assert "LEDGER_URL" in ledger
    assert not any(secret in broker + kit + ledger for secret in ("sesame", "ada"))


async def test_no_such_host() -> None:
    words = r"there is no host of this name|no name server answers"
    for said in (
        await said_of_broker("amqp://u:p@no-such-host.invalid/"),
        await said_of_kit("https://no-such-host.invalid"),
    ):
        assert any(word in said for word in words.split("|")), said
        assert "no-such-host.invalid" in said


@pytest.mark.parametrize(
    ("name", "days", "trusted", "words"),
    [
        ("localhost", 9, False, "its certificate is signed by itself"),
        ("localhost", -1, True, "its certificate has expired"),
        ("other.example", 9, True, "its certificate is of another name"),
    ],
)
async def test_a_certificate_that_is_none(
    tmp_path: Path, name: str, days: int, words: str, *, trusted: bool
) -> None:
    context = certificate(tmp_path, name, NOW + timedelta(days=days))
    ca = f"?cafile={tmp_path}/server.pem" if trusted else ""

    async with answering(b"", context) as port:
        said = await said_of_broker(f"amqps://u:p@localhost:{port}/{ca}")

    assert words in said


async def test_the_certificate_of_another_kit(tmp_path: Path) -> None:
    context = certificate(tmp_path, "localhost", NOW + timedelta(days=9))

    async with answering(b"", context) as port:
        assert "its certificate is signed by itself" in await said_of_kit(f"https://localhost:{port}")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x01\x00\x02\x02\x46"])
async def test_what_does_not_speak_amqp(answer: bytes) -> None:
    """Given a web server, or TLS, on the port, the sentence says what to correct."""
    async with answering(answer) as port:
        said = await said_of_broker(f"amqp://u:p@127.0.0.1:{port}/")

    assert "does not speak AMQP: correct host and port in AMQP_URL" in said


async def test_a_proxy_with_no_broker_behind_it() -> None:
    """Given a port that takes connections and ends them, as Docker publishes it, RabbitMQ may be down."""
    async with answering(b"") as port:
        said = await said_of_broker(f"amqp://u:p@127.0.0.1:{port}/")

    assert "ends the connection without a word: RabbitMQ is not up behind it" in said


async def test_amqps_where_nobody_speaks_tls() -> None:
    async with answering(b"AMQP\x00\x00\x09\x01") as port:
        assert "TLS failed" in await said_of_broker(f"amqps://u:p@127.0.0.1:{port}/")


async def test_what_ends_the_call_without_an_answer() -> None:
    async with answering(b"") as port:
        assert "the other side ended the connection" in await said_of_kit(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            OSError("Multiple exceptions: [Errno 111] Connect call failed, [Errno 111] …"),
            "refused",
        ),
        (OSError(errno.EHOSTUNREACH, "x"), "no way leads to this host"),
        (OSError(errno.EMFILE, "x"), "no file descriptor left"),
        (TimeoutError(), "no answer"),
        (EOFError(), "the other side ended the connection"),
        (aiohttp.ClientPayloadError("about ada@example.com"), "ClientPayloadError"),
    ],
)
def test_the_rest_in_words(error: BaseException, words: str) -> None:
    assert words in why(error)


# -- listening -----------------------------------------------------------------------------------------------


async def refusal(host: str, port: int) -> str:
    with pytest.raises(OSError) as caught:  # noqa: PT011  # which one it is differs
        await asyncio.start_server(lambda *_: None, host, port)
    return not_listening(caught.value, host, port)


async def test_a_port_that_is_taken_is_named() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]

        said = await refusal("127.0.0.1", port)

    assert said == f"port {port} of 127.0.0.1 is taken: another program listens there"


async def test_an_address_that_is_not_of_this_machine_is_named() -> None:
    assert await refusal("192.0.2.1", 8080) == "192.0.2.1 is no address of this machine"
    assert await refusal("nobody.invalid", 8080) == "nobody.invalid is no name or address of this machine"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EACCES, "port 80 is not for every user to listen on; take one above 1023"),
        (errno.EMFILE, "port 80 of ::1 cannot be listened on (this process has no file descriptor left)"),
    ],
)
def test_why_else_nobody_can_listen(number: int, said: str) -> None:
    assert not_listening(OSError(number, "as the system says"), "::1", 80) == said
