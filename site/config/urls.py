"""The site's URLs: each demo below its own name."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.i18n import set_language

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
    # All that it does is a cookie, and the pages of errors, which have its form as well, ask for no token.
    path("language/", csrf_exempt(set_language), name="language"),
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
