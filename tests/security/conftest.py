"""The attacker's people and the world they attack."""

from pathlib import Path
from typing import Any

import pytest

from tests.factories import Person

from .world import World, build

PEOPLE = ("ling", "wai", "bo", "bo_manager", "cui", "gu", "chen", "chief", "rui", "ada", "sena", "audi")


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Path) -> None:
    """Uploads of a test end with it; the fonts that papers are printed with stay where they are."""
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture
def people(request: pytest.FixtureRequest, reference: None) -> dict[str, Person]:
    return {name: request.getfixturevalue(name) for name in PEOPLE}


@pytest.fixture
def world(people: dict[str, Person]) -> World:
    return build(people)
