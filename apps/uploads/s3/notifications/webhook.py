"""Where Amazon SNS delivers the events of the bucket: `path("webhooks/s3/", s3_event_webhook)`.

Whoever calls it is believed nothing but what SNS has signed, and that is only a hint; see
`uploads.s3.notifications.completion`.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import cache, partial
from typing import Final

from django.core.cache import cache as django_cache
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt

from uploads import threads
from uploads.errors import UploadError
from uploads.s3.notifications import sns
from uploads.s3.notifications.certificates import Certificates, Unavailable
from uploads.s3.notifications.event_options import EventOptions, event_options
from uploads.s3.notifications.parsing import parse_s3_event
from uploads.s3.notifications.sns import Forged, Malformed, SnsMessage

logger = logging.getLogger("uploads.s3_events")

_SEEN: Final = "uploads.sns.{}"  # the cache's key for a message that was dealt with


@csrf_exempt
async def s3_event_webhook(request: HttpRequest) -> HttpResponse:
    """200 for what was dealt with or needs nothing, 400 for what is no message, 403 for what isn't from our topics.

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
        window = timedelta(seconds=wanted.window)
        sns.verify(message, wanted.topics, window, _certificates(wanted.certificates), timezone.now())
        done = _deal_with(message, wanted)
    except Malformed as why:
        logger.warning("a message that is none: %s", why)
        return _refusal("malformed", 400)
    except Forged as why:
        logger.warning("a message that isn't for us: %s", why)
        return _refusal("forbidden", 403)
    except (Unavailable, UploadError) as why:
        logger.warning("a message that has to wait: %s", why)
        return _refusal("unavailable", 503)
    return JsonResponse({"ok": True, "completed": done})


def _deal_with(message: SnsMessage, wanted: EventOptions) -> int:
    """How many uploads the message has completed. A message is dealt with once."""
    seen = _SEEN.format(message.id)
    if not django_cache.add(seen, True, 2 * wanted.window):
        return 0
    try:
        match message.kind:
            case sns.NOTIFICATION:
                from uploads.s3.notifications import (
                    completion,  # with boto3, which a site without a bucket needn't load
                )

                return sum(completion.complete(event) for event in parse_s3_event({"Message": message.text}))
            case sns.SUBSCRIPTION:
                _subscription(message, wanted)
    except Exception:
        django_cache.delete(seen)  # so that it may come again
        raise
    return 0


def _subscription(message: SnsMessage, wanted: EventOptions) -> None:
    """The URL that comes with it is never opened: an operator confirms, or SNS is asked by its own API."""
    if not wanted.confirm:
        logger.warning(
            "A topic asks whether to deliver here. If it may: aws sns confirm-subscription --topic-arn %s --token %s",
            message.topic,
            message.token[:500],
        )
        return
    from uploads.s3.notifications import subscriptions

    subscriptions.confirm(message.topic, message.token)
    logger.warning("%s delivers to this site now", message.topic)


@cache
def _certificates(fetch: str) -> Certificates:
    return Certificates(import_string(fetch))


def _refusal(code: str, status: int) -> HttpResponse:
    return JsonResponse({"error": code}, status=status)
