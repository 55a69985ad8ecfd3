"""A file of three parts, where it is stored, and a writer of it."""

from __future__ import annotations

import random

from uploads.s3.multipart import S3MultipartWriter
from uploads.s3.options import SMALLEST_PART

PART = SMALLEST_PART
DATA = random.Random(3).randbytes(2 * PART + 700_000)  # three parts
ID = "0123456789abcdef0123456789abcdef"
KEY = f"uploads/{ID}/film.txt"
STEP = 1_000_000


def writer(kind: type[S3MultipartWriter] = S3MultipartWriter, size: int = len(DATA)) -> S3MultipartWriter:
    return kind(upload_id=ID, filename="film.txt", content_type="text/plain", expected_size=size)


def send(to: S3MultipartWriter, data: bytes = DATA, start: int = 0, end: int | None = None) -> None:
    stop = len(data) if end is None else end
    for at in range(start, stop, STEP):
        to.write_chunk(data[at : min(at + STEP, stop)])
