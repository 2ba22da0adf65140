"""The pledge files of tests/pledges, at each stage."""

from tests.pledges.conftest import case, draft, ready, registered, with_office  # noqa: F401 - fixtures
