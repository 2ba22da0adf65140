"""How much harm each text field of this app does when it gets out (portal.foundation.core.classes)."""

from portal.foundation.core.classes import classify

classify("journal.Entry", internal="verb subject case_number", personal="actor_label", business="text data")
classify("journal.Seal", internal="digest")
classify("journal.Outbox", internal="request_id")
classify("journal.Delivery", internal="subscriber last_error request_id")
classify("journal.Refusal", internal="kind role method route address request_id subject detail")
classify("journal.Look", internal="role subject case_number", personal="who", business="reason")
