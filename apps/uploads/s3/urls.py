"""`path("", include("uploads.s3.urls"))` receives SNS deliveries at /webhooks/s3/."""

from __future__ import annotations

from django.urls import path

from uploads.s3.notifications.webhook import s3_event_webhook

__all__ = ["urlpatterns"]

app_name = "uploads_s3"
urlpatterns = [path("webhooks/s3/", s3_event_webhook, name="events")]
