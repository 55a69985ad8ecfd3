"""Static files with as few requests as a live page needs: the client's modules are delivered as one file each.

    STORAGES = {"staticfiles": {"BACKEND": "liveview.staticfiles.ManifestStaticFilesStorage"}, …}

or, with WhiteNoise, a class of your own:

    class StaticFilesStorage(FlatModulesMixin, CompressedManifestStaticFilesStorage):
        pass
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib.staticfiles import storage
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage

from liveview import modules


class FlatModulesMixin:
    """For a storage of static files. When `collectstatic` has collected, each of `flat_modules` is made one file with
    all that it imports, and takes its own place; so is each module that they load on demand. They import each other,
    and everything else may import them, as before.

    With a manifest storage the imports of all modules are hashed, too.
    """

    flat_modules: ClassVar[tuple[str, ...]] = ("liveview/client.js", "uploads/client.js")
    support_js_module_import_aggregation = True

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Called by `collectstatic` with `(storage, path)` for each name."""
        if not dry_run:
            self._flatten(paths)
        if hasattr(super(), "post_process"):
            yield from super().post_process(paths, dry_run, **options)  # type: ignore[misc]

    def _flatten(self, paths: dict[str, Any]) -> None:
        def read(name: str) -> str:
            found, path = paths[name]
            with found.open(path) as file:
                content: bytes = file.read()
                return content.decode()

        present = [name for name in self.flat_modules if name in paths]
        later = [other for name in present for other in modules.on_demand(name, read)]
        texts = {name: modules.flattened(name, read, present) for name in dict.fromkeys([*present, *later])}
        flat = InMemoryStorage()
        for name, text in texts.items():
            content = ContentFile(text.encode())
            paths[name] = (flat, flat.save(name, content))
            self.delete(name)  # type: ignore[attr-defined]
            self.save(name, content)  # type: ignore[attr-defined]


class ManifestStaticFilesStorage(FlatModulesMixin, storage.ManifestStaticFilesStorage):  # type: ignore[misc]
    """Django's, with flat modules."""
