"""A project in which the samples of the seeds run, wired as docs/from-djust.md and docs/http.md say."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from e2e.support.project import Project
from e2e.support.readme import Readme
from e2e.support.venv import ROOT
from uploads.tests.seeds import samples

NOT_OURS = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH", "DEBUG", "SECRET_KEY", "DATA_DIR", "REDIS_URL")

# Each sample view has an address, and those that are printed without a template or a mark get them.
URLS = """
urlpatterns += [
    path("profile/", views.ProfileView.as_view()),
    path("gallery/", views.GalleryView.as_view()),
    path("asset/", views.Asset.as_view()),
    path("video/", views.Video.as_view()),
    path("film/", views.Film.as_view()),
    path("chunks/", views.Chunks.as_view()),
    path("extras/", views.Extras.as_view()),
    path("dishes/", views.dishes),
    path("upload", views.upload),
    path("get_upload_progress", views.get_upload_progress),
    path("sockets/", include("sockets.urls")),
    path("", include("api.urls")),
]
"""
VIEWS = '''
from pathlib import Path
from liveview import state

class Saved:
    """Shows what its handler got."""
    template_name = "saved.html"
    said = state("")


class Asset(Saved, UploadView):
    slot = state("asset")

    @event_handler
    def save(self):
        for entry in self.uploaded("asset"):
            self.said = f"{entry.content_type} {entry.writer_result['key']}"
        self.save_uploads()


class Video(Saved, VideoUploadView):
    slot = state("video")

    @event_handler
    def save(self):
        for entry in self.consume_uploaded_entries("video"):
            self.said = f"{entry.content_type} {entry.sha256}"
            entry.cleanup()


class Film(Saved, UploadMixin, LiveView):
    slot = state("film")

    def mount(self, request, **kwargs):
        limits = {"accept": ".mp4", "max_file_size": 500_000_000}
        self.allow_upload("film", resumable=True, writer=ResumableS3Writer, **limits)

    @event_handler
    def save(self):
        for entry in self.consume_uploaded_entries("film"):
            self.said = f"{entry.content_type} {entry.file_type.extension} {entry.writer_result['url']}"
            entry.cleanup()


class Chunks(UploadMixin, LiveView):
    template_name = "chunks.html"

    def mount(self, request, **kwargs):
        self.allow_upload("small", chunk_size=16_384)
        self.allow_upload("large", chunk_size=524_288)


class Extras(GalleryView):
    template_name = "extras.html"

    def mount(self, request, **kwargs):
        super().mount(request, **kwargs)
        self.allow_upload("one", accept=".jpg")


@csrf_exempt
def upload(request):
    """As printed, with the lines that its text has lost."""
    id = request.POST['id']
    f = request.FILES['picture']
    destination = open(Path(settings.BASE_DIR) / f'picture-{id}', 'wb+')
    for chunk in f.chunks():
        destination.write(chunk)
    destination.close()
    return HttpResponse('<status>ok</status>', content_type='text/xml')


def dishes(request):
    return HttpResponse(DISHES)
'''
SAVED = """
<form dj-submit="save">
  <input type="file" dj-upload="{{ slot }}">
  <div dj-upload-progress="{{ slot }}"></div>
  <button>Save</button>
</form>
<p id="said">{{ said }}</p>
"""
EXTRAS = """
<div dj-upload-drop="photos" dj-upload-anywhere class="drop-zone"><input type="file" dj-upload="photos"></div>
<div dj-upload-progress="photos"></div>
<button dj-click="upload_photos" dj-upload-wait="photos">Upload All</button>
<p id="beside">Beside it</p>
<div class="gallery">{% for img in images %}<img src="{{ img.url }}" alt="{{ img.name }}">{% endfor %}</div>
<div dj-upload-drop="one"><input type="file" dj-upload="one"></div><div dj-upload-progress="one"></div>
"""
CHUNKS = """
<input type="file" dj-upload="small"><input type="file" dj-upload="large"><div dj-upload-progress="large"></div>
"""

# What the guides of the HTTP ways and of Channels add to the application.
ASGI = """
from channels.routing import ProtocolTypeRouter, URLRouter
from sockets.routing import websocket_urlpatterns
from uploads.http import routing

