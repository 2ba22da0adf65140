"""How much harm each text field of this app does when it gets out (portal.foundation.core.classes)."""

from portal.foundation.core.classes import classify

classify("banks.Institution", public="service_phone")
classify("banks.Branch", public="name ip_specialist")
