"""The patent register (专利登记簿): asking it, keeping what it answered as evidence, and telling what changed."""
