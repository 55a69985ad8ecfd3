"""What the webhook listens to: `UPLOADS["S3_EVENTS"]`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from uploads.conf import conf
from uploads.s3.notifications.sns import region_of


@dataclass(frozen=True, slots=True)
class EventOptions:
    """Without a topic every message is rejected."""

    topics: Sequence[str] = ()  # ARNs
    window: int = 3600  # seconds within which a message must arrive, SNS's own retries included
    confirm: bool = False  # confirm subscriptions to `topics` through the API of SNS; otherwise an operator does
    # Dotted path of a function from a certificate's URL to its PEM text, for tests.
    certificates: str = "uploads.s3.notifications.certificates.fetch"


def event_options() -> EventOptions:
    """Raises `ImproperlyConfigured` for an unknown key, or a topic that is not an ARN."""
    given: dict[str, Any] = {key.lower(): value for key, value in conf().s3_events.items()}
    unknown = given.keys() - {field.name for field in fields(EventOptions)}
    if unknown:
        raise ImproperlyConfigured(f"UPLOADS['S3_EVENTS'] has no {', '.join(sorted(map(str.upper, unknown)))}")
    made = EventOptions(**given)
    try:
        for topic in made.topics:
            region_of(topic)
    except (TypeError, ValueError) as wrong:
        raise ImproperlyConfigured(f"UPLOADS['S3_EVENTS']['TOPICS']: {wrong}") from None
    return made
