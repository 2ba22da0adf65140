"""Registration of the app."""

from django.apps import AppConfig


class AssetsConfig(AppConfig):
    name = "portal.foundation.assets"
    label = "assets"
    verbose_name = "知识产权"

    def ready(self) -> None:
        from portal.foundation.journal.subscribers import subscribe

        from .valuation import agency

        subscribe("agency_reports", agency.hear, verbs=agency.VERBS)
