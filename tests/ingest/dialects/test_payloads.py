"""Codecs of LoRaWAN payloads: examples of the makers' own guides, and bytes that end too soon."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dialects import DescribedPoint
from ingest.dialects.payloads import CODECS, points_by_key, points_by_model
from ingest.dialects.payloads.milesight_models import OF_MODEL


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
        (
            "GS101",
            "058E00 060101 070100 0890 80510100",
            {"gas_status": False, "valve_status": True},
        ),
        ("GS101", "FF3F02", {"alarm": "sensor fault"}),
        ("GS301", "0267F000 036850 047D2C01 057D0500", {"nh3": 3.0, "h2s": 0.05}),
        ("GS524N", "22 11 5A 0C 1E 59", {"alarm": True, "event": "alarm", "battery": 90}),
        ("GS524N-868M", "22 17 5A 00 F6 77", {"alarm": False, "temperature": -10}),
        ("EM300-MLD", "050001", {"leakage_status": True}),
        ("EM300-CL", "03ED02 83ED0201", {"liquid": "critical liquid level alert"}),
        ("EM300-DI", "050001 05C8 D2040000", {"gpio": True, "pulse": 1234}),
        ("EM300-DI", "05E1 0A000A00 9A99F942", {"water": 124.8}),
        ("EM310-TILT", "03CF 9CFF 2823 0000 05", {"angle_x": -1.0, "angle_y": 90.0}),
        ("EM310-TILT", "03CF 0000 0000 0000 05", {"threshold_x": True, "threshold_y": False}),
        ("EM320-TILT", "03D4 39FF 0000 5146", {"angle_x": -1.0, "threshold_x": True}),
        ("EM410-RDL", "0367E600 0482E803 050000", {"distance": 1000, "position": False}),
        ("EM500-LGT", "0394 A0860100", {"illumination": 100_000}),
        ("EM500-SMTC", "0367E600 04CA A00F 057F C800", {"moisture": 40.0, "electricity": 200}),
        ("AM107", "056A1400 0665 640078001E00 087D0700", {"activity": 20, "illumination": 100}),
        ("AM107", "087D0700", {"tvoc": 7}),
        ("AM319-HCHO", "0A7D0500", {"hcho": 0.05}),
        ("AM319L-O3", "0D7D0300", {"o3": 0.03}),
        ("AT101", "0488 10B7DC01 80F02407 32 050001", {"latitude": 31.242, "position": True}),
        ("CT303", "0397E8030000 0499C800 0699C900", {"current_chn1_total": 10.0}),
        ("CT305", "0499C800 0699C900 0967FA00", {"current_chn1": 20.0, "current_chn2": 20.1}),
        ("TS302", "0367E600 0467C800", {"temperature_chn1": 23.0, "temperature_chn2": 20.0}),
        ("UC300", "030001 04C80A000000 070101", {"gpio_input_1": True, "gpio_counter_2": 10}),
        ("UC300", "FF19 00 02 82 9CFF", {"modbus_chn_1": -100}),
        ("UC300", "FF19 03 04 05 0000C841", {"modbus_chn_4": 25.0}),
        ("UC100", "FF19 01 01 00 01 FF19 02 04 04 A0860100", {"modbus_chn_2": True}),
        ("UC501", "017563 FF0E 07 26 10270000", {"battery": 99, "modbus_chn_1": 10_000}),
        ("UC502", "800E 08 13 C800 01 030001", {"modbus_chn_2": 200, "gpio_input_1": True}),
        ("UC511", "030101 04C8 05000000 097B 2C01", {"valve_1": True, "pressure": 300}),
        (
            "UC521",
            "03F60032 05F60196 0A7B1100 0BF5 0002 0000 0000 2C01 01",
            {
                "valve_1_opening": 50,
                "valve_2_opening": 50,
                "valve_2_direction": "right",
                "pressure_2": 17,
                "pressure_1": 300,
                "pressure_1_alarm": True,
            },
        ),
        ("UC501", "08DB02" + "2B" * 36 + "030001", {"gpio_input_1": True}),
        ("CT310-868M", "1163 10270000 1375 01", {"ch2_sumkwh": 100.0, "low_voltage_alarm": True}),
        ("TS301", "039AF401 8367E60001", {"humidity": 50.0, "temperature": 23.0}),
        ("TS302", "049AF401 9467E6000A0001 B46701", {"humidity_chn2": 50.0}),
        (
            "VS121-P",
            "FF1F1F07004B 04C9030800A1 06CD05",
            {
                "people_count_all": 3,
                "region_1": True,
                "region_2": False,
                "region_8": True,
                "people_count_max": 5,
            },
        ),
        (
            "VS121",
            "07D50001000000000003 09DA0001000200000000 10F702000100 0EE4010A001400",
            {"region_8_count": 3, "a_to_b": 512, "line_in": 2, "dwell_time_max": 20},
        ),
        (
            "VS132",
            "03D248000000 04D2C8000000 05CC02000100",
            {"total_counter_in": 72, "total_counter_out": 200, "periodic_counter_out": 1},
        ),
        (
            "VS135-EU868",
            "0CD2B4140000 13CC01000200 0FE302100709 10E402 0A00 1400 50FC000001",
            {
                "line_4_total_in": 5300,
                "line_1_child_period_out": 2,
                "region_2_count": 16,
                "region_2_avg_dwell": 10,
                "region_2_max_dwell": 20,
            },
        ),
        ("VS330", "0282E803 038E01", {"distance": 1000, "occupancy": True}),
        ("VS351", "04CC 0A000900 05CC 02000100", {"total_in": 10, "period_out": 1}),
        ("VS370", "030001 040001", {"occupancy": True, "illuminance": 1}),
        ("WS201", "0382C800 04D64B", {"distance": 200, "remaining": 75}),
        ("WS302", "055B 05 2A02 2602 6202", {"LAF": 55.4, "LAeq": 55.0, "LAFmax": 61.0}),
        ("WS502-868M", "FF2931", {"switch_1": True, "switch_2": False}),
        ("WS558", "0831 FF05", {"switch_1": True, "switch_2": False, "switch_3": True}),
        ("WS523", "087021", {"socket_status": True}),
        ("WT101", "0367E600 0467D200 05923C 060000", {"target_temperature": 21.0}),
        ("WTS506", "0584 8403 0792 3200", {"wind_direction": 90.0, "wind_speed": 5.0}),
        # One thing on this model and another on that: without the model it is not guessed.
        ("", "030001", {"channel_3": 1}),
        ("Some door", "060001 ff0bff ff0a0101", {"channel_6": 1}),
    ],
)
def test_milesight(model: str, digits: str, values: dict[str, object]) -> None:
    assert read("milesight", digits, model).items() >= values.items()


@pytest.mark.parametrize(
    ("model", "digits", "values"),
    [
        # A sensor that is not connected, or has failed, would otherwise alarm by its number.
        ("CT101", "0498FFFF", {}),
        ("CT105", "0967FDFF 0498B80B", {"current": 30.0}),
        ("CT303", "0499FFFF 0699C800", {"current_chn2": 20.0}),
        ("EM500-SWL", "017563 0377FFFF", {"battery": 99}),
        ("EM500-SWL", "0377FDFF", {}),
        ("EM500-SMTC", "0367FFFF 04CAFFFF 057FFDFF", {}),
        ("EM500-UDL", "0382FFFF", {}),
        ("GS301", "047DFEFF 057DFFFF", {}),
        ("UC511", "0301FF", {}),
        ("EM300-DI", "05E1 0A000A00 0000C07F", {}),
        ("UC300", "FF19 03 04 05 0000C07F", {}),
    ],
)
def test_what_a_sensor_writes_that_can_not_measure_is_no_value(
    model: str, digits: str, values: dict[str, object]
) -> None:
    assert read("milesight", digits, model) == values


@pytest.mark.parametrize(
    ("number", "alarm"), [(0, False), (1, True), (2, True), (3, True), (4, False), (17, True)]
)
def test_an_alarm_of_a_temperature_that_is_over_is_none(number: int, alarm: bool) -> None:
    read_now = read("milesight", f"8367E600{number:02X}", "EM400-TLD")
    assert read_now == {"temperature": 23.0, "temperature_alarm": alarm}


def test_answers_to_settings_and_zeros_behind_the_values_are_nothing() -> None:
    assert read("milesight", "FE03B004 FF1001", "EM300-TH") == {}
    assert read("milesight", "F92401", "VS370") == {}
    assert read("milesight", "0367E600 FE03B004", "EM300-TH") == {"temperature": 23.0}
    assert read("milesight", "0498B80B 00000000", "CT101") == {"current": 30.0}


def test_states_are_described_with_their_words_and_registers_by_their_kind() -> None:
    points = CODECS["milesight"](bytes.fromhex("03ED01"), "EM300-CL").points
    states = ("uncalibrated", "full", "critical liquid level alert")
    assert points == (DescribedPoint("liquid", "state", states=states),)
    points = CODECS["milesight"](bytes.fromhex("FF190002020500"), "UC300").points
    assert points == (DescribedPoint("modbus_chn_1", "number"),)
    points = CODECS["milesight"](bytes.fromhex("055B05 2A02 2602 6202"), "WS302").points
    assert [point.key for point in points] == ["LAF", "LAeq", "LAFmax"]


def test_units_of_what_the_network_decoded_are_known_by_the_model() -> None:
    said = {"power_consumption": 1200, "voltage": 220.5, "socket_status": "on", "other": 1}
    assert points_by_model(said, "Plug WS523") == (
        DescribedPoint("power_consumption", "number", "Wh", means="energy"),
        DescribedPoint("voltage", "number", "V", means="voltage"),
    )
    assert points_by_model({"depth": 120}, "EM500-SWL")[0].unit == "cm"
    assert points_by_model(said, "Some plug") == ()


def test_what_the_network_read_of_cayenne_is_known_by_its_keys() -> None:
    stack = ["temperature_1", "relative_humidity_2", "presence_3", "analog_in_4", "temperature_in"]
    chirpstack = ["temperatureSensor.1", "humiditySensor.12", "analogInput.1", "temperature.1"]
    found = {point.key: (point.kind, point.means) for point in points_by_key([*stack, *chirpstack])}
    assert found == {
        "temperature_1": ("number", "temperature"),
        "relative_humidity_2": ("number", "humidity"),
        "presence_3": ("boolean", "presence"),
        "temperatureSensor.1": ("number", "temperature"),
        "humiditySensor.12": ("number", "humidity"),
    }
    # So it is with what our own codec reads.
    points = CODECS["cayenne"](bytes.fromhex("01670110"), "").points
    assert [(point.key, point.means) for point in points] == [("temperature_1", "temperature")]


def test_history_of_inputs_and_counters() -> None:
    level = "20CE 9E744663 1001 5D 01 01 00000000"
    count = "20CE 9F744663 1001 5D 02 00 D2040000"
    content = CODECS["milesight"](bytes.fromhex(level + count), "EM300-DI")
    about = {"temperature": 27.2, "humidity": 46.5}
    assert content.history == (
        {"ts": 1665561758, **about, "gpio": True},
        {"ts": 1665561759, **about, "pulse": 1234},
    )
    # Two generations of one name write it in ways of their own, which look alike: no guess.
    alike = "20CE9E744663 44 E600 0A01"
    assert CODECS["milesight"](bytes.fromhex(alike), "TS302").problem is not None


AT = 1665561758
STORED = "9E744663"


@pytest.mark.parametrize(
    ("model", "digits", "history"),
    [
        # By the length of its entries, of which there is nothing else in a payload.
        (
            "TS301",
            f"20CE{STORED} 40 0A01 20CE{STORED} 60 0100",
            [{"temperature": 26.6}, {"magnet": True}],
        ),
        (
            "TS301",
            f"20CE{STORED} AA F401 0A01 20CE{STORED} A0 19FC 18FC 20CE{STORED} A0 19FC 16FC",
            [{"humidity": 50.0, "temperature": 26.6}, {"magnet": False}],
        ),
        (
            "VS121",
            f"20CE{STORED} 01 0403 0005",
            [{"people_count_all": 4, "region_1": True, "region_2": False, "region_3": True}],
        ),
        (
            "VS121",
            f"20CE{STORED} 02 07000500 20CE{STORED} 10 2C01FF00 20CE{STORED} 03 09",
            [
                {"people_in": 7, "people_out": 5},
                {"people_total_in": 300, "people_total_out": 255},
                {"people_count_max": 9},
            ],
        ),
        (
            "VS121",
            f"20CE{STORED} 0F 01000200 20CE{STORED} 07 01000300",
            [
                {"d_to_c": 1, "d_to_d": 2},
                {"region_13_count": 1, "region_14_count": 0, "region_15_count": 3,
                 "region_16_count": 0},
            ],
        ),
        (
            "VS133",
            f"20CE{STORED} 0C B4140000 20CE{STORED} 1C 05000700 20CE{STORED} 3C 02 2C01",
            [
                {"line_4_total_in": 5300},
                {"line_4_child_period_in": 5, "line_4_child_period_out": 7},
                {"region_2_child_max_dwell": 300},
            ],
        ),
        (
            "UC502",
            f"20DC{STORED} 00 01000000 02 70170000 983A0000 00000000",
            [{"gpio_input_1": True, "gpio_counter_2": 6000, "analog_input_1": 15.0,
              "analog_input_2": 0.0}],
        ),
        (
            "UC501",
            f"20DD{STORED} 0500 02 10270000 05 0000C841",
            [{"modbus_chn_1": 10_000, "modbus_chn_3": 25.0}],
        ),
        ("UC501", f"20E0{STORED} 0300 {'2B' * 72}", []),
        (
            "UC300",
            f"20DC{STORED} 5301 00 01000000 01 70170000 01 1E4D 0049 0000 0000 0000",
            [{"gpio_input_1": True, "gpio_counter_2": 6000, "gpio_output_1": True,
              "pt100_1": 20.46875, "adc_1": 10.0}],
        ),
        (
            "UC300",
            f"20DD{STORED} 03000000 82 9CFF0000 0B FFFF0500",
            [{"modbus_chn_1": -100, "modbus_chn_2": 5}],
        ),
        (
            "UC511",
            f"20CE{STORED} 13 05000000 20CE{STORED} 05 00000000",
            [{"valve_2": True, "valve_2_pulse": 5}, {"valve_1": True, "gpio_1": True}],
        ),
    ],
)  # fmt: skip
def test_history_whose_length_depends_on_what_it_is_of(
    model: str, digits: str, history: list[dict[str, object]]
) -> None:
    content = CODECS["milesight"](bytes.fromhex(digits), model)
    assert content.problem is None
    assert [one["ts"] for one in content.history] == [AT] * len(history)
    told = [{key: value for key, value in one.items() if key != "ts"} for one in content.history]
    assert told == history
    assert {key for one in told for key in one} == {point.key for point in content.points}
    # What is cut off says so.
    assert CODECS["milesight"](bytes.fromhex(digits)[:-1], model).problem is not None


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


MODELS = ["", *OF_MODEL, "GS524N", "UC100", "UC501"]


@given(payload=st.binary(max_size=60), model=st.sampled_from(MODELS))
def test_no_bytes_make_a_codec_fail(payload: bytes, model: str) -> None:
    for read_payload in CODECS.values():
        read_payload(payload, model)
