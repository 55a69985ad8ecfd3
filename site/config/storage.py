"""Static files with their hash in the name, ES-module imports included."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, which also rewrites `import … from "./module.js";` to the hashed name."""

    support_js_module_import_aggregation = True
