"""Registration of the app."""

from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_migrate

from . import failpoints, state_guard


class CoreConfig(AppConfig):
    name = "portal.foundation.core"
    label = "core"
    verbose_name = "基础"

    def ready(self) -> None:
        """Before any other app is ready, so that no process of the proof runs a point unarmed."""
        register(failpoints.refused_in_production)
        rules, log = failpoints.armed_by_settings()
        failpoints.arm(rules, log=log)
        post_migrate.connect(state_guard.install, sender=self)
