"""The register of these tests."""

from tests.registers import register_says  # noqa: F401 - fixture
