"""The verbs of products: the only writers. Lock order: product, then version."""
