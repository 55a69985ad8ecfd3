"""System checks of what a project has put around its HTTP application."""

from __future__ import annotations

from typing import Any, Final

from channels.routing import get_default_application
from django.conf import settings
from django.core.checks import CheckMessage, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured

from uploads.http.multipart.handler import UploadProgressCachedHandler, configured

OURS: Final = "uploads.http.UploadProgressCachedHandler"


@register("uploads")
def check_progress(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Whether forms are counted as they arrive, if the project wants them to be."""
    name = UploadProgressCachedHandler.__name__
    paths = list(settings.FILE_UPLOAD_HANDLERS)
    foreign = next((path for path in paths if path.rpartition(".")[2] == name and path != OURS), None)
    try:
        handler = configured()
    except ImportError:
        return []  # which Django tells with the first form
    if foreign is not None and handler is None:
        return [
            CheckWarning(
                f"On an ASGI server {foreign} counts nothing: Django gives it a form when it is all here.",
                hint=f'FILE_UPLOAD_HANDLERS = ["{OURS}", *global_settings.FILE_UPLOAD_HANDLERS]',
                id="uploads.W006",
            )
        ]
    if handler is None or not getattr(settings, "ASGI_APPLICATION", None):
        return []
    from uploads.http import routing  # which the project's asgi.py imports as well, once its apps are loaded

    try:
        application = get_default_application()
    except ImproperlyConfigured:
        return []  # liveview.E003
    if routing.is_around(application):
        return []
    return [
        CheckWarning(
            f"{name} sees a form only when it is all here: nothing counts it on its way.",
            hint='In asgi.py: "http": uploads.http.routing.application(get_asgi_application())',
            id="uploads.W007",
        )
    ]
