"""How much harm each text field of this app does when it gets out (portal.foundation.core.classes)."""

from .classes import classify

classify("core.RateCount", internal="name")
classify("core.RequestCount", internal="route status")
classify("core.OnceAnswer", internal="body", business="answer")
