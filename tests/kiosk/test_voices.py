"""Voices: whose file is read for which text, what is refused of a folder, and how it is served."""

import logging
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.__main__ import main
from kiosk.voices import LARGEST, SPOKEN, Voices, load_voices, spoken
from tests.kiosk.conftest import CENTRE, Kiosk
from tests.kiosk.sounds import record, tone

Make = Callable[..., Kiosk]
READ = re.compile(r'data-voice="([^"]*)"')
OGG, MP3 = b"OggS" + bytes(40), b"ID3" + bytes(40)


@pytest.fixture
def languages(tmp_path: Path) -> Path:
    return tmp_path / "languages"


def loaded(kiosk: Kiosk, stand_ins: Path) -> Voices:
    return load_voices(stand_ins, kiosk.context.languages, kiosk.context.centre)


def test_every_text_has_a_name_of_its_own_in_every_language(desk: Kiosk) -> None:
    context = desk.context
    for language in ("vi", "en"):
        words = list(spoken(context.languages, context.centre, language))
        assert [name for name, n in Counter(one.name for one in words).items() if n > 1] == []
        names = {one.name for one in words}
        assert {"in_centre/rating", "sipas_2020/factor.access", "sipas_2020/q22"} <= names
        assert {f"screen/{key}" for key in SPOKEN} <= names
        assert {one.language for one in words} <= {language, "vi"}


def test_without_files_nothing_is_read(desk: Kiosk) -> None:
    assert READ.findall(desk.client.get("/").text) == []
    assert desk.context.voices == Voices()


def test_a_recording_is_read_in_its_language_by_whatever_shows_the_text(
    make_kiosk: Make, languages: Path
) -> None:
    scale = make_kiosk().context.rating_survey.questions["rating"].scale
    record(languages, "in_centre/rating", tone(0.1))
    record(languages, f"in_centre/{scale}.5", MP3, ".mp3")
    record(languages, f"in_centre/{scale}.1", OGG, ".ogg")
    kiosk = make_kiosk(languages=languages, counter="q05")
    question, best, worst = READ.findall(kiosk.client.get("/").text)
    for address, kind in ((question, "audio/wav"), (best, "audio/mpeg"), (worst, "audio/ogg")):
        got = kiosk.client.get(address)
        assert got.headers["content-type"] == kind
        assert "immutable" in got.headers["cache-control"]
    assert kiosk.client.get(question).content == tone(0.1)
    assert READ.findall(kiosk.client.get("/?lang=en").text) == []


def test_nothing_else_is_served(make_kiosk: Make, languages: Path) -> None:
    record(languages, "in_centre/rating", tone())
    kiosk = make_kiosk(languages=languages)
    for path in ("rating.wav", "..%2Flevels.json", "%2Fetc%2Fpasswd", ""):
        assert kiosk.client.get(f"/centre/voices/{path}").status_code == 404
    [(file, recording)] = kiosk.context.voices.files.items()
    assert kiosk.client.get(f"/centre/voices/{file}").status_code == 200
    recording.write_bytes(tone(0.2))  # not what its address says
    assert kiosk.client.get(f"/centre/voices/{file}").status_code == 404
    recording.unlink()
    assert kiosk.client.get(f"/centre/voices/{file}").status_code == 404


