"""Registration of the app."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "portal.integrations"
    verbose_name = "接口密钥"

    def ready(self) -> None:
        from . import schema  # noqa: F401 - tells the OpenAPI document how callers sign
