"""The verbs of the pledge registration, one module for each part of its life."""
