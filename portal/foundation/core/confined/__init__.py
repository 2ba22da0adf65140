"""Work on what strangers wrote, in a process of its own: it has limits, no secrets and no network, and may die."""
