"""Settings of snowflake bridges: nothing of them is shown but how the broker is asked."""

from __future__ import annotations

from circumvent.model.snowflake import SnowflakeSettings


def test_nothing_of_them_is_shown() -> None:
    settings = SnowflakeSettings(
        url="https://broker.example/",
        fronts=("front.example",),
        amp_cache="https://cache.example/",
        stun=(("stun.example", 3478),),
        bridge=bytes(range(20)),
        fingerprint=bytes(range(20)),
    )
    assert repr(settings) == "SnowflakeSettings(sqs=False, imitate='', no_sni=False)"
