"""No domain words live here: time, money text and public identifiers, all pure."""
