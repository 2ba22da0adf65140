"""Registration of the proof, only by `portal.proof.settings`: changes the running portal after everything else is ready."""

from django.apps import AppConfig
from django.conf import settings


class ProofConfig(AppConfig):
    name = "portal.proof"
    label = "proof"
    verbose_name = "可靠性证明"

    def ready(self) -> None:
        from . import compression, mutants

        ladder: list[float] = getattr(settings, "PROOF_LADDER", [])
        mutant: str = getattr(settings, "PROOF_MUTANT", "")
        if ladder:
            compression.install(ladder, lease=getattr(settings, "PROOF_LEASE", 0.0))
        if mutant:
            mutants.install(mutant)
