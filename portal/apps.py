"""Registration of the composition root: its management commands, and what `check` asks of an installation."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "快速通道"

    def ready(self) -> None:
        from . import deployment

        deployment.register_all()
