"""Static files with their hash in the name, ES-module imports included, and the client's modules in one file each."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage

from liveview.staticfiles import FlatModulesMixin


class HashedStaticFilesStorage(FlatModulesMixin, CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """WhiteNoise's storage, with flat modules."""
