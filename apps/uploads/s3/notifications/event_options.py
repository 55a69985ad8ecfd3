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
    """Without a topic every message is refused."""

    topics: Sequence[str] = ()  # ARNs
    window: int = 3600  # seconds that a message may take to arrive, SNS's own retries included
    confirm: bool = False  # answer a subscription of one of `topics`, by the API of SNS; else an operator does
    certificates: str = (
        "uploads.s3.notifications.certificates.fetch"  # dotted path of what gets the PEM text at a URL, for tests
    )


def event_options() -> EventOptions:
    """Raises `ImproperlyConfigured` for an unknown key, or a topic that is no ARN."""
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
