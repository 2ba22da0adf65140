"""Registration of the app."""

from django.apps import AppConfig


class AssetsConfig(AppConfig):
    name = "portal.foundation.assets"
    label = "assets"
    verbose_name = "知识产权"
