from django.http import HttpResponse
from django.utils.translation import get_language


def notices(request):
    return HttpResponse(f"Notices ({get_language()})")
