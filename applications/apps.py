"""Registration of the app."""

from django.apps import AppConfig


class ApplicationsConfig(AppConfig):
    name = "applications"
    verbose_name = "融资需求"

    def ready(self) -> None:
        from portal.foundation.journal.subscribers import subscribe
        from portal.foundation.sla import owners  # models are not loaded before this moment
        from portal.foundation.sla.models import Kind

        from .actions import cover_ends, next_heard
        from .locking import lock_of_clocks, lock_rounds_of_clocks

        owners.register(Kind.RESPONSE, lock_of_clocks)
        owners.register(Kind.NEXT_LENDERS, lock_rounds_of_clocks)
        owners.register(Kind.COVER, cover_ends.lock_of_clocks)
        subscribe("next_lenders", next_heard.hear, verbs=next_heard.VERBS)
