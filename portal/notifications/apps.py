"""Registration of the app: it listens to the journal."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "portal.notifications"
    verbose_name = "消息"

    def ready(self) -> None:
        from portal.foundation.journal.subscribers import subscribe

        from . import catalogue, writing

        subscribe("notices", writing.write, verbs=catalogue.VERBS)
        subscribe("mail", writing.mail, verbs=catalogue.VERBS)
