"""Work on what strangers wrote, in a process of its own: it has limits, an empty environment, no network and
no files but programs as far as Python is asked for them (worker), and may die. A library whose machine code is taken over is held
by the limits alone: the account it runs under may read what the portal may read."""
