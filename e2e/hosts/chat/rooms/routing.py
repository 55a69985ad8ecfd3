from django.urls import path

from rooms.consumers import RoomConsumer

websocket_urlpatterns = [path("ws/<slug:room>/", RoomConsumer.as_asgi())]
