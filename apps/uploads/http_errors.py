"""What HTTP says when something is wrong: a status for each code, and the codes that only a request can cause."""

from __future__ import annotations

from typing import Any, Final

from uploads.errors import UploadError
from uploads.sentences import gettext_noop as _

# Code → status. Codes that are missing here say something about the file's content: 422.
STATUS: Final[dict[str, int]] = {
    "bad_name": 400,
    "bad_ext": 415,
    "empty": 400,
    "too_large": 413,
    "too_many_files": 400,
    "total_too_large": 413,
    "unknown_slot": 404,
    "quota": 403,
    "rate_limited": 429,
    "busy": 503,
    "unknown_ref": 404,
    "bad_offset": 409,
    "size_mismatch": 400,
    "incomplete": 400,
    "timeout": 408,
    "cancelled": 410,
    "locked": 423,
    "superseded": 409,
    "storage_full": 507,
    "storage_unavailable": 503,
    "type_mismatch": 415,
    "server_error": 500,
    # those of requests
    "bad_header": 400,
    "missing_header": 400,
    "bad_body": 400,
    "bad_origin": 403,
    "no_token": 403,
    "session_ended": 401,
    "length_required": 411,
    "no_file": 400,
    "unsupported": 415,
    "unknown_algorithm": 400,
    "checksum_mismatch": 460,
    "changed": 409,
    "header_too_long": 431,
    "no_concatenation": 501,
}

SENTENCES: Final[dict[str, str]] = {
    "bad_header": _("A header of this request is missing or invalid."),
    "missing_header": _("A header of this request is missing."),
    "bad_body": _("The body of this request can't be read."),
    "bad_origin": _("This page isn't allowed to send files here."),
    "no_token": _("This page has expired. Reload it, then send the form again."),
    "length_required": _("The request doesn't say how long it is."),
    "no_file": _("There is no file in this request."),
    "unsupported": _("This content type isn't supported."),
    "unknown_algorithm": _("This checksum algorithm isn't supported."),
    "checksum_mismatch": _("Part of the file was damaged in transit. Try again."),
    "header_too_long": _("A header of this request is too long."),
    "no_concatenation": _("Parallel uploads aren't supported. Send the file as one upload."),
    "changed": _("This upload was started with a different name, size or number of chunks."),
}


# What the seeds' clients are told as `error`, where the seeds say it. (Seed: seeds/004.)
WORDS: Final[dict[str, str]] = {"no_file": "No file uploaded", "missing_header": "Missing headers"}


def refusal(code: str) -> UploadError:
    """An error with the code's sentence, whether it is of requests or of uploads."""
    return UploadError(code, SENTENCES.get(code, ""))


def status_of(error: UploadError) -> int:
    return STATUS.get(error.code, 422)


def described(error: UploadError) -> dict[str, Any]:
    """What the client is told. Both are fixed: no path, no exception text."""
    return {"error": error.code, "message": error.message}


def failed(error: UploadError) -> dict[str, Any]:
    """The same for the seeds' clients, which expect a text for people as `error`."""
    error_text = WORDS.get(error.code, error.message)
    return {"success": False, "error": error_text, "code": error.code, "message": error.message}
