"""The pledge files of tests/pledges, for tests of papers and of the search."""

from tests.pledges.conftest import another_case as another_case
from tests.pledges.conftest import case as case
from tests.pledges.conftest import draft as draft
from tests.pledges.conftest import ready as ready
from tests.pledges.conftest import registered as registered
from tests.pledges.conftest import with_office as with_office
