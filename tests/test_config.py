from __future__ import annotations

import json
import pickle
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from scarmetrics.config import (
    IngestConfig,
    ScaleConfig,
    SegmentationConfig,
    StudyConfig,
    load_config,
    parse_config,
)
from scarmetrics.errors import ConfigError

REPOSITORY = Path(__file__).resolve().parents[1]
CONFIGS = sorted((REPOSITORY / "configs").glob("*.yaml"))
EXAMPLE = REPOSITORY / "configs" / "visioface.yaml"


def message_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "study.yaml")
    assert caught.value.remedy
    return caught.value.message


def dump(config: StudyConfig) -> str:
    return yaml.safe_dump(config.model_dump(mode="json"))


# --- what is accepted


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null\n"])
def test_empty_text_means_all_defaults(text: str) -> None:
    assert parse_config(text) == StudyConfig()


def test_keys_that_are_given_replace_their_defaults_only() -> None:
    config = parse_config("study_id: trial-7\nscale:\n  device_mm_per_px: 0.05\n")
    assert config == StudyConfig(study_id="trial-7", scale=ScaleConfig(device_mm_per_px=0.05))


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfstudy_id: trial\n")
    assert load_config(path).study_id == "trial"


# --- what is refused, and how it is said


def test_unknown_key_is_refused_with_the_nearest_known_one_and_its_place() -> None:
    message = message_of("study_id: s\nsegmentation:\n  min_diametre_mm: 1.0\n")
    assert message == (
        "study.yaml, line 3, column 3: segmentation.min_diametre_mm: unknown key; "
        "did you mean 'min_diameter_mm'?"
    )


def test_unknown_key_that_belongs_to_another_section_says_which() -> None:
    assert "did you mean 'scale.device_mm_per_px'?" in message_of("device_mm_per_px: 0.1\n")


def test_unknown_key_like_no_other_lists_the_known_ones() -> None:
    assert "known keys here are max_side_px" in message_of("overlay:\n  zzz: 1\n")


def test_unknown_key_below_one_that_is_no_section_gets_no_suggestion() -> None:
    message = message_of("study_id:\n  nested: 1\n")
    assert message.startswith("study.yaml, line 1, column 1: study_id: must be text")


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("study_id: 12\n", "line 1, column 1", "must be text; put it in quotes"),
        ("ingest:\n  patterns: '{view}'\n", "line 2, column 3", "must be a list"),
        ("ingest:\n  visits: [a]\n", "line 2, column 3", "must hold 'key: value' lines"),
        ("ingest:\n  visits:\n    baseline: [no]\n", "line 3, column 16", "put it in quotes"),
        ("registration:\n", "line 1, column 1", "remove the key"),
        ("face: {min_presence: 2}\n", "line 1, column 8", "less than or equal to 1"),
        ("scale: {device_mm_per_px: 0}\n", "line 1, column 9", "greater than 0"),
        ("scale: {device_mm_per_px: yes}\n", "line 1, column 9", "must be a number"),
        ("scale: {device_mm_per_px: .nan}\n", "line 1, column 9", "finite"),
        ("overlay: {max_side_px: on}\n", "line 1, column 11", "must be a number"),
        ("segmentation: {touching: both}\n", "line 1, column 16", "'split' or 'merge'"),
        ("pairing: {view_preference: []}\n", "line 1, column 11", "at least 1"),
        ("study_id: a b\n", "line 1, column 1", "pattern"),
    ],
)
def test_wrong_value_is_refused_with_its_place(text: str, place: str, said: str) -> None:
    message = message_of(text)
    assert f"study.yaml, {place}: " in message
    assert said in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "segmentation:\n  min_diameter_mm: 9\n",
            "line 2, column 3: segmentation.min_diameter_mm: max_diameter_mm must be larger",
        ),
        (
            "segmentation:\n  min_diameter_mm: 3\n  max_diameter_mm: 2\n",
            "line 3, column 3: segmentation.max_diameter_mm: max_diameter_mm must be larger",
        ),
        (
            "quality:\n  interpupillary_mm: [80, 45]\n",
            "line 2, column 3: quality.interpupillary_mm: must be [lowest, highest]",
        ),
        (
            "pairing:\n  follow_up_visit: month9\n",
            "line 2, column 3: pairing.follow_up_visit: 'month9' is not among ingest.visits",
        ),
        (
            "ingest:\n  visits: {before: [], month3: []}\n",
            "line 2, column 3: ingest.visits: 'baseline' is not among them, but "
            "pairing.baseline_visit names it",
        ),
        (
            "pairing:\n  follow_up_visit: baseline\n",
            "line 2, column 3: pairing.follow_up_visit: is the same as pairing.baseline_visit",
        ),
        (
            "pairing:\n  baseline_visit: month3\n",
            "line 2, column 3: pairing.baseline_visit: is the same as pairing.follow_up_visit",
        ),
    ],
)
def test_values_that_contradict_each_other_are_refused_with_their_place(
    text: str, said: str
) -> None:
    assert f"study.yaml, {said}" in message_of(text)


