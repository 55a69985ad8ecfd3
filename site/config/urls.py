"""The site's URLs: each demo below its own name."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path

from config import faces, sharing, views
from home.views import HomeView

handler400 = views.bad_request
handler404 = views.not_found
handler500 = views.server_error

urlpatterns = [
    path("", HomeView.as_view(), name="home"),
    path("try/", HomeView.as_view(), name="try"),  # its form without JavaScript, whose body may be longer
    re_path(rf"^code/(?P<demo>{'|'.join(faces.DEMOS)})/$", faces.code, name="code"),
    path("robots.txt", sharing.robots),
    path("sitemap.xml", sharing.sitemap, name="sitemap"),
    path("site.webmanifest", sharing.manifest, name="manifest"),
    path("favicon.ico", sharing.favicon),
    path("docs/", include("guides.urls")),
    path("avatars/", include("avatars.urls")),
    path("gallery/", include("gallery.urls")),
    path("videos/", include("videos.urls")),
    path("", include("uploads.s3.urls")),
    path("other-ways/", include("otherways.urls")),
    path("", include("uploads.http.urls")),
    path("", include("uploads.urls")),
    path("admin/", admin.site.urls),
]
