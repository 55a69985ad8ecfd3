from django.conf import settings
from django.conf.urls.static import static
from django.urls import path
from portal.desk.views import desk

urlpatterns = [
    path("", desk, name="desk"),
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
