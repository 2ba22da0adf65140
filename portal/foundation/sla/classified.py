"""How much harm each text field of this app does when it gets out (portal.foundation.core.classes)."""

from portal.foundation.core.classes import classify

classify("sla.CalendarChange", internal="ground", personal="made_by")
classify("sla.CalendarYear", public="document source names digest")
classify("sla.CalendarVersion", public="document source names digest")
classify("sla.Policy", personal="decided_by", public="ground")
classify("sla.PolicyLevel", public="code label")
classify("sla.Clock", internal="case_number subject stop_reason")
classify("sla.Pause", business="reason")
classify("sla.Escalation", internal="level")