def test_both_visits_that_are_not_listed_are_named_at_once() -> None:
    message = message_of("pairing: {baseline_visit: a, follow_up_visit: b}\n")
    assert [line.split(":")[0] for line in message.splitlines()] == [
        "study.yaml, line 1, column 11",
        "study.yaml, line 1, column 30",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "ingest:\n  views: {left: [l], right: [r, L]}\n",
            "line 2, column 33: ingest.views.right.1: 'L' stands for both 'left' and 'right'",
        ),
        (
            "ingest:\n  visits: {baseline: [Month3], month3: [third]}\n",
            "line 2, column 23: ingest.visits.baseline.0: 'Month3' stands for both "
            "'month3' and 'baseline'",
        ),
        (
            "ingest:\n  visits:\n    baseline: []\n    Baseline: []\n",
            "line 4, column 5: ingest.visits.Baseline: 'Baseline' stands for both "
            "'baseline' and 'Baseline'",
        ),
    ],
)
def test_spelling_that_means_two_things_is_refused_with_its_place(text: str, said: str) -> None:
    assert f"study.yaml, {said}" in message_of(text)


@pytest.mark.parametrize(
    "name",
    [
        "../../evil",
        "a/b",
        "a\\b",
        "",
        ".",
        "..",
        ".hidden",
        "month 3",
        "قبل",
        "a" * 33,
        "v1\n",
        "\u212a",
    ],
)
def test_visit_name_that_cannot_be_part_of_a_file_name_is_refused(name: str) -> None:
    text = f"ingest:\n  visits:\n    baseline: []\n    {json.dumps(name)}: [after]\n"
    message = message_of(text)
    assert message.startswith("study.yaml, line 4, column 5: ingest.visits.")
    assert "becomes part of file names" in message
    assert "32 at most" in message


@pytest.mark.parametrize("name", ["month3", "Month_6", "12-weeks", "v1.2", "a" * 32])
def test_visit_name_of_letters_and_digits_is_accepted(name: str) -> None:
    text = f"ingest: {{visits: {{baseline: [], {name}: [after]}}}}\n"
    config = parse_config(f"{text}pairing: {{follow_up_visit: {name}}}\n")
    assert config.ingest.visits == {"baseline": (), name: ("after",)}


# --- what later steps find wrong


def test_later_errors_name_the_place_in_the_file() -> None:
    ingest = parse_config("study_id: s\ningest:\n  light: uv\n", "study.yaml").ingest
    error = ingest.error_at(("ingest", "light"), "is not there", "choose another")
    assert isinstance(error, ConfigError)
    assert error.message == "study.yaml, line 3, column 3: ingest.light: is not there"
    assert error.remedy == "choose another"


def test_later_errors_of_a_config_made_in_python_name_the_key_alone() -> None:
    error = IngestConfig().error_at(("ingest", "light"), "is not there", "choose another")
    assert error.message == "ingest.light: is not there"


def test_where_a_config_was_written_is_no_part_of_it() -> None:
    config = parse_config("\n\ningest: {light: uv}\n", "study.yaml")
    assert config == StudyConfig(ingest=IngestConfig(light="uv"))
    assert parse_config(dump(config), "other.yaml") == config
    copy = pickle.loads(pickle.dumps(config))
    assert copy == config
    assert "line 3, column 10" in str(copy.ingest.error_at(("ingest", "light"), "", ""))
    assert "study.yaml" not in dump(config) + repr(config)


def test_every_problem_is_named_at_once() -> None:
    message = message_of("segmentatoin: {}\nface: {min_presence: -1}\n")
    assert message.count("study.yaml, line ") == 2


def test_key_written_twice_is_refused() -> None:
    message = message_of("face:\n  min_presence: 0.5\n  min_presence: 0.6\n")
    assert message == "study.yaml, line 3, column 3: the key face.min_presence stands twice"


