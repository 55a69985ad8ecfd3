"""`moto_server`, put right where it differs from S3 in what matters here. Run by `.moto`, in a process of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.s3.exceptions import NoSuchUpload
from moto.s3.models import FakeMultipart, S3Backend
from moto.s3.responses import S3Response
from moto.server import main

_begun: dict[str, str] = {}  # multipart upload → when; moto says 2010 of all of them


def _remember(original: Any) -> Any:
    def __init__(self: FakeMultipart, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        original(self, *args, **kwargs)
        _begun[self.id] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    return __init__


def _tell(original: Any) -> Any:
    def serialized(self: S3Response, answer: ActionResult, *args: Any) -> Any:
        result: Any = answer.result
        for upload in result.get("Uploads", ()) if isinstance(result, dict) else ():
            upload["Initiated"] = _begun[upload["UploadId"]]
        return original(self, answer, *args)

    return serialized


def _refuse(original: Any) -> Any:
    """A part of an upload that is gone is a `KeyError` there."""

    def upload_part(self: S3Backend, bucket_name: str, multipart_id: str, *args: Any, **kwargs: Any) -> Any:
        if multipart_id not in self.get_bucket(bucket_name).multiparts:
            raise NoSuchUpload(upload_id=multipart_id)
        return original(self, bucket_name, multipart_id, *args, **kwargs)

    return upload_part


if __name__ == "__main__":
    FakeMultipart.__init__ = _remember(FakeMultipart.__init__)  # type: ignore[method-assign]
    S3Response.serialized = _tell(S3Response.serialized)
    S3Backend.upload_part = _refuse(S3Backend.upload_part)  # type: ignore[method-assign]
    main()
