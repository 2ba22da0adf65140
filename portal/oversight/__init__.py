"""Oversight: the audit administrator's pages, who looked at an enterprise's data, incidents."""
