from django.conf.urls.i18n import i18n_patterns
from django.urls import path
from notices.views import notices

urlpatterns = [*i18n_patterns(path("", notices, name="notices"))]
