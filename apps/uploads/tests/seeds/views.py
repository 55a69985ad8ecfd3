"""The views of the tutorial and of the quick start."""

from __future__ import annotations

from uploads.tests.seeds import samples

exec(samples.avatar_view())
exec(samples.runnable("001_profile.py", "001_gallery.py"))
