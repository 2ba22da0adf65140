"""Registration of the app."""

from django.apps import AppConfig


class PledgesConfig(AppConfig):
    name = "pledges"
    verbose_name = "质押登记"

    def ready(self) -> None:
        from .enterprise_steps import connect  # models are not loaded before this moment

        connect()
