"""The parts of the proof that need the models, each a process of its own: `python -m portal.proof.inside cast|worker|burst …`."""

import importlib
import sys

import django

PARTS = {
    "cast": "portal.proof.cast",
    "worker": "portal.proof.caseworker",
    "burst": "portal.proof.burst",
    "failpoints": "portal.proof.breaking",
}

if __name__ == "__main__":
    django.setup()  # before the part is imported: it imports models
    importlib.import_module(PARTS[sys.argv[1]]).main(sys.argv[2:])
