from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import path

from liveview.tests.project import views

plain_calls: list[str] = []


def plain(request: HttpRequest) -> HttpResponse:
    plain_calls.append(request.path)
    return HttpResponse("plain")


urlpatterns = [
    path("bench/", views.Bench.as_view()),
    path("other/", views.OtherBench.as_view()),
    path("events/", views.Events.as_view()),
    path("child/", views.Child.as_view()),
    path("mixin-first/", views.MixinFirst.as_view()),
    path("mixin-last/", views.MixinLast.as_view()),
    path("room/<slug:name>/", views.Room.as_view()),
    path("stream/", views.Stream.as_view()),
    path("forms/", views.Forms.as_view()),
    path("two-forms/", views.TwoForms.as_view()),
    path("gate/", views.Gate.as_view()),
    path("large/", views.Large.as_view()),
    path("public/", views.Public.as_view()),
    path("members/", views.Members.as_view()),
    path("decorated/", login_required(views.Public.as_view())),
    path("forbidden/", views.Forbidden.as_view()),
    path("missing/", views.Missing.as_view()),
    path("moved/", views.Moved.as_view()),
    path("broken/", views.Broken.as_view()),
    path("broken-render/", views.BrokenRender.as_view()),
    path("things/<int:pk>/", views.Thing.as_view(), name="thing"),
    path("plain/", plain),
    *i18n_patterns(path("greeting/", views.Greeting.as_view())),
]
