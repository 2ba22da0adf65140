"""Who carries which part of a loss, on which legal basis, and how much one household may have outstanding."""
