"""The portal's settings on the benchmark's own database, with the peers and the benchmark's own addresses beside it."""

import os

from portal.settings import *  # noqa: F403
from portal.settings import DATABASES, INSTALLED_APPS

DATABASE = "portal_bench"

DATABASES["default"]["NAME"] = DATABASE
INSTALLED_APPS += ["viewflow", "viewflow.workflow", "benchmarks"]
ROOT_URLCONF = "benchmarks.addresses"
VIEWFLOW = {"AUTOREGISTER": False}  # it would put middleware of its own into everybody's stack
if search_path := os.environ.get("BENCH_SEARCH_PATH"):  # a process that works on benchmarks/clocks.py
    DATABASES["default"]["OPTIONS"]["options"] += f" -c search_path={search_path}"
RATE_FACTOR = 0  # one measuring machine plays everybody
