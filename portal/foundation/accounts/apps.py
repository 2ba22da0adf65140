"""Registration of the app: what it checks before it runs, and what it hears of the journal."""

from django.apps import AppConfig
from django.core.checks import register


class AccountsConfig(AppConfig):
    name = "portal.foundation.accounts"
    label = "accounts"
    verbose_name = "账户"

    def ready(self) -> None:
        from portal.foundation.journal.subscribers import subscribe

        from .identity import checks, mailing, own_mail, reset

        register(checks.identity)
        subscribe("account-links", reset.send, verbs={"person.reset_asked"})
        subscribe("account-own-mail", own_mail.send, verbs={"person.mail_asked"})
        subscribe("account-mail", mailing.tell, verbs=mailing.TOLD)
