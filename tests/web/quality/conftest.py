"""A busy stage that the tests of a module look at; none of them changes it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.conftest import stage_on
from tests.web.quality.furnished import Furnished, furnish
from tests.web.stage import serving


@pytest.fixture(scope="module")
def furnished(foundation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    """The furnished compound, served."""
    for stage in stage_on(foundation, tmp_path_factory.mktemp("furnished")):
        furnished = furnish(stage)
        with serving(stage):
            yield furnished
