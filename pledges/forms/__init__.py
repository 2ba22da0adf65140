"""Forms of the pledge pages: the parties' and the office's."""
