from __future__ import annotations

from django.urls import path

from otherways import views

app_name = "otherways"
urlpatterns = [
    path("", views.other_ways, name="other-ways"),
    path("<uuid:guid>/delete", views.delete, name="delete"),
    path("<uuid:guid>/undo", views.undo, name="undo"),
]
