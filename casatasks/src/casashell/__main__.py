"""``python -m casashell`` is the ``casa`` command."""

from __future__ import annotations

import sys

from casashell.command import main

sys.exit(main())