HOSTILE = {
    "huge": ("in_centre/rating", tone() + bytes(LARGEST), ".wav"),
    "a page": ("in_centre/rating", b"<script>alert(1)</script>", ".wav"),
    "another kind than its name": ("in_centre/rating", OGG, ".wav"),
    "cut off": ("in_centre/rating", b"RIFF", ".wav"),
    "empty": ("in_centre/rating", b"", ".mp3"),
    "a kind we do not know": ("in_centre/rating", tone(), ".exe"),
    "no text": ("in_centre/nothing", tone(), ".wav"),
    "no survey": ("elsewhere/rating", tone(), ".wav"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read_is_named_and_left_out(
    make_kiosk: Make, languages: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    record(languages, "sipas_2020/factor.access", tone())
    path = record(languages, *HOSTILE[name])
    with caplog.at_level(logging.WARNING):
        kiosk = make_kiosk(languages=languages, counter="q05")
    assert len(kiosk.context.voices.files) == 1
    assert str(path if name != "no survey" else path.parent) in caplog.text
    assert READ.findall(kiosk.client.get("/").text) == []


def test_links_that_lead_out_and_folders_are_left_out(
    make_kiosk: Make, languages: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(tone())
    (languages / "vi" / "audio" / "in_centre").mkdir(parents=True)
    (languages / "vi" / "audio" / "in_centre" / "rating.wav").symlink_to(secret)
    (languages / "vi" / "audio" / "sipas_2020" / "factor.access.wav").mkdir(parents=True)
    (languages / "vi" / "messages.toml").write_text("")
    outside = record(tmp_path / "elsewhere", "in_centre/rating", tone()).parents[2]
    (languages / "en").symlink_to(outside)
    with caplog.at_level(logging.WARNING):
        kiosk = make_kiosk(languages=languages)
    assert kiosk.context.voices == Voices()
    for what in ("vi/audio/in_centre/rating.wav", "access.wav", "messages.toml", "en/audio"):
        assert what in caplog.text


def test_a_folder_that_may_not_be_entered_stops_no_start(
    make_kiosk: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "voices"
    folder.mkdir()
    (folder / "vi").symlink_to(folder / "vi")  # not even its owner may look into it
    with caplog.at_level(logging.WARNING):
        assert make_kiosk().context.voices == Voices()
    assert str(folder / "vi") in caplog.text


def test_espeak_reads_what_nobody_recorded(
    make_kiosk: Make,
    languages: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = record(languages, "in_centre/rating", tone())
    monkeypatch.setenv("HAILONG_VAR", str(tmp_path))
    monkeypatch.setenv("HAILONG_CENTRE", str(CENTRE))
    monkeypatch.setenv("HAILONG_LANGUAGES", str(languages))
    left = tmp_path / "voices" / "vi" / f"{'0' * 32}.wav"
    left.parent.mkdir(parents=True)
    left.write_bytes(tone())
    assert main(["voices"]) == 0
    assert not left.exists()  # its text is not there any more
    said = capsys.readouterr().out
    assert re.search(r"1 bản ghi của Trung tâm, [1-9]\d* bản vừa tạo", said)
    assert main(["voices"]) == 0
    assert "1 bản ghi của Trung tâm, 0 bản vừa tạo" in capsys.readouterr().out

    kiosk = make_kiosk(languages=languages, counter="q05")
    context = kiosk.context
    for language in ("vi", "en"):
        for words in spoken(context.languages, context.centre, language):
            assert context.voices.address(language, words.name), words.name
    addresses = READ.findall(kiosk.client.get("/").text)
    assert kiosk.client.get(addresses[0]).content == own.read_bytes()
    assert len(addresses) == len(set(addresses)) == 6

    assert main(["voices", "--list"]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [str(own), "bản ghi", "Ông/Bà hài lòng ở mức nào với việc phục vụ hôm nay?"] in lines
    assert {line[1] for line in lines} == {"bản ghi", "espeak-ng"}

    # A text that was changed is not read as it was before.
    changed = record(languages, "in_centre/rating", tone(loudness=0.1))
    changed.unlink()
    before = loaded(kiosk, context.settings.stand_ins).address("vi", "in_centre/rating")
    (context.settings.stand_ins / "vi" / before.rpartition("/")[2]).unlink(missing_ok=True)
    for path in (context.settings.stand_ins / "vi").glob("*.wav"):
        path.rename(path.with_name(f"{'f' * 32}.wav"))
    assert loaded(kiosk, context.settings.stand_ins).address("vi", "in_centre/rating") == ""


def test_without_espeak_the_command_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAILONG_VAR", str(tmp_path))
    monkeypatch.setenv("HAILONG_CENTRE", str(CENTRE))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["voices"]) == 1
    assert "espeak-ng" in capsys.readouterr().err
    assert not (tmp_path / "voices").exists()
