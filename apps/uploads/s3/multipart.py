"""Writers that stream an upload to S3 while it arrives, as a multipart upload."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from botocore.exceptions import ClientError

from uploads.core.names import parse_name
from uploads.errors import UploadError
from uploads.s3 import objects, tails
from uploads.s3.client import bucket, client, code_of, translated
from uploads.s3.options import options
from uploads.s3.parts import PartUploads, part_size
from uploads.s3.tails import Tail
from uploads.writers.buffered import BufferedUploadWriter
from uploads.writers.resumable import ResumableUploadWriter

__all__ = ["ResumableS3Writer", "S3MultipartWriter"]

TAIL: Final = 64 * 1024  # bytes before an offset by which a resuming browser recognises the same file
TAILS: Final = 16  # ends of parts whose digests are kept, at most: any of those under way may be S3's last
BLOCK: Final = 1024 * 1024  # bytes read back at a time


class S3MultipartWriter(BufferedUploadWriter):
    """`allow_upload("asset", writer=S3MultipartWriter)`: streams to the bucket of `UPLOADS["S3"]`.

    `entry.writer_result` is `{"bucket", "key", "url", "size"}`; a private bucket's `url` has to be signed. An object
    that is never consumed is deleted.
    """

    multipart = ""  # S3's id of the upload

    def make_key(self) -> str:
        """The object's key: the id is the first segment after the prefix, for the event webhook."""
        return f"{options().prefix}{self.upload_id}/{parse_name(self.filename).safe_name}"

    def open(self) -> None:
        self.bucket, self.key = bucket(), self.make_key()
        self.buffer_threshold = part_size(self.expected_size or 0)
        self.parts = PartUploads(options().parallel_parts)
        with translated():
            made = client().create_multipart_upload(Bucket=self.bucket, Key=self.key, ContentType=self.content_type)
        self.multipart = made["UploadId"]

    def on_part(self, part: bytes, part_num: int) -> None:
        self.parts.send(part_num, partial(self._upload, part, part_num))

    def on_complete(self) -> dict[str, Any]:
        self.parts.drain()
        if self.multipart and not self.parts.etags:  # S3 needs at least one part, which may be empty
            self.parts.etags[1] = self._upload(b"", 1)
        self._complete()
        return {"bucket": self.bucket, "key": self.key, "url": self._url(), "size": self.expected_size}

    def abort(self, error: BaseException) -> None:
        if not self.multipart:
            return
        self.parts.stop()  # a part that arrives after the abort would stay
        with translated():
            try:
                client().abort_multipart_upload(Bucket=self.bucket, Key=self.key, UploadId=self.multipart)
            except ClientError as failure:
                if code_of(failure) != "NoSuchUpload":
                    raise

    @classmethod
    def discard(cls, result: Any) -> None:
        if result["bucket"] == bucket():
            objects.delete(result["key"])

    def _upload(self, part: bytes, number: int) -> str:
        with translated():
            answer = client().upload_part(
                Bucket=self.bucket, Key=self.key, UploadId=self.multipart, PartNumber=number, Body=part
            )
        etag: str = answer["ETag"]
        return etag

    def _complete(self) -> None:
        etags = sorted(self.parts.etags.items())
        if [number for number, _etag in etags] != list(range(1, len(etags) + 1)):
            raise UploadError("storage_unavailable")
        named = [{"PartNumber": number, "ETag": etag} for number, etag in etags]
        with translated():
            try:
                client().complete_multipart_upload(
                    Bucket=self.bucket, Key=self.key, UploadId=self.multipart, MultipartUpload={"Parts": named}
                )
            except ClientError as failure:
                # The response to an earlier attempt may have been lost.
                if code_of(failure) != "NoSuchUpload" or not objects.is_whole(self.key, self.expected_size, len(named)):
                    raise

    def _url(self) -> str:
        endpoint = options().endpoint_url
        host = f"{endpoint.rstrip('/')}/{self.bucket}" if endpoint else f"https://{self.bucket}.s3.amazonaws.com"
        return f"{host}/{quote(self.key)}"


