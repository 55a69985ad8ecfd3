from django.contrib.auth import get_user_model
from django.http import HttpResponse


def desk(request):
    return HttpResponse(f"{get_user_model().objects.count()} people at the desk")
