from django.conf import settings
from django.conf.urls.static import static
from django.urls import path
from pages.views import page

urlpatterns = [
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
    path("<path:address>", page),
    path("", page, {"address": ""}),
]
