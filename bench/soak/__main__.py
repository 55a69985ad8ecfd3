"""`python -m bench.soak [minutes]`; ends with 1 if anything is left or wrong."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.soak.run import soak

minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
with tempfile.TemporaryDirectory(prefix="soak-") as folder:
    wrong = soak(Path(folder), minutes)
for each in wrong:
    print("LEFT OR WRONG:", each)
sys.exit(bool(wrong))
