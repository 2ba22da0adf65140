"""Everything that starts, watches and stops processes; `bin/portal` calls `python -m portal.run`.

Nothing in here imports Django except `prepare`, so the supervisor stays small and the launcher starts fast.
"""
