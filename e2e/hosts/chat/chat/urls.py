from django.urls import path
from rooms.views import room

urlpatterns = [
    path("", room),
    path("gallery/", room, {"name": "gallery"}),
]
