"""The code samples of the documents that this software is made after, as they are printed there, and made to run.

They are in the folder `samples`, with the number of their document before the name; templates have the name that their
view gives them. The first document's text has lost its indentation, which was put back. To run them, their import lines
are changed and nothing else, but for what Python 3.13 and a newer Django ask for.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).with_name("samples")

_PACKAGES: Final = {"djust.uploads": "uploads", "djust.decorators": "liveview", "djust": "liveview"}
_OTHERS: Final = {
    "from django.utils import simplejson": "import json as simplejson",  # since Django 1.5
    "'uploadprogresscachedhandler.UploadProgressCachedHandler'": "'uploads.http.UploadProgressCachedHandler'",
    "+ global_settings.FILE_UPLOAD_HANDLERS": "+ tuple(global_settings.FILE_UPLOAD_HANDLERS)",  # a list now
    "import imghdr ": "from PIL import Image ",
    "imghdr.what(entry.file)": '(Image.open(entry.file).format or "").lower()',
}


def printed(name: str) -> str:
    return (FOLDER / name).read_text()


def runnable(*names: str) -> str:
    """The samples one after the other."""
    text = "\n\n".join(map(printed, names))
    text = re.sub(r"^(from|import) (djust[.\w]*)", _imported, text, flags=re.MULTILINE)
    for old, new in _OTHERS.items():
        text = text.replace(old, new)
    return text


def avatar_view() -> str:
    """The tutorial's view: its third step says "append to AvatarView"."""
    third = runnable("000_avatar_step_3.py")
    head, _class, methods = third.partition(
        "class AvatarView(UploadMixin, LiveView):\n    # ... mount() as before ...\n"
    )
    assert methods
    return f"{runnable('000_avatar_step_1.py')}\n{methods}\n\n{head}"


def _imported(found: re.Match[str]) -> str:
    return f"{found[1]} {_PACKAGES[found[2]] if found[2] in _PACKAGES else found[2].removeprefix('djust.')}"