class ResumableS3Writer(ResumableUploadWriter, S3MultipartWriter):
    """The same for a slot with `resumable=True`: another process, or another host, can resume it.

    What has arrived is measured by S3's list of parts, up to the first gap, and a tail right after them: with
    `keeps_tails`, bytes that are short of a part when the upload is interrupted become an object of their own, until
    their part is there. A killed process leaves no tail, and those bytes are sent again. A resume continues the same
    multipart upload. With `reads_back`, an upload that was interrupted is read once from S3 when it is complete, for
    its SHA-256; otherwise that is empty.
    """

    reads_back = True
    keeps_tails = True

    _start = 0  # bytes that had arrived when it was opened
    _tail: Tail | None = None  # the last of these, as far as they are not in a part yet
    _digest = ("", 0)  # SHA-256 and length of what is before the end of that
    _whole = 0  # bytes before the buffered ones
    _before = b""  # the last of these, where they are known
    _is_resumed = False

    def open(self) -> None:
        if self.resume_state:
            self._find()
            return
        super().open()
        state = {"bucket": self.bucket, "key": self.key, "multipart": self.multipart}
        self.resume_state = {**state, "part_size": self.buffer_threshold, "tails": {}}
        self.save_state()  # before the first byte

    def measure(self) -> int:
        return self._start

    def durable(self, written: int) -> int:
        return min(max(self._start, self.parts.prefix() * self.buffer_threshold), written)

    def tail(self, offset: int) -> tuple[str, int]:
        if self._tail is not None and offset == self._tail.end:
            return self._digest
        digest, length = self.resume_state.get("tails", {}).get(str(offset), ("", 0))
        return str(digest), int(length)

    def on_part(self, part: bytes, part_num: int) -> None:
        last, end = part[-TAIL:], (part_num - 1) * self.buffer_threshold + len(part)
        self._whole, self._before = end, last
        ends = {**self.resume_state["tails"], str(end): (hashlib.sha256(last).hexdigest(), len(last))}
        self.resume_state["tails"] = dict(list(ends.items())[-min(TAILS, options().parallel_parts + 2) :])
        self.save_state()  # first, so that S3 never has more than the record knows
        super().on_part(part, part_num)

    def on_complete(self) -> dict[str, Any]:
        result = super().on_complete()
        if self._is_resumed:
            tails.delete_all(self.upload_id)
        if self._start and self.reads_back:
            self.sha256 = self._read_back()
        return result

    def suspend(self) -> None:
        self.parts.wind_down()
        if self.keeps_tails and self.buffered:
            self._leave(self.take_rest())

    def abort(self, error: BaseException) -> None:
        try:
            super().abort(error)
        finally:
            if self._is_resumed:
                tails.delete_all(self.upload_id)

    def _leave(self, rest: bytes) -> None:
        """Stores what was buffered as a tail, unless nobody could resume from there.

        That is so after a part that has failed, and if fewer bytes are known than the browser has to be asked for:
        after a crash, or a short tail, until it has sent `TAIL` more.
        """
        tail = Tail(self.upload_id, self._whole, self._whole + len(rest))
        last = (self._before + rest[-TAIL:])[-TAIL:]
        is_behind_parts = tail.start == self.parts.prefix() * self.buffer_threshold
        if tail == self._tail or not is_behind_parts or len(last) < min(TAIL, tail.end):
            return
        try:
            tails.put(tail, rest, hashlib.sha256(last).hexdigest(), len(last))
        except UploadError:
            return  # logged where it happened; the browser sends it again
        if self._tail is not None and self._tail.start == tail.start:  # the new one contains it
            tails.delete(self._tail)

    def _upload(self, part: bytes, number: int) -> str:
        etag = super()._upload(part, number)
        if self._tail is not None and self._tail.start == (number - 1) * self.buffer_threshold:
            tails.delete(self._tail)  # not before its part is there
        return etag

    def _load_tail(self) -> None:
        self._whole, left = self._start, (self.expected_size or 0) - self._start
        loaded = tails.load(self.upload_id, self._start, min(left, self.buffer_threshold - 1))
        if loaded is not None:
            BufferedUploadWriter.write_chunk(self, loaded.body)
            self._tail, self._digest = loaded.tail, (loaded.digest, loaded.length)
            self._start = loaded.tail.end

    def _find(self) -> None:
        """What an earlier writer left: its parts and its tail, or the finished object."""
        state, self._is_resumed = self.resume_state, True
        self.bucket, self.key, self.multipart = state["bucket"], state["key"], state["multipart"]
        self.buffer_threshold = state["part_size"]
        self.parts = PartUploads(options().parallel_parts)
        with translated():
            try:
                self._measure_parts()
            except ClientError as failure:
                if code_of(failure) != "NoSuchUpload":
                    raise
                count = max(1, -(-(self.expected_size or 0) // self.buffer_threshold))
                if not objects.is_whole(self.key, self.expected_size, count):
                    raise UploadError("unknown_ref") from None
                self._start, self.multipart = self.expected_size or 0, ""
                return
        self._load_tail()

    def _measure_parts(self) -> None:
        """Up to the first gap. A part of the wrong size counts as missing: it will be replaced."""
        pages = client().get_paginator("list_parts").paginate(Bucket=self.bucket, Key=self.key, UploadId=self.multipart)
        for part in (part for page in pages for part in page.get("Parts", ())):
            number, left = part["PartNumber"], (self.expected_size or 0) - self._start
            if number != len(self.parts.etags) + 1 or part["Size"] != min(self.buffer_threshold, left):
                break
            self.parts.etags[number] = part["ETag"]
            self._start += part["Size"]
        self.skip_parts(len(self.parts.etags))

    def _complete(self) -> None:
        if self.multipart:
            super()._complete()

    def _read_back(self) -> str:
        """Empty if that fails: the upload is complete all the same."""
        digest = hashlib.sha256()
        try:
            with translated():
                body = client().get_object(Bucket=self.bucket, Key=self.key)["Body"]
                for block in body.iter_chunks(BLOCK):
                    digest.update(block)
        except UploadError:
            return ""
        return digest.hexdigest()
