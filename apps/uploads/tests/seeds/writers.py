"""The writers. (Seed: seeds/001.)"""

from __future__ import annotations

from uploads.tests.seeds import samples

exec(samples.runnable("001_writer.py", "001_s3_multipart_writer.py", "001_resumable_s3_writer.py"))
