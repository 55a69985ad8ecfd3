from __future__ import annotations

from django.urls import path

from videos.views import VideosView

app_name = "videos"
urlpatterns = [path("", VideosView.as_view(), name="videos")]
