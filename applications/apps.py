"""Registration of the app."""

from django.apps import AppConfig


class ApplicationsConfig(AppConfig):
    name = "applications"
    verbose_name = "融资需求"

    def ready(self) -> None:
        from portal.foundation.sla import owners  # models are not loaded before this moment
        from portal.foundation.sla.models import Kind

        from .locking import lock_of_clocks

        owners.register(Kind.RESPONSE, lock_of_clocks)
