"""Pledges of other rights, followed beside the patents: trademark, copyright, data, licence receivables. No promise of time."""
