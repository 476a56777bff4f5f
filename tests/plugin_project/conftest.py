"""The shop under test speaks to the server of the session."""

import pytest
from shop import Shop


@pytest.fixture
def shop(sv_server):
    shop = Shop(sv_server.url, sv_server.project_token)
    yield shop
    shop.close()
