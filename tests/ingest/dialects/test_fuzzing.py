"""No bytes on any topic make a decoder fail; `make proof` asks the same a million times."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.dialects import DECODERS, ForeignSource
from tests.ingest.dialects.following import check
from tests.ingest.dialects.fuzzing import OPTIONS, feed, samples_of

DIALECTS = sorted(DECODERS)
_LEVEL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=12,
)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_has_samples(dialect: str) -> None:
    assert len(samples_of(dialect)) >= 4


@pytest.mark.parametrize("dialect", DIALECTS)
def test_samples_that_something_happened_to_stop_nothing(dialect: str) -> None:
    ends = feed(dialect, 600, seed=1)
    # Broken as they are, some still tell something, and some can't be used.
    assert ends["told"] > 10
    assert ends["problem"] > 10


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_bytes_on_any_topic_stop_nothing(dialect: str, data: st.DataObject) -> None:
    topics = st.sampled_from([topic for topic, _ in samples_of(dialect)])
    topic = data.draw(topics | st.lists(_LEVEL, min_size=1, max_size=7).map("/".join))
    said: Any = data.draw(st.binary(max_size=80) | _JSON.map(lambda each: repr(each).encode()))
    zone, options = ZoneInfo("Europe/Berlin"), OPTIONS.get(dialect, {})
    source = ForeignSource("wall", "#", zone, DECODERS[dialect], options)
    first = source.decode(source, topic, said, {})
    check(first)
    # The same again is the same: a decoder is a function.
    assert repr(source.decode(source, topic, said, {})) == repr(first)
