from __future__ import annotations

from django.urls import include, path

from e2e.lab import clobbered, counted, direct, keeping, resizing, shortest, views, writing

urlpatterns = [
    path("lab/bench/", views.Bench.as_view(), name="bench"),
    path("lab/forms/", views.Forms.as_view(), name="forms"),
    path("lab/native/", views.Native.as_view(), name="native"),
    path("lab/clobbered/", clobbered.Clobbered.as_view(layout_name="live.html"), name="clobbered"),
    path("lab/mistaken/", views.Mistaken.as_view(), name="mistaken"),
    path("lab/address/", views.Address.as_view(), name="address"),
    path("lab/keeping/", keeping.Keeping.as_view(layout_name="live.html"), name="keeping"),
    path("lab/counted/", counted.Counted.as_view(layout_name="live.html"), name="counted"),
    path("lab/direct/", direct.Direct.as_view(layout_name="live.html"), name="direct"),
    path("lab/writing/", writing.Writing.as_view(layout_name="live.html"), name="writing"),
    path("lab/resizing/", resizing.Resizing.as_view(layout_name="live.html"), name="resizing"),
    path("lab/shortest/", shortest.Shortest.as_view(layout_name="lab/uploads.html"), name="shortest"),
    path("lab/without-slots/", shortest.WithoutSlots.as_view(layout_name="lab/uploads.html"), name="without-slots"),
    path("lab/plain/", views.plain, name="plain"),
    path("lab/sign-in/", views.sign_in, name="sign-in"),
    path("lab/sign-out/", views.sign_out, name="sign-out"),
    path("lab/open/<str:gate>/", views.open_gate, name="open"),
    path("", include("config.urls")),
]
