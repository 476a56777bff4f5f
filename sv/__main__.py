"""`python -m sv` is `sv`."""

import sys

from sv.cli import main

sys.exit(main())
