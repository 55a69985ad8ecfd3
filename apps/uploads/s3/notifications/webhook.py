"""Where Amazon SNS delivers the events of the bucket: `path("webhooks/s3/", s3_event_webhook)`.

Nothing in a request is trusted unless SNS has signed it, and even then it is only a hint; see
`uploads.s3.notifications.completion`.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import Final

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt

from liveview import shared_cache
from liveview.process import here
from uploads import threads
from uploads.errors import UploadError
from uploads.s3.notifications import sns
from uploads.s3.notifications.certificates import Certificates, Unavailable
from uploads.s3.notifications.event_options import EventOptions, event_options
from uploads.s3.notifications.parsing import S3Event, parse_s3_event
from uploads.s3.notifications.sns import Forged, Malformed, SnsMessage

logger = logging.getLogger("uploads.s3_events")

_SEEN: Final = "uploads.sns.{}"  # the cache's key for a message that was processed


@csrf_exempt
async def s3_event_webhook(request: HttpRequest) -> HttpResponse:
    """200 for a message that was processed or needs nothing, 400 for a malformed one, 403 for a rejected one.

    503 asks SNS to deliver the message again.
    """
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    try:
        body = request.body
    except RequestDataTooBig:
        return _refusal("malformed", 400)
    return await threads.remote(partial(_answer, body))


def _answer(body: bytes) -> HttpResponse:
    wanted = event_options()
    try:
        message = sns.read(body)
        certificates = here(CertificateCaches).by(wanted.certificates)
        sns.verify(message, wanted.topics, timedelta(seconds=wanted.window), certificates, timezone.now())
        done = _process(message, wanted)
    except Malformed as why:
        logger.warning("malformed SNS message (%s)", why)
        return _refusal("malformed", 400)
    except Forged as why:
        logger.warning("rejected SNS message (%s)", why)
        return _refusal("forbidden", 403)
    except (Unavailable, UploadError) as why:
        logger.warning("deferred SNS message (%s): SNS will deliver it again", why)
        return _refusal("unavailable", 503)
    return JsonResponse({"ok": True, "completed": done})


def _process(message: SnsMessage, wanted: EventOptions) -> int:
    """How many uploads the message has completed. Each message is processed once."""
    seen = _SEEN.format(message.id)
    if not shared_cache.add(seen, True, 2 * wanted.window):
        return 0
    try:
        match message.kind:
            case sns.NOTIFICATION:
                return _complete(parse_s3_event({"Message": message.text}))
            case sns.SUBSCRIPTION:
                _subscription(message, wanted)
    except Exception:
        shared_cache.forget(seen)  # so that SNS may deliver it again
        raise
    return 0


def _complete(events: list[S3Event]) -> int:
    """Each of them, whatever becomes of the others; raises what the first to fail has raised."""
    from uploads.s3.notifications import completion  # with boto3: a site without a bucket needn't load it

    done, failures = 0, []
    for event in events:
        try:
            done += completion.complete(event)
        except Exception as failure:  # noqa: BLE001
            failures.append(failure)
    if failures:
        raise failures[0]
    return done


def _subscription(message: SnsMessage, wanted: EventOptions) -> None:
    """The URL in the message is never opened: an operator confirms, or the site does by the API of SNS."""
    if not wanted.confirm:
        logger.warning(
            "SNS topic requests a subscription; to confirm it: aws sns confirm-subscription --topic-arn %s --token %s",
            message.topic,
            message.token[:500],
        )
        return
    from uploads.s3.notifications import subscriptions

    subscriptions.confirm(message.topic, message.token)
    logger.warning("confirmed SNS subscription of %s", message.topic)


class CertificateCaches:
    """One for each function that fetches certificates, by its dotted path."""

    def __init__(self) -> None:
        self._made: dict[str, Certificates] = {}

    def by(self, fetch: str) -> Certificates:
        if fetch not in self._made:
            self._made.setdefault(fetch, Certificates(import_string(fetch)))
        return self._made[fetch]


def _refusal(code: str, status: int) -> HttpResponse:
    return JsonResponse({"error": code}, status=status)
