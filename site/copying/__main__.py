from __future__ import annotations

import sys

from copying.cli import main

sys.exit(main(sys.argv[1:]))
