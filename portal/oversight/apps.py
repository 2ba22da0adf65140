"""Registration of the app."""

from django.apps import AppConfig


class OversightConfig(AppConfig):
    name = "portal.oversight"
    verbose_name = "监督审计"
