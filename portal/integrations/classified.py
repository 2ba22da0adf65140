"""How much harm each text field of this app does when it gets out (portal.foundation.core.classes)."""

from portal.foundation.core.classes import classify

classify("integrations.ApiKey", internal="ident name", personal="created_by", sensitive="digest")
