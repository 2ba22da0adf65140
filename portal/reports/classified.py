"""How much harm each text field of this app does when it gets out (portal.foundation.core.classes)."""

from portal.foundation.core.classes import classify

classify("reports.SupervisionOrder", internal="number", personal="issuer_label replier_label", business="demand reply")
