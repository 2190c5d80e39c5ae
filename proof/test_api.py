"""The API asked three hundred times for each operation, differently in every run."""

import pytest
from fastapi import FastAPI

from tests.api.conftest import *  # noqa: F403 - the fixtures of the API
from tests.api.test_schemathesis import keep_to_the_description
from tests.fixtures import Administrator

EXAMPLES = 300


@pytest.mark.timeout(3600)
def test_every_operation_keeps_to_its_description_however_often_it_is_asked(
    app: FastAPI, theirs: dict[str, str], administrator: Administrator
) -> None:
    assert theirs
    found = keep_to_the_description(app, administrator.token, EXAMPLES, seeded=False)
    assert found == [], "\n\n".join(found)
