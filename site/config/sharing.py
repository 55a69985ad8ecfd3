"""What browsers, search engines and messengers ask of a site as a whole, and what each page tells them of itself."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.templatetags.static import static
from django.urls import reverse

from config.faces import DEMOS
from guides import pages

NAME: Final = "Uplift"
CLAIM: Final = "Live file uploads for Django"
THEMES: Final = {"light": "#ffffff", "dark": "#19201f"}  # of the bar around a page, as its header
ICONS: Final = {"icon-192.png": "192x192", "icon-512.png": "512x512"}

_CLOSED: Final = ("/admin/", "/media/", "/tus/", "/upload", "/api/")


def page(request: HttpRequest) -> dict[str, Any]:
    """A context processor: the page's only address, and that of its picture, for those who keep or show them elsewhere.

    Nothing for a page that isn't at its address: that of an error.
    """
    match = request.resolver_match
    try:
        origin = request.build_absolute_uri("/")[:-1]
    except DisallowedHost:
        return {}
    if match is None:
        return {}
    path = reverse("home") if match.view_name == "try" else request.path
    return {"canonical": origin + path, "share_picture": request.build_absolute_uri(static("share.png"))}


def robots(request: HttpRequest) -> HttpResponse:
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _CLOSED)]
    lines += ["", f"Sitemap: {request.build_absolute_uri(reverse('sitemap'))}", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


def sitemap(request: HttpRequest) -> HttpResponse:
    addresses = [
        reverse("home"),
        *(reverse(demo.url_name) for demo in DEMOS.values()),
        reverse("otherways:other-ways"),
        reverse("guides:index"),
        *(reverse("guides:guide", args=[slug]) for slug in pages.present()),
        *(reverse("code", args=[demo]) for demo in DEMOS),
    ]
    urls = "".join(f"<url><loc>{request.build_absolute_uri(address)}</loc></url>\n" for address in addresses)
    text = f'<?xml version="1.0"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}</urlset>\n'
    return HttpResponse(text, content_type="application/xml")


def manifest(request: HttpRequest) -> HttpResponse:
    icons = [{"src": static(name), "sizes": size, "type": "image/png"} for name, size in ICONS.items()]
    about = {
        "name": f"{NAME}: {CLAIM.lower()}",
        "short_name": NAME,
        "start_url": reverse("home"),
        "display": "browser",
        "background_color": "#fafaf7",
        "theme_color": "#0e6470",
        "icons": [*icons, {"src": static("favicon.svg"), "sizes": "any", "type": "image/svg+xml"}],
    }
    return JsonResponse(about, content_type="application/manifest+json")


def favicon(request: HttpRequest) -> HttpResponse:
    """Of browsers and readers that ask for it without having read a page."""
    return HttpResponseRedirect(static("favicon.ico"))
