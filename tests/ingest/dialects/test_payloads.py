"""Codecs of LoRaWAN payloads: examples of the makers' own guides, and bytes that end too soon."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dialects.payloads import CODECS


def read(codec: str, digits: str, model: str = "") -> dict[str, object]:
    content = CODECS[codec](bytes.fromhex(digits), model)
    assert content.problem is None
    return dict(content.values)


@pytest.mark.parametrize(
    ("model", "digits", "values"),
    [
        ("WS301", "017564 030001 040001", {"magnet_status": True, "tamper_status": True}),
        ("Milesight WS301-915M", "030000", {"magnet_status": False}),
        ("ws202", "030001 040000", {"pir": True, "daylight": False}),
        ("WS303", "030001", {"leakage_status": True}),
        ("EM300-SLD", "03673401 046865 050000", {"leakage_status": False, "humidity": 50.5}),
        ("EM300-MLD", "060001", {"leakage_status": True}),
        ("EM300-TH", "0367F6FF", {"temperature": -1.0}),
        ("EM500-CO2", "057DE803 0673E627", {"co2": 1000, "pressure": 1021.4}),
        ("AM308", "077DE803 050001 0B7D1900", {"co2": 1000, "pir": True, "pm2_5": 25}),
        ("CT101", "0498B80B 8498E8030000B80B01", {"current": 30.0, "current_alarm": 1}),
        ("GS101", "058E01", {"gas_status": True}),
        # One thing on this model and another on that: without the model it is not guessed.
        ("", "030001", {"channel_3": 1}),
        ("Some door", "060001 ff0bff ff0a0101", {"channel_6": 1}),
    ],
)
def test_milesight(model: str, digits: str, values: dict[str, object]) -> None:
    assert read("milesight", digits, model).items() >= values.items()


def test_history_of_each_model_and_none_that_is_guessed() -> None:
    content = CODECS["milesight"](bytes.fromhex("20CE9E74466300000001"), "EM300-MLD")
    assert content.history == ({"ts": 1665561758, "leakage_status": True},)
    assert CODECS["milesight"](bytes.fromhex("20CE9E74466310015D00"), "EM300-TH").history == (
        {"ts": 1665561758, "temperature": 27.2, "humidity": 46.5},
    )
    unknown = CODECS["milesight"](bytes.fromhex("01755C 20CE9E74466310015D00"), "")
    assert unknown.values == {"battery": 92}
    assert unknown.problem is not None
    assert unknown.history == ()


def test_cayenne() -> None:
    assert read("cayenne", "016700E1 0267FFD7 03730000 0466FF 05687F") == {
        "temperature_1": 22.5,
        "temperature_2": -4.1,
        "barometric_pressure_3": 0,
        "presence_4": True,
        "relative_humidity_5": 63.5,
    }
    assert read("cayenne", "0188 06765F F2960A 0003E8") == {
        "gps_1.latitude": 42.3519,
        "gps_1.longitude": -87.9094,
        "gps_1.altitude": 10,
    }


@pytest.mark.parametrize("codec", sorted(CODECS))
@pytest.mark.parametrize("digits", ["01", "0367", "036701", "FFFFFFFFFF", "01010101EE00"])
def test_what_ends_too_soon_or_is_not_known_says_so(codec: str, digits: str) -> None:
    content = CODECS[codec](bytes.fromhex(digits), "")
    assert content.problem is None or content.problem.reason == "wrong_shape"
    assert content.problem is not None or content.values or digits.startswith("FF")


@given(payload=st.binary(max_size=60), model=st.sampled_from(["", "EM300-MCS", "WS203", "AM308"]))
def test_no_bytes_make_a_codec_fail(payload: bytes, model: str) -> None:
    for read_payload in CODECS.values():
        read_payload(payload, model)
