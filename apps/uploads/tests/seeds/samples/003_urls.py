from django.urls import path, include
from . import views, routing   # Import the routing module

urlpatterns = [
    path('upload/', views.upload_file, name='upload_file'),
    path('ws/', include(routing.websocket_urlpatterns)),
]
