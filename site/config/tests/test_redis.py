"""Redis as hosts offer it: encrypted, and with a certificate that nobody has signed."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from channels.layers import channel_layers
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.cache import cache
from redis.exceptions import ConnectionError as RedisConnectionError

from config import databases
from liveview.tests.ports import HOST
from liveview.tests.processes import served
from liveview.tests.redis import Redis
from uploads.stores import Record
from uploads.stores.redis import RedisUploadState


class TlsRedis(Redis):
    """Listens with TLS only."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        certificate, key = self_signed(folder)
        self.command[self.command.index("--port")] = "--tls-port"
        self.command += ["--port", "0", "--tls-auth-clients", "no"]
        self.command += ["--tls-cert-file", str(certificate), "--tls-key-file", str(key)]

    @property
    def url(self) -> str:
        return f"rediss://{HOST}:{self.port}/0"

    def connected(self) -> socket.socket:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with super().connected() as plain:
            return context.wrap_socket(plain)


def self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    paths = folder / "redis.crt", folder / "redis.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


redis = served(TlsRedis)


@pytest.fixture
def url(redis: TlsRedis, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the settings make of it for a site that has opted in."""
    monkeypatch.setenv("REDIS_URL", redis.url)
    monkeypatch.setenv("REDIS_SELF_SIGNED", "1")
    return databases.redis_url()


def test_the_cache_the_channel_layer_and_the_state_of_uploads_all_get_through(url: str, settings: Any) -> None:
    settings.CACHES = databases.caches(url)
    settings.CHANNEL_LAYERS = databases.channel_layers(url)

    cache.set("a", "b", 60)
    store = RedisUploadState(url)
    store.save(Record("id", "owner", "/", "slot", "name", 1, ""), 60)

    async def there_and_back() -> dict[str, Any]:
        layer = channel_layers.make_backend("default")
        await layer.send("a-channel", {"type": "hello"})
        received: dict[str, Any] = await asyncio.wait_for(layer.receive("a-channel"), 60)
        await layer.close_pools()
        return received

    assert cache.get("a") == "b"
    assert store.load("id") is not None
    assert asyncio.run(there_and_back()) == {"type": "hello"}


def test_without_opting_in_such_a_certificate_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.delenv("REDIS_SELF_SIGNED")
    settings.CACHES = databases.caches(databases.redis_url())

    with pytest.raises(RedisConnectionError, match="(?i)certificate verify failed"):
        cache.set("a", "b", 60)


def test_an_unencrypted_address_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://h:1/0")
    monkeypatch.setenv("REDIS_SELF_SIGNED", "1")

    assert databases.redis_url() == "redis://h:1/0"
