"""Registration of the app."""

from django.apps import AppConfig


class SlaConfig(AppConfig):
    name = "portal.foundation.sla"
    label = "sla"
    verbose_name = "时限"
