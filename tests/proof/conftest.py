"""What the tests of seeded bugs stand on."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from applications.models import Application
from portal.foundation.core import failpoints
from portal.proof.mutants import patching
from products.models import Product
from tests import factories
from tests.factories import Person


@pytest.fixture
def healed(settings: Any, tmp_path: Path) -> Iterator[None]:
    """Whatever a bug patched is put back; its constraints come back with the transaction."""
    settings.MEDIA_ROOT = tmp_path
    yield
    failpoints.arm("")
    patching.restore()


@pytest.fixture
def case(ling: Person, bo: Person, product: Product) -> Callable[[], Application]:
    """Ling's request to Bo's bank."""
    return lambda: factories.application(ling, product)
