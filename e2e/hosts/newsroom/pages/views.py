from django.shortcuts import get_object_or_404, render

from pages.models import Page


def page(request, address):
    return render(request, "pages/page.html", {"page": get_object_or_404(Page, address=address.strip("/"))})