def test_yaml_syntax_error_names_its_place() -> None:
    assert message_of("study_id: s\nface: {min_presence: 0.5\n").startswith("study.yaml, line 3")


@pytest.mark.parametrize("text", ["- a\n- b\n", "just words\n", "[]\n", "0\n"])
def test_text_that_is_no_mapping_is_refused(text: str) -> None:
    assert "holds no 'key: value' lines" in message_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "study_id: 2024-13-45",
        "study_id: 0b_",
        "study_id: !!bool maybe",
        "study_id: !!timestamp soon",
        "study_id: !!int ''",
        "study_id: !!python/object:os.system x",
        f"study_id: {'1' * 5000}",
        f"study_id: {'59:' * 300}1.0",
        "study_id: &loop [*loop]",
        "&loop {ingest: *loop}",
        "[" * 3000,
        "1: 2",
        "? [a]\n: b",
        "null: 1",
        "a: 1\n---\nb: 2",
        "study_id: \x00",
        "study_id: \ud800",
    ],
)
def test_values_that_yaml_itself_stumbles_over_are_config_errors(text: str) -> None:
    message_of(text)


@pytest.mark.parametrize(
    ("content", "said"),
    [("study_id: é".encode("latin-1"), "it is not UTF-8 text"), (None, "No such file")],
)
def test_file_that_cannot_be_read_is_refused_by_name_without_its_folder(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "study.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=said) as caught:
        load_config(path)
    assert "study.yaml" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_folder_is_not_a_config(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)


# --- arbitrary text, and the way back

_YAML_PIECES = st.sampled_from(
    [
        *("study_id", "ingest", "visits", "face", "scale", "device_mm_per_px", "patterns"),
        *(": ", "- ", "\n", "\n  ", "{", "}", "[", "]", ", ", "'", '"', "&a ", "*a", "!!", "? "),
        *("|", ">", "---\n", "#", "<<: ", "0x", "1_0", "12:30", "2024-02-31", ".inf", "~", "yes"),
    ]
)


@given(st.text() | st.lists(_YAML_PIECES, max_size=30).map("".join))
def test_arbitrary_text_is_a_config_or_a_config_error(text: str) -> None:
    try:
        config = parse_config(text)
    except ConfigError:
        return
    assert isinstance(config, StudyConfig)


_POSITIVE = st.floats(min_value=1e-6, max_value=1e6)
_SPELLINGS = st.lists(st.text(min_size=1, max_size=6), max_size=3).map(tuple)


@st.composite
def study_configs(draw: st.DrawFn) -> StudyConfig:
    smallest_mm = draw(_POSITIVE)
    # A letter no other alias starts with keeps the spellings of the two visits apart.
    visits = {
        word: tuple(f"{initial}{text}" for text in draw(_SPELLINGS))
        for word, initial in (("baseline", "x"), ("month3", "z"))
    }
    return StudyConfig(
        study_id=draw(st.from_regex(r"[A-Za-z0-9_.-]{1,64}", fullmatch=True)),
        ingest=IngestConfig(
            patterns=draw(st.lists(st.text(), max_size=3)),
            visits=visits,
            light=draw(st.none() | st.text()),
        ),
        scale=ScaleConfig(device_mm_per_px=draw(st.none() | _POSITIVE)),
        segmentation=SegmentationConfig(
            min_diameter_mm=smallest_mm, max_diameter_mm=2 * smallest_mm
        ),
    )


@given(study_configs())
def test_a_config_written_as_yaml_reads_back_equal(config: StudyConfig) -> None:
    assert parse_config(dump(config)) == config


# --- the files that are shipped


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_shipped_config_loads(path: Path) -> None:
    assert load_config(path)


def test_the_example_holds_the_defaults() -> None:
    config = load_config(EXAMPLE)
    assert config.model_copy(update={"study_id": StudyConfig().study_id}) == StudyConfig()


def _keys(model: BaseModel) -> dict[str, object]:
    """Names of all fields, nested as the sections are."""
    return {name: _keys(value) if isinstance(value, BaseModel) else None for name, value in model}


def test_the_example_holds_every_key() -> None:
    written = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    for name, section in _keys(StudyConfig()).items():
        assert name in written
        if isinstance(section, dict):
            assert list(written[name]) == list(section)


def test_each_key_of_the_example_is_explained() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    unexplained = [
        line
        for above, line in zip(["", *lines], lines, strict=False)
        if re.match(r"\s*\w+:", line) and "#" not in line and not above.lstrip().startswith("#")
    ]
    assert unexplained == []
