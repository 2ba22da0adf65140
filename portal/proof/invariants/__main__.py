"""`python -m portal.proof.invariants`: the same as `manage.py invariants`, for the proof."""

import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    execute_from_command_line(["manage.py", "invariants", *sys.argv[1:]])
