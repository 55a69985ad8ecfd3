"""As much of S3 as an upload needs, in a process of its own: `python -m bench.support.bucket PORT [PEM]`.

It counts bytes and drops them, as fast as they come. Moto hashes and keeps each part and takes longer for it than
whoever sends it, so that beside it everybody is equally fast.
"""

from __future__ import annotations

import datetime
import ipaddress
import itertools
import re
import ssl
import sys
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench import ROOT
from liveview.tests.ports import HOST
from liveview.tests.processes import Program

BUCKET: Final = "bench"
BLOCK: Final = 2**20
KEPT: Final = 65_536  # bytes of a first part, which are asked for to be looked at


class Bucket(Program):
    """Asked to end, it forgets all. `secure` is over HTTPS, as Amazon's is."""

    probe = "/"

    def __init__(self, folder: Path, *, secure: bool = False) -> None:
        self.certificate = _certificate(folder) if secure else None  # and its key
        command = [
            sys.executable,
            "-m",
            "bench.support.bucket",
            "{port}",
            *([self.certificate] if self.certificate else ()),
        ]
        super().__init__(folder, command, cwd=ROOT)

    @property
    def url(self) -> str:
        return super().url.replace("http:", "https:") if self.certificate else super().url

    @property
    def context(self) -> ssl.SSLContext | None:
        """With which a client trusts it."""
        return ssl.create_default_context(cafile=self.certificate) if self.certificate else None

    @property
    def options(self) -> dict[str, Any]:
        """Of a boto3 client."""
        keys = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench"}
        trusted = {"verify": str(self.certificate)} if self.certificate else {}
        return {"endpoint_url": self.url, "region_name": "us-east-1", **keys, **trusted}

    @property
    def environment(self) -> dict[str, str]:
        """Of a site that uses it."""
        keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_DEFAULT_REGION": "us-east-1"}
        trusted = {"AWS_CA_BUNDLE": str(self.certificate)} if self.certificate else {}
        return {**keys, "AWS_ENDPOINT_URL": self.url, "AWS_STORAGE_BUCKET_NAME": BUCKET, **trusted}

    def is_ready(self) -> bool:
        with urlopen(self.url, timeout=5, context=self.context):
            return True


def _certificate(folder: Path) -> Path:
    """A certificate for this machine that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)]), datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (path := folder / "bucket.pem").write_bytes(made.public_bytes(Encoding.PEM) + private)
    return path


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    numbers = itertools.count(1)
    parts: defaultdict[str, dict[int, int]] = defaultdict(dict)  # sizes, by multipart upload and number
    sizes: dict[str, int] = {}  # of objects, by path
    first: dict[str, bytes] = {}  # bytes of each, by path

    def do_POST(self) -> None:  # noqa: N802  (named by http.server)
        path, query = self._asked()
        self._take(path)
        if "uploads" in query:
            named = f"<UploadId>upload-{next(self.numbers)}</UploadId>"
            return self._say(f"<InitiateMultipartUploadResult>{named}</InitiateMultipartUploadResult>")
        self.sizes[path] = sum(self.parts.pop(query["uploadId"][0]).values())
        return self._say('<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>')

    def do_PUT(self) -> None:  # noqa: N802
        path, query = self._asked()
        size = self._take(path, keep=query.get("partNumber", ["1"]) == ["1"])
        if "uploadId" in query:
            self.parts[query["uploadId"][0]][int(query["partNumber"][0])] = size
        else:
            self.sizes[path] = size
        self._say("", ETag='"part"')

    def do_GET(self) -> None:  # noqa: N802
        path, query = self._asked()
        if "uploadId" in query:
            listed = [
                f'<Part><PartNumber>{number}</PartNumber><ETag>"part"</ETag><Size>{size}</Size></Part>'
                for number, size in sorted(self.parts[query["uploadId"][0]].items())
            ]
            return self._say(f"<ListPartsResult><IsTruncated>false</IsTruncated>{''.join(listed)}</ListPartsResult>")
        if path not in self.sizes:
            return self._say("", status=200 if path == "/" else 404)
        found = re.fullmatch(r"bytes=0-(\d+)", self.headers.get("Range", ""))
        data = self.first[path][: int(found[1]) + 1 if found else None]
        span = f"bytes 0-{len(data) - 1}/{self.sizes[path]}"
        return self._say(data, status=206, **{"Content-Range": span}, ETag='"whole"')

    def do_HEAD(self) -> None:  # noqa: N802
        path, _ = self._asked()
        size = self.sizes.get(path)
        self.send_response(404 if size is None else 200)
        self.send_header("Content-Length", str(size or 0))
        self.send_header("ETag", '"whole"')
        self.end_headers()

    def do_DELETE(self) -> None:  # noqa: N802
        self.sizes.pop(self._asked()[0], None)
        self._say("", status=204)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""

    def _asked(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        return parts.path, parse_qs(parts.query, keep_blank_values=True)

    def _take(self, path: str, *, keep: bool = False) -> int:
        size = left = int(self.headers.get("Content-Length", 0))
        while left:
            data = self.rfile.read(min(BLOCK, left))
            if not data:
                raise ConnectionError
            if keep and left == size:
                self.first[path] = data[:KEPT]
            left -= len(data)
        return size

    def _say(self, body: str | bytes, *, status: int = 200, **headers: str) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def serve(port: int, certificate: str = "") -> None:
    server = ThreadingHTTPServer((HOST, port), _Answers)
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), *sys.argv[2:])
