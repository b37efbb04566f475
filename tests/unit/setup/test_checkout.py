from __future__ import annotations

from pathlib import Path

import pytest

from vectorwatch.errors import VectorwatchError
from vectorwatch.setup.checkout import refuse_unreadable


def test_a_checkout_that_everybody_may_read_passes(checkout: Path) -> None:
    refuse_unreadable(checkout)


def test_files_that_are_closed_to_the_services_are_named_with_the_remedy(checkout: Path) -> None:
    """As git leaves them where the umask is 077."""
    (checkout / "prometheus" / "prometheus.yml").chmod(0o600)
    (checkout / "prometheus").chmod(0o700)
    with pytest.raises(VectorwatchError) as caught:
        refuse_unreadable(checkout)
    assert str(caught.value) == (
        "setup: the services run as users of their own and cannot read prometheus (2 such files and folders);"
        " run `find alertmanager filebeat prometheus -not -path '*/secrets/*' -exec chmod o+rX {} +`"
    )


def test_secrets_may_stay_closed(checkout: Path) -> None:
    secret = checkout / "alertmanager" / "secrets" / "slack_url"
    secret.write_text("https://hooks.slack.example/x")
    secret.chmod(0o600)
    (checkout / "alertmanager" / "secrets").chmod(0o700)
    refuse_unreadable(checkout)
