"""Registration of the composition root (for its management commands)."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "快速通道"
