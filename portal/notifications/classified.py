"""How much harm each text field of this app does when it gets out (portal.foundation.core.classes)."""

from portal.foundation.core.classes import classify

classify("notifications.Notice", internal="url case_number", business="title body")
