"""What an inspection says no with: a code, which the gate turns into a sentence. No Django here: the inspector knows none."""


class Bad(Exception):
    """Not what it says it is, or something that must not be in it: 415."""


class Big(Exception):
    """More than a reader may be asked to carry: 413."""
