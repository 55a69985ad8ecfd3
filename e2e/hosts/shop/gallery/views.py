from django.shortcuts import render


def catalogue(request):
    return render(request, "gallery/catalogue.html", {"products": ["Teapot", "Cup"]})
