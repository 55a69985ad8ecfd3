"""Uploads under way, for the store that keeps them in the database."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class UploadState(models.Model):
    """A resumable upload: its record as JSON, and who may write. `offset` is in bytes."""

    upload_id = models.CharField(_("upload"), max_length=64, primary_key=True)
    owner = models.CharField(_("owner"), max_length=64, db_index=True)
    record = models.TextField(_("record"))
    offset = models.PositiveBigIntegerField(_("bytes that have arrived"), default=0)
    holder = models.CharField(_("held by"), max_length=64, blank=True)
    token = models.PositiveBigIntegerField(_("token"), default=0)
    leased_until = models.DateTimeField(_("held until"), null=True)
    expires_at = models.DateTimeField(_("expires at"), db_index=True)
    created_at = models.DateTimeField(_("begun at"), auto_now_add=True)

    class Meta:
        verbose_name = _("upload under way")
        verbose_name_plural = _("uploads under way")

    def __str__(self) -> str:
        return self.upload_id
