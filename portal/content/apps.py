"""Registration of the app."""

from django.apps import AppConfig


class ContentConfig(AppConfig):
    """Policy, guide and the other public pages; no models yet."""

    name = "portal.content"
    label = "content"
    verbose_name = "政策与公告"
