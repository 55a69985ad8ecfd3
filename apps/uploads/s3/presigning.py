"""Presigned requests for browsers to send a file straight to S3: in one piece, or in the parts of a multipart upload.

Each allows one object to be stored within a few minutes, with a key, a type and a length that are all chosen here. All
that comes from the browser is the file's name, made safe, and the size that it declared.
"""

from __future__ import annotations

import math
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from botocore.exceptions import ClientError

from uploads.core.contracts import Grant, Stored
from uploads.core.sniffing import ACTIVE_EXTENSIONS, FILE_TYPES, SNIFF_BYTES
from uploads.entries.entry import UploadEntry
from uploads.errors import UploadError
from uploads.s3 import objects, staged
from uploads.s3.client import bucket, client, code_of, translated
from uploads.s3.handles import Handle
from uploads.s3.objects import Found
from uploads.s3.options import options
from uploads.s3.parts import part_size
from uploads.s3.staging import BucketFile

__all__ = ["S3Presigner"]

LONGEST: Final = 600  # seconds that a presigned request may be valid
MOST_PARTS: Final = 100  # presigned at a time
PLAIN: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Presigner:
    """For `allow_upload(external=S3Presigner())`.

    expires: seconds that a presigned request is valid, at most 600. It has to begin by then, not to end.
    small: how a file no longer than a part is sent. "put" signs its exact length, and that no object exists yet, so
        that it can be used once. "post" is for storages that ignore those: a POST policy with the exact length. That
        could be used again to replace the object, so the browser writes below `incoming`, and a checked object is
        copied from there. A lifecycle rule should empty that prefix.
    fetches: a file that has arrived is fetched once, for validators and handlers: they have `path`, `file`, `data` and
        `sha256` as if it had come here, and what is in the bucket goes when the upload has been consumed. Otherwise
        nothing of it ever comes here.
    """

    expires: int = LONGEST
    small: Literal["put", "post"] = "put"
    incoming: str = "incoming/"
    fetches: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.expires <= LONGEST:
            raise ValueError(f"expires must be 1 to {LONGEST} seconds, not {self.expires}")
        if self.small not in ("put", "post"):
            raise ValueError(f'small must be "put" or "post", not {self.small!r}')

    @property
    def needs_view(self) -> bool:
        return False

    def begin(self, entry: UploadEntry, view: Any = None) -> S3Upload:
        size, final = part_size(entry.size), staged.key_of(entry.upload.id) if self.fetches else key_of(entry)
        if entry.size > size:
            handle = Handle(bucket(), final, final, _create(final, entry), size)
            return S3Upload(self, entry, handle, is_new=True)
        key = f"{self.incoming}{final}" if self.small == "post" else final
        return S3Upload(self, entry, Handle(bucket(), key, final))

    def resume(self, entry: UploadEntry, state: Mapping[str, Any]) -> S3Upload:
        handle = Handle.from_state(state)
        if handle is None or handle.bucket != bucket():
            raise UploadError("unknown_ref")
        return S3Upload(self, entry, handle)


def key_of(entry: UploadEntry) -> str:
    """The key of an upload: right after the prefix comes its id, as `notifications.parsing.upload_id_of` expects."""
    return f"{options().prefix}{entry.upload.id}/{entry.safe_name}"


