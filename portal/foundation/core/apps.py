"""Registration of the app."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "portal.foundation.core"
    label = "core"
    verbose_name = "基础"
