"""The certificates that Amazon SNS signs its messages with.

A message names the certificate to verify it with, so the URL comes from whoever sent the message. Only one form of URL
is ever fetched: the file name that SNS uses, on SNS's host in the region of the site's own topic.
"""

from __future__ import annotations

import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import Certificate, load_pem_x509_certificate
from django.utils import timezone

from liveview.core.limits import Bucket

PATIENCE: Final = 5.0  # seconds
LARGEST: Final = 64 * 1024  # bytes of a certificate
KEEP: Final = 24 * 3600  # seconds for which a certificate is used before it is fetched again
MOST: Final = 16  # certificates cached; SNS has one for each region

Fetch = Callable[[str], bytes]

_PATH: Final = r"/SimpleNotificationService-[0-9a-f]{8,64}\.pem"


class Unavailable(Exception):
    """The certificate can't be had now, so the sender may try again. The text says why, for the log."""


def is_trusted(url: str, region: str) -> bool:
    """Whether SNS in `region` would send exactly this URL: no port, no user, no query, no other host."""
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return re.fullmatch(rf"https://sns\.{re.escape(region)}\.{re.escape(domain)}{_PATH}", url) is not None


class Certificates:
    """Public keys by URL, cached for a day. `fetch` gets the PEM text; threads may share one of these."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._kept: dict[str, tuple[float, Certificate]] = {}
        self._fetches = Bucket(rate=1 / 10, burst=10)  # made-up names must not make us fetch each of them
        self._lock = threading.Lock()

    def key(self, url: str) -> RSAPublicKey:
        """The public key of the certificate at a URL that `is_trusted`. Raises `Unavailable`."""
        with self._lock:
            until, certificate = self._kept.get(url, (0.0, None))
            if certificate is None or until < time.monotonic():
                certificate = self._load(url)
                while len(self._kept) >= MOST:
                    del self._kept[next(iter(self._kept))]
                self._kept[url] = time.monotonic() + KEEP, certificate
        if not certificate.not_valid_before_utc <= timezone.now() <= certificate.not_valid_after_utc:
            raise Unavailable("certificate expired, or not valid yet")
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise Unavailable("certificate without an RSA key")
        return key

    def _load(self, url: str) -> Certificate:
        if not self._fetches.take():
            raise Unavailable("too many certificate downloads")
        try:
            return load_pem_x509_certificate(self._fetch(url))
        except ValueError:
            raise Unavailable("not a PEM certificate") from None


def fetch(url: str) -> bytes:
    """What is at `url`, without following redirects. Raises `Unavailable`."""
    try:
        with _opener.open(url, timeout=PATIENCE) as response:
            text: bytes = response.read(LARGEST + 1)
    except (urllib.error.URLError, OSError) as failure:
        raise Unavailable(f"certificate download failed: {type(failure).__name__}") from None
    if len(text) > LARGEST:
        raise Unavailable("certificate too large")
    return text


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_request: Any) -> None:
        """Returning None makes a redirect an error."""


_opener: Final = urllib.request.build_opener(_NoRedirects)
