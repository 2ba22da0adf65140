"""How much harm each text field of this app does when it gets out (portal.foundation.core.classes)."""

from portal.foundation.core.classes import classify

classify("oversight.Incident", internal="number", personal="reported_to", business="what affected conclusion")
