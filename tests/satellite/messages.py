"""A dish's answers, written by Google's own protobuf library: the second implementation of the wire format.

Only the fields that are read, with the numbers of the dish's reflection, and some that must not be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

if TYPE_CHECKING:
    from google.protobuf.message import Message

_FIELD: Final = descriptor_pb2.FieldDescriptorProto
_TYPES: Final = {
    "bool": _FIELD.TYPE_BOOL,
    "float": _FIELD.TYPE_FLOAT,
    "uint32": _FIELD.TYPE_UINT32,
    "uint64": _FIELD.TYPE_UINT64,
    "int32": _FIELD.TYPE_INT32,
    "string": _FIELD.TYPE_STRING,
    "double": _FIELD.TYPE_DOUBLE,
}
_SCHEMA: Final = {
    "DeviceInfo": {"id": (1, "string"), "software_version": (3, "string"), "country_code": (4, "string")},
    "ObstructionStats": {
        "fraction_obstructed": (1, "float"),
        "valid_s": (4, "float"),
        "currently_obstructed": (5, "bool"),
    },
    "Alerts": {
        "motors_stuck": (1, "bool"),
        "thermal_shutdown": (2, "bool"),
        "unexpected_location": (4, "bool"),
        "lower_signal_than_predicted": (17, "bool"),
    },
    "Outage": {"cause": (1, "int32"), "duration_ns": (3, "uint64")},
    "GpsStats": {
        "gps_valid": (1, "bool"),
        "gps_sats": (2, "uint32"),
        "no_sats_after_ttff": (3, "bool"),
        "inhibit_gps": (4, "bool"),
    },
    "DishStatus": {
        "device_info": (1, "DeviceInfo"),
        "pop_ping_drop_rate": (1003, "float"),
        "obstruction_stats": (1004, "ObstructionStats"),
        "alerts": (1005, "Alerts"),
        "pop_ping_latency_ms": (1009, "float"),
        "stow_requested": (1010, "bool"),
        "boresight_azimuth_deg": (1011, "float"),
        "outage": (1014, "Outage"),
        "gps_stats": (1015, "GpsStats"),
        "is_snr_above_noise_floor": (1018, "bool"),
        "is_snr_persistently_low": (1022, "bool"),
        "disablement_code": (1024, "int32"),
        "is_cell_disabled": (1029, "bool"),
    },
    "DishHistory": {
        "current": (1, "uint64"),
        "pop_ping_drop_rate": (1001, "float*"),
        "pop_ping_latency_ms": (1002, "float*"),
    },
    "WifiStatus": {
        "ipv4_wan_address": (1003, "string"),
        "ping_drop_rate": (1004, "float"),
        "ping_latency_ms": (1005, "float"),
        "dish_ping_latency_ms": (1013, "float"),
        "pop_ping_drop_rate": (1014, "float"),
        "pop_ping_latency_ms": (1015, "float"),
        "dish_id": (1023, "string"),
        "dish_disablement_code": (1031, "int32"),
        "no_wan_link": (1035, "bool"),
    },
    "Location": {"lat": (1, "double"), "lon": (2, "double")},
    "Response": {
        "id": (1, "uint64"),
        "api_version": (3, "uint64"),
        "get_location": (1017, "Location"),
        "dish_get_status": (2004, "DishStatus"),
        "dish_get_history": (2006, "DishHistory"),
        "wifi_get_status": (3004, "WifiStatus"),
    },
    "Nothing": {},
    "Request": {
        "id": (1, "uint64"),
        "reboot": (1001, "Nothing"),
        "get_status": (1004, "Nothing"),
        "get_history": (1007, "Nothing"),
        "get_location": (1017, "Nothing"),
        "dish_stow": (2002, "Nothing"),
    },
}


def _pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(name="dish.proto", package="lab", syntax="proto3")
    for name, fields in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            repeated = kind.endswith("*")
            row = message.field.add(
                name=field, number=number, label=_FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
            )
            if kind.rstrip("*") in _TYPES:
                row.type = _TYPES[kind.rstrip("*")]
            else:
                row.type, row.type_name = _FIELD.TYPE_MESSAGE, f".lab.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


_POOL: Final = _pool()


def make(name: str, **fields: Any) -> Message:
    """Make a message; fields that are messages are given as dictionaries."""
    kind = message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"lab.{name}"))
    return kind(**fields)


def status(**fields: Any) -> bytes:
    """Return a ``Response`` with a dish's status. By default the dish is well."""
    well: dict[str, Any] = {
        "device_info": {
            "id": "ut01000000-00000000-00abcdef",
            "software_version": "2026.10.1",
            "country_code": "IR",
        },
        "pop_ping_drop_rate": 0.0,
        "pop_ping_latency_ms": 31.5,
        "boresight_azimuth_deg": 12.5,
        "is_snr_above_noise_floor": True,
        "disablement_code": 1,
        "gps_stats": {"gps_valid": True, "gps_sats": 14},
        "obstruction_stats": {"fraction_obstructed": 0.003, "valid_s": 43_200.0},
    }
    chosen = {name: value for name, value in {**well, **fields}.items() if value is not None}
    return bytes(make("Response", api_version=43, dish_get_status=chosen).SerializeToString())


def history(drops: list[float], current: int | None = None, latencies: list[float] | None = None) -> bytes:
    """Return a ``Response`` with a dish's history, a ring of one reading a second."""
    ring = {
        "current": len(drops) if current is None else current,
        "pop_ping_drop_rate": drops,
        "pop_ping_latency_ms": [30.0] * len(drops) if latencies is None else latencies,
    }
    return bytes(make("Response", dish_get_history=ring).SerializeToString())


def requested(message: bytes) -> str | None:
    """Return the name of what a ``Request`` asks for."""
    request = make("Request")
    request.ParseFromString(message)
    return next((field.name for field, _ in request.ListFields() if field.name != "id"), None)
