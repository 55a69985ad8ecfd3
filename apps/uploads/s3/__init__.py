"""Uploads to an S3-compatible storage.

Needs `boto3`; nothing outside this package imports it until a slot uses it.
"""

from __future__ import annotations