class S3Upload:
    """One upload on its way from a browser to S3. See `uploads.core.contracts.Remote`."""

    def __init__(self, presigner: S3Presigner, entry: UploadEntry, handle: Handle, *, is_new: bool = False) -> None:
        self._presigner, self._entry, self._handle = presigner, entry, handle
        self._have: list[int] | None = [] if is_new else None  # known parts, for the next grant

    @property
    def state(self) -> Mapping[str, Any]:
        return self._handle.to_state()

    @cached_property
    def count(self) -> int:
        """Of parts."""
        return math.ceil(self._entry.size / self._handle.part_size)

    # What the browser gets
    def grant(self) -> Grant:
        """`{"uploader": "put", "url", "headers"}`, `{"uploader": "post", "url", "fields"}` or, in parts,
        `{"uploader": "parts", "part_size", "parallel", "have": [number, …], "urls": {number: url}}`."""
        if self._handle.multipart:
            return self._parts_grant()
        return self._post() if self._handle.is_moved else self._put()

    def sign(self, parts: Sequence[int]) -> Grant:
        if not self._handle.multipart or not parts:
            return self.grant()
        if len(parts) > MOST_PARTS or any(not 1 <= number <= self.count for number in parts):
            raise UploadError("bad_offset")
        return {"uploader": "parts", "urls": self._urls(parts)}

    def _parts_grant(self) -> Grant:
        if self._have is None:
            self.measure()
        have, self._have = self._have or [], None
        parallel = options().parallel_parts
        first = [number for number in self._every if number not in set(have)][:parallel]
        known = {"part_size": self._handle.part_size, "parallel": parallel, "have": have}
        return {"uploader": "parts", **known, "urls": self._urls(first)}

    def _urls(self, numbers: Sequence[int]) -> dict[str, str]:
        return {str(number): self._part(number) for number in numbers}

    def _put(self) -> Grant:
        headers = {"Content-Type": type_of(self._entry), "If-None-Match": "*"}
        signed = {"ContentType": headers["Content-Type"], "IfNoneMatch": "*", "ContentLength": self._entry.size}
        return {"uploader": "put", "url": self._sign("put_object", signed), "headers": headers}

    def _post(self) -> Grant:
        kind, size = type_of(self._entry), self._entry.size
        with translated():
            made = client().generate_presigned_post(
                Bucket=self._handle.bucket,
                Key=self._handle.key,
                Fields={"Content-Type": kind},
                Conditions=[{"Content-Type": kind}, ["content-length-range", size, size]],
                ExpiresIn=self._presigner.expires,
            )
        return {"uploader": "post", "url": made["url"], "fields": made["fields"]}

    def _part(self, number: int) -> str:
        signed = {"UploadId": self._handle.multipart, "PartNumber": number, "ContentLength": self._length(number)}
        return self._sign("upload_part", signed)

    def _sign(self, operation: str, signed: dict[str, Any]) -> str:
        named = {"Bucket": self._handle.bucket, "Key": self._handle.key, **signed}
        with translated():
            url: str = client().generate_presigned_url(operation, Params=named, ExpiresIn=self._presigner.expires)
            return url

    # What has arrived
    def measure(self) -> int:
        """The sum of the parts that are there. The browser fills any gaps."""
        if self._handle.multipart and (parts := self._parts()) is not None:
            self._have = sorted(self._good(parts))
            return sum(map(self._length, self._have))
        found = self._find()
        is_whole = found is not None and found[1].size == self._entry.size
        if not self._handle.multipart:
            return self._entry.size if is_whole else 0
        if not is_whole:
            raise UploadError("unknown_ref")
        self._have = list(self._every)  # completed already
        return self._entry.size

    def finish(self) -> Stored:
        if self._handle.multipart:
            self._complete()
        place = self._find()
        if place is None:
            raise UploadError("incomplete")
        key, found = place
        if found.size != self._entry.size:
            raise UploadError("size_mismatch")
        first = objects.first_bytes(key, found, SNIFF_BYTES)
        if key != self._handle.final:
            objects.move(key, found, self._handle.final)
        return Stored(found.size, first, self._result(found))

    def accept(self, entry: UploadEntry) -> dict[str, Any]:
        self._abort()
        kind = {"ContentType": entry.content_type or type_of(entry)}
        with translated():
            client().upload_file(str(entry.path), self._handle.bucket, self._handle.final, ExtraArgs=kind)
        found = objects.head(self._handle.final)
        if found is None or found.size != entry.size:
            raise UploadError("storage_unavailable")
        return self._result(found)

    def blocks(self) -> Iterator[bytes]:
        with translated():
            body = client().get_object(Bucket=self._handle.bucket, Key=self._handle.final)["Body"]
            yield from body.iter_chunks(staged.BLOCK)

    def file(self, path: Path, name: str, content_type: str) -> BucketFile:
        made = BucketFile(path, name, content_type)
        made.key = self._handle.final
        return made

    def discard(self) -> None:
        self._abort()
        for key in {self._handle.key, self._handle.final}:
            objects.delete(key)

    def _find(self) -> tuple[str, Found] | None:
        """The object and its key: where the browser put it, or an earlier call moved it."""
        for key in dict.fromkeys((self._handle.key, self._handle.final)):
            if (found := objects.head(key)) is not None:
                return key, found
        return None

    def _result(self, found: Found) -> dict[str, Any]:
        return {"bucket": self._handle.bucket, "key": self._handle.final, "size": found.size, "etag": found.etag}

    # Parts
    @property
    def _every(self) -> range:
        return range(1, self.count + 1)

    def _length(self, number: int) -> int:
        return min(self._handle.part_size, self._entry.size - (number - 1) * self._handle.part_size)

    def _parts(self) -> list[dict[str, Any]] | None:
        """S3's list of parts; None if the multipart upload is over."""
        with translated():
            try:
                pages = client().get_paginator("list_parts").paginate(**self._named)
                return [part for page in pages for part in page.get("Parts", ())]
            except ClientError as failure:
                if code_of(failure) == "NoSuchUpload":
                    return None
                raise

    def _good(self, parts: list[dict[str, Any]]) -> dict[int, str]:
        """ETags by number, of parts of the right size: any others have to be sent again."""
        return {
            part["PartNumber"]: part["ETag"]
            for part in parts
            if 1 <= part["PartNumber"] <= self.count and part["Size"] == self._length(part["PartNumber"])
        }

    def _complete(self) -> None:
        """Completes the multipart upload if all parts are there. Does nothing if it is complete already."""
        parts = self._parts()
        if parts is None:
            return
        good = self._good(parts)
        if len(good) != self.count:
            raise UploadError("incomplete")
        put = [{"PartNumber": number, "ETag": good[number]} for number in sorted(good)]
        with translated():
            try:
                client().complete_multipart_upload(**self._named, MultipartUpload={"Parts": put})
            except ClientError as failure:
                # The response to an earlier attempt may have been lost.
                if code_of(failure) != "NoSuchUpload" or not objects.is_whole(
                    self._handle.key, self._entry.size, self.count
                ):
                    raise

    def _abort(self) -> None:
        if not self._handle.multipart:
            return
        with translated():
            try:
                client().abort_multipart_upload(**self._named)
            except ClientError as failure:
                if code_of(failure) != "NoSuchUpload":
                    raise

    @property
    def _named(self) -> dict[str, Any]:
        return {"Bucket": self._handle.bucket, "Key": self._handle.key, "UploadId": self._handle.multipart}


def type_of(entry: UploadEntry) -> str:
    """The type of the name's extension. The browser's claim doesn't count, and active content is stored as bytes."""
    if entry.extension in ACTIVE_EXTENSIONS:
        return PLAIN
    known = (kind.mime for kind in FILE_TYPES if entry.extension in kind.aliases)
    return next(known, mimetypes.types_map.get(entry.extension, PLAIN))


def _create(key: str, entry: UploadEntry) -> str:
    with translated():
        made = client().create_multipart_upload(Bucket=bucket(), Key=key, ContentType=type_of(entry))
        multipart: str = made["UploadId"]
        return multipart
