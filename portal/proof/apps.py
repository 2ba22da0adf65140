"""Registration of the proof, only by `portal.proof.settings`: changes the running portal after everything else is ready."""

from django.apps import AppConfig
from django.conf import settings


class ProofConfig(AppConfig):
    name = "portal.proof"
    label = "proof"
    verbose_name = "可靠性证明"

    def ready(self) -> None:
        from . import compression, mutants

        if settings.PROOF_LADDER:
            compression.install(settings.PROOF_LADDER, lease=settings.PROOF_LEASE)
        if settings.PROOF_MUTANT:
            mutants.install(settings.PROOF_MUTANT)
