"""Uploads under way, for the store that keeps them in the database."""

from __future__ import annotations

from django.db import models


class UploadState(models.Model):
    """A resumable upload: its record as JSON, and who may write. `offset` is in bytes."""

    upload_id = models.CharField(max_length=64, primary_key=True)
    owner = models.CharField(max_length=64, db_index=True)
    record = models.TextField()
    offset = models.PositiveBigIntegerField(default=0)
    holder = models.CharField(max_length=64, blank=True)
    token = models.PositiveBigIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.upload_id
