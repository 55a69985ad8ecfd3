"""`python -m catalogues [LANGUAGE…]`: updates the catalogues of these languages, or of all that there are."""

from __future__ import annotations

import sys

from catalogues.keeping import languages, update

for language in sys.argv[1:] or languages():
    missing = update(language)
    sys.stdout.write(f"{language}: {f'{missing} texts are missing' if missing else 'complete'}\n")