application = live(
    ProtocolTypeRouter({"http": routing.application(application.inner), "websocket": URLRouter(websocket_urlpatterns)})
)
"""
# The lists of the uploader's guide have a comment for what a project has already.
CORS = """
INSTALLED_APPS = [*INSTALLED_APPS, *INSTALLED_APPS_OF_THE_GUIDE]
MIDDLEWARE = [*MIDDLEWARE_OF_THE_GUIDE, *MIDDLEWARE]
"""


class SeedsProject(Project):
    """`settings` are more lines of its settings."""

    def __init__(self, folder: Path, *, settings: str = "", environment: Mapping[str, str] | None = None) -> None:
        python = Path(sys.executable)
        env = {name: value for name, value in os.environ.items() if name not in NOT_OURS} | dict(environment or {})
        env["PATH"] = f"{python.parent}{os.pathsep}{env['PATH']}"
        super().__init__(folder, env)
        for package in ("liveview", "uploads"):
            ignored = shutil.ignore_patterns("tests", "__pycache__")
            shutil.copytree(ROOT / "apps" / package, folder / package, ignore=ignored)
        for app in ("myapp", "sockets", "api"):
            self.run(f"python manage.py startapp {app}")
        wiring = Readme((ROOT / "docs" / "from-djust.md").read_text())
        assert wiring.paste(folder) == ["mysite/settings.py", "mysite/urls.py", "mysite/asgi.py"]
        self._add("mysite/urls.py", URLS)
        self._add("mysite/settings.py", settings)
        self._tutorial_and_reference()
        self._article_about_progress()
        self._article_about_sockets()
        self._guide_of_an_uploader()
        self.run("python manage.py check --fail-level WARNING")
        self.run("python manage.py migrate")

    def _add(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((path.read_text() if path.exists() else "") + text)

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).unlink(missing_ok=True)
        self._add(name, text)

    def _tutorial_and_reference(self) -> None:
        writers = ["001_writer.py", "001_s3_multipart_writer.py", "001_resumable_s3_writer.py"]
        views = ["001_profile.py", "001_gallery.py", "001_video.py", *writers]
        self._write("myapp/views.py", samples.avatar_view() + samples.runnable(*views))
        for name in ("avatar", "profile", "gallery"):
            self._add(f"myapp/templates/{name}.html", samples.printed(f"{name}.html"))
        self._add("myapp/templates/avatar.html", samples.printed("000_style.html"))
        self._add("myapp/templates/profile.html", samples.printed("001_drop_zone.html"))
        for name, text in (("saved", SAVED), ("extras", EXTRAS), ("chunks", CHUNKS)):
            self._add(f"myapp/templates/{name}.html", text)

    def _article_about_progress(self) -> None:
        """Its view is printed with a part of its lines, and without what it imports."""
        imports = """
from django.conf import settings
from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt
"""
        self._add("myapp/views.py", imports + samples.runnable("002_progress.py"))
        self._add("myapp/views.py", f"\nDISHES = {samples.printed('002_form.html')!r} + '</form>'\n{VIEWS}")
        self._add("mysite/settings.py", samples.runnable("002_settings.py"))
        cache = "{'default': {'BACKEND': 'django.core.cache.backends.locmem.LocMemCache'}}"
        self._add("mysite/settings.py", f"\nCACHES = {cache}\n")
        self._add("mysite/asgi.py", ASGI)

    def _article_about_sockets(self) -> None:
        for name in ("consumers", "routing", "urls"):
            self._write(f"sockets/{name}.py", samples.runnable(f"003_{name}.py"))
        self._write("sockets/views.py", "from django.shortcuts import render\n\n\ndef upload_file(request):\n")
        self._add("sockets/views.py", "    return render(request, 'sockets.html')\n")
        page = samples.printed("003_upload.html").replace("{% raw %}", "").replace("{% endraw %}", "")  # of Jekyll's
        self._add("sockets/templates/sockets.html", page)
        self._add("mysite/settings.py", "\nINSTALLED_APPS += ['channels', 'sockets', 'api']\n")

    def _guide_of_an_uploader(self) -> None:
        self._write("api/urls.py", samples.printed("004_urls.py"))
        self._write("api/views.py", samples.printed("004_views.py") + "\n\n" + samples.printed("004_views_chunked.py"))
        given = samples.printed("004_settings.py")
        lists = re.sub(r"^(INSTALLED_APPS|MIDDLEWARE) = \[", r"\1_OF_THE_GUIDE = [", given, flags=re.MULTILINE)
        self._add("mysite/settings.py", lists)
        self._add("mysite/settings.py", CORS)
