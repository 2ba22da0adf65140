"""Registration of the app."""

from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "portal.foundation.journal"
    label = "journal"
    verbose_name = "日志"
