from django.urls import path

from gallery.views import catalogue

urlpatterns = [path("", catalogue, name="catalogue")]
