"""Uploads to a storage with S3's interface.

Needs `boto3`; nothing outside this package imports it until a slot uses it.
"""

from __future__ import annotations
