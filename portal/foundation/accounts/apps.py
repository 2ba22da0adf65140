"""Registration of the app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "portal.foundation.accounts"
    label = "accounts"
    verbose_name = "账户"
