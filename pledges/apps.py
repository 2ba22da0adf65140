"""Registration of the app."""

from django.apps import AppConfig


class PledgesConfig(AppConfig):
    name = "pledges"
    verbose_name = "质押登记"

    def ready(self) -> None:
        from portal.foundation.sla import owners  # models are not loaded before this moment
        from portal.foundation.sla.models import Kind
        from products import lending

        from .after.locking import lock_of_clocks as lock_of_matters
        from .enterprise_steps import connect
        from .lending import loan_of
        from .locking import lock_of_clocks

        connect()
        lending.register(loan_of)
        owners.register(Kind.REGISTRATION, lock_of_clocks)
        owners.register(Kind.AMENDMENT, lock_of_matters)
