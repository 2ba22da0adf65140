"""The proof itself comes last: then it has the machine to itself."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("prove") is not None)  # stable: nothing else moves
