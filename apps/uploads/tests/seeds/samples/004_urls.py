# urls.py
from django.urls import path
from . import views

urlpatterns = [
    path("api/upload", views.upload_file, name="upload"),
    path("api/upload-chunk", views.upload_chunk, name="upload_chunk"),
]
