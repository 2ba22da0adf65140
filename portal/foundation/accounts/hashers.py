"""Argon2 tuned for a small machine: Django's default needs 100 MiB a log-in, ten at once need a gigabyte."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class PortalArgon2Hasher(Argon2PasswordHasher):
    time_cost = 1
    memory_cost = 46 * 1024  # KiB
    parallelism = 1
