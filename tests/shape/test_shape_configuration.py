"""The page of settings says what the definition says."""

from sv.settings.page import markdown_table
from tests.shape.repository import texts


def test_the_configuration_page_has_the_table_that_sv_config_prints() -> None:
    assert markdown_table() in texts()["docs/configuration.md"]
