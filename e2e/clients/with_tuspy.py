"""tuspy as a program: python tuspy.py <endpoint> <file> <chunk size, 0 for one PATCH>. Prints the upload's address."""

from __future__ import annotations

import os
import sys

from tusclient.client import TusClient

endpoint, path, chunk_size = sys.argv[1:]
uploader = TusClient(endpoint).uploader(
    path,
    chunk_size=int(chunk_size) or os.path.getsize(path),
    retries=60,
    retry_delay=1,  # seconds
    metadata={"filename": os.path.basename(path)},
)
uploader.upload()
print(uploader.url)  # noqa: T201
