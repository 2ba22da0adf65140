"""Registration of the app."""

from django.apps import AppConfig


class BanksConfig(AppConfig):
    name = "banks"
    verbose_name = "金融机构"
