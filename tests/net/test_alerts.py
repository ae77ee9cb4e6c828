"""TLS alerts by number and by OpenSSL's names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model import failure as failures
from circumvent.net.alerts import ALERTS, alert_from_openssl, alert_words

WORDS = {value for name, value in vars(failures).items() if name.isupper() and isinstance(value, str)}


@pytest.mark.parametrize(
    ("reason", "alert"),
    [
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "handshake_failure"),
        ("TLSV1_ALERT_PROTOCOL_VERSION", "protocol_version"),
        ("TLSV1_ALERT_INTERNAL_ERROR", "internal_error"),
        ("TLSV1_UNRECOGNIZED_NAME", "unrecognized_name"),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "certificate_required"),
        ("WRONG_VERSION_NUMBER", None),
        ("TLSV1_ALERT_OF_NO_KIND", None),
    ],
)
def test_openssl_names_of_alerts(reason: str, alert: str | None) -> None:
    assert alert_from_openssl(reason) == alert


@given(st.sampled_from(sorted(ALERTS)))
def test_every_alert_has_words(number: int) -> None:
    assert alert_words(ALERTS[number])[0] in WORDS
