"""The watch over effective pledges: what happens to a pledged patent is told to both parties; nothing is changed by itself."""
