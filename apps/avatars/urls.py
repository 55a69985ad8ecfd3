from __future__ import annotations

from django.urls import path

from avatars.views import AvatarView

app_name = "avatars"
urlpatterns = [path("", AvatarView.as_view(), name="avatar")]
