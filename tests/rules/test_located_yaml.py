"""Plain values out of YAML, each with its place."""

import pytest
from pydantic import BaseModel, ConfigDict

from rules.located_yaml import LocatedYamlError, load, load_all, validation_problems

WRITTEN = [
    'a: 1\nwhen: mode == "fault" and 你 x\n',
    "a: 1\nwhen: 'mode == ''fault'' and x'\n",
    'a: 1\nwhen: "\\u6a21\\x41 mode == \\"fault\\"   and x"\n',
    'a: 1\nwhen: "a \\\n   b mode == \\"fault\\" \n\n   and x"\n',
    'a: 1\nwhen: >-  # why\n   mode == "fault"\n   and\n\n   x\nb: 1\n',
    'a: 1\nwhen: |\n   mode == "fault"\n     and\n\n   x\nb: 1\n',
    'a: 1\nwhen: mode == "fault"\n   and 你\n   x\nb: 1\n',
    'a: 1\nwhen: &q mode == "fault"\n   and\n   x\nb: *q\n',
    "{a: 1, when: mode is fault and x}",
    "a: 1\r\nwhen: mode is fault\r\n  and x\r\n",
]


@pytest.mark.parametrize("text", WRITTEN)
@pytest.mark.parametrize("word", ["mode", "fault", "and", "x"])
def test_a_word_inside_a_scalar_keeps_its_place_however_it_is_written(text: str, word: str) -> None:
    located = load(text, "a.yaml")
    value = located.value["when"]
    line, column = located.within(("when",), value.rindex(word))
    assert text.split("\n")[line - 1][column - 1 :].startswith(word)


def test_values_and_keys_have_places() -> None:
    located = load("site:\n  names:\n    - 一\n    - {two: 2}\n", "a.yaml")
    assert located.value == {"site": {"names": ["一", {"two": 2}]}}
    assert located.where(("site", "names", 1, "two")) == (4, 13)
    assert located.where_key(("site", "names", 1, "two")) == (4, 8)
    assert located.where(("site", "names", 7)) == (3, 5)
    assert str(located.problem(("site", "names", 0), "bad")) == "a.yaml:3:7: bad"


def test_plain_words_stay_words() -> None:
    text = "[on, no, 12:30, 2024-01-01, 007, ~, true, 1, -2.5, 1e3, 0x1F, .inf]"
    value = load(text, "a.yaml").value
    assert value == [
        "on", "no", "12:30", "2024-01-01", "007", None, True, 1, -2.5, 1000.0, "0x1F", ".inf",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a: 1\na: 2\n", "2:1", "'a' stands twice; first on line 1"),
        ("a: [1,\n", "2:1", "not valid YAML"),
        ("a: *x", "1:4", "no finished anchor"),
        ("a: &x [*x]", "1:8", "no finished anchor"),
        ("[" * 40, "1:33", "nested deeper than 32"),
        ("a: !!python/object:os.system x", "1:4", "tags"),
        ("? [1]\n: 2", "1:3", "a key must be text"),
        ("true: 2", "1:1", "a key must be text"),
        ("a: b: c\n", "1:5", "not valid YAML"),
        ("a: \x01", "1:1", "not valid YAML"),
        ("a: 1\n---\nb: 2\n", "3:1", "only one document"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(text: str, place: str, message: str) -> None:
    with pytest.raises(LocatedYamlError) as caught:
        load(text, "a.yaml")
    assert len(caught.value.problems) == 1
    told = str(caught.value.problems[0])
    assert message in told
    if "\x01" not in text:
        assert told.startswith(f"a.yaml:{place}: ")


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(LocatedYamlError, match="100,000 values"):
        load("\n".join(lines), "a.yaml")


def test_anchors_can_be_forbidden() -> None:
    with pytest.raises(LocatedYamlError, match="1:4: anchors"):
        load("a: &x 1\nb: *x\n", "a.yaml", aliases=False)


def test_several_documents_each_keep_their_source_and_comments() -> None:
    text = "# first\na: 1\n---\n# second\nb: [1]  # two\n---\n---\n- c: 1\n  d: 2\n- e: 3\n"
    documents = load_all(text, "a.yaml")
    assert [each.value for each in documents] == [
        {"a": 1}, {"b": [1]}, [{"c": 1, "d": 2}, {"e": 3}],
    ]  # fmt: skip
    assert documents[0].source() == "# first\na: 1\n"
    assert documents[1].source() == "# second\nb: [1]  # two\n"
    assert documents[2].source((0,)) == "c: 1\nd: 2\n"
    assert documents[2].source((1,)) == "e: 3\n"


class _Door(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    width: float


class _House(BaseModel):
    model_config = ConfigDict(extra="forbid")
    doors: list[_Door]


def test_every_fault_that_a_model_finds_is_placed() -> None:
    located = load("doors:\n  - {name: a, widht: 3}\n  - {name: [], width: x}\n", "h.yaml")
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        _House.model_validate(located.value)
    problems = [str(p) for p in validation_problems(caught.value, located)]  # type: ignore[arg-type]
    assert problems[0].startswith("h.yaml:2:5: 'width' is missing")
    assert problems[1].startswith("h.yaml:2:15: unknown key 'widht'")
    assert problems[2].startswith("h.yaml:3:12: name: ")
    assert problems[3].startswith("h.yaml:3:23: width: ")


def test_an_empty_file_is_an_empty_document() -> None:
    assert load("# nothing\n", "a.yaml").value is None
    assert load_all("", "a.yaml") == []
