"""What guides, READMEs and demos have ever told people to import stays importable, and so do settings' dotted paths.

The list is frozen: names may be added, none may go. Each is in its module's `__all__`; everything else may change.
"""

from __future__ import annotations

import importlib
import importlib.util

import pytest

NAMES = """
liveview: LiveView event_handler server_function state
liveview.daphne: capped
liveview.pubsub: abroadcast broadcast
liveview.routing: websocket_urlpatterns
liveview.setting_types: PositiveFloat PositiveInt mistyped
liveview.testing: Closed ServerSaid mount
liveview.threads: with_connections
liveview.values: PositiveFloat PositiveInt mistyped
uploads: BufferedUploadWriter ResumableUploadWriter UploadEntry UploadError UploadMixin UploadWriter
uploads: conf content intakes
uploads.conf: conf
uploads.content: ImageLimits Rendition process_image
uploads.errors: SENTENCES UploadError
uploads.events: child_died upload_event
uploads.external: Stored topic_of
uploads.http: UploadProgressCachedHandler routing
uploads.http.consumer: MAX_SIZE FileUploadConsumer
uploads.http.routing: application websocket_urlpatterns
uploads.http.urls: urlpatterns
uploads.owners: owner_of
uploads.s3.certificates: Certificates Unavailable fetch
uploads.s3.events: S3Event parse_s3_event upload_id_of
uploads.s3.hooks: CompletedUpload on_upload_complete remove_upload_hook
uploads.s3.multipart: ResumableS3Writer S3MultipartWriter
uploads.s3.presigning: S3Presigner
uploads.s3.sns: read verify
uploads.s3.storage: PrivateS3Storage
uploads.s3.urls: urlpatterns
uploads.sentences: Sentence Size gettext_noop plural
uploads.serving: file_response
uploads.slots: megabytes
uploads.sniffing: FileType
uploads.staging: StagedFile
uploads.stores: DatabaseUploadState InMemoryUploadState RedisUploadState UploadStateStore get_store
uploads.testing: Refused UploadPage mount
uploads.urls: urlpatterns
"""


@pytest.mark.parametrize("line", NAMES.split("\n")[1:-1])
def test_a_documented_import_still_works(line: str) -> None:
    module, _, names = line.partition(": ")
    for name in names.split():
        found = importlib.import_module(module)
        if importlib.util.find_spec(f"{module}.{name}") if hasattr(found, "__path__") else None:
            importlib.import_module(f"{module}.{name}")
        else:
            assert getattr(found, name) is not None
            assert name in found.__all__
