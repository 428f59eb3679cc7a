"""Voices: what the touch screen reads aloud, from files that are looked at once at the start.

A text is spoken by a recording of the centre, by the name of the text, beside its centre file::

    languages/vi/audio/in_centre/rating.wav          a question, by survey and id
    languages/vi/audio/in_centre/satisfaction.5.ogg  an answer, by scale and code: recorded once
    languages/vi/audio/sipas_2020/factor.access.mp3  a factor
    languages/vi/audio/departments/so_tu_phap.wav    a department; ``all`` is the whole centre
    languages/vi/audio/screen/thanks.title.wav       a text of the catalogue, by its key

or else by the stand-in that ``python -m kiosk voices`` had espeak-ng make. A stand-in's name is
made from the text, so a text that was changed is never read as it was before. What cannot be used
is named in the log and left out, and a text without a voice is not read.
"""

import hashlib
import logging
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kiosk.folders import entries, named_files
from kiosk.places import WHOLE_CENTRE
from kiosk.translations import Languages
from surveys.centre import Centre
from surveys.definition import Survey, heritage
from surveys.files import UnusableError, content

log = logging.getLogger("kiosk")

LARGEST = 2_000_000  # bytes of a recording: a minute and a half as espeak-ng makes them
LARGEST_IN_ALL = 40_000_000  # bytes of all recordings and stand-ins of a language
TYPES = {".wav": "audio/wav", ".ogg": "audio/ogg", ".mp3": "audio/mpeg"}
SPOKEN = (  # texts of the catalogue that a visitor touches or must know
    "faces.keep",
    "faces.other",
    "farewell.home",
    "farewell.text",
    "farewell.title",
    "survey.about",
    "survey.decline",
    "survey.finish",
    "survey.leave_touch",
    "survey.next",
    "survey.previous",
    "survey.skip",
    "thanks.again",
    "thanks.comment",
    "thanks.next",
    "thanks.recorded",
    "thanks.send",
    "thanks.survey",
    "thanks.title",
    "tiles.title",
)
ESPEAK = "espeak-ng"


def digest(data: bytes) -> str:
    """What names some content in a file's name or address."""
    return hashlib.sha256(data).hexdigest()[:32]


@dataclass(frozen=True)
class Words:
    """A text that may be read: its name, what it says, and in which language."""

    name: str
    text: str
    language: str

    @property
    def digest(self) -> str:
        """What its stand-in is called."""
        return digest(self.text.encode())


@dataclass(frozen=True)
class Voices:
    """Where a text's voice is found: addresses by language and name, and the files behind them."""

    addresses: Mapping[tuple[str, str], str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)

    def address(self, language: str, name: str) -> str:
        """The address of a text's voice, or "" where it has none."""
        return self.addresses.get((language, name), "")


def spoken(languages: Languages, centre: Centre, language: str) -> Iterator[Words]:
    """Every text of the touch screen that may be read to a visitor of a language.

    What is not translated is shown in Vietnamese, and read in it.
    """

    def words(name: str, text: str, vietnamese: str) -> Words:
        return Words(name, text, "vi" if text == vietnamese else language)

    # The others are asked on phones and paper.
    shown = dict.fromkeys((centre.instruments.rating, centre.instruments.citizens))
    for survey in (languages.surveys[id] for id in shown):
        for factor in survey.factors:
            name = f"{survey.id}/factor.{factor.id}"
            yield words(name, factor.name.get(language), factor.name.vi)
        scales = set()
        for one in survey.all_questions():
            yield words(f"{survey.id}/{one.id}", one.text.get(language), one.text.vi)
            scale = survey.scale_of(one)
            if scale is None or one.scale in scales:
                continue
            scales.add(one.scale)
            for level in scale.levels:
                name = f"{survey.id}/{one.scale}.{level.code}"
                yield words(name, level.get(language), level.vi)
    for department in centre.departments:
        name = f"departments/{department.id}"
        yield words(name, department.name.get(language), department.name.vi)
    texts, vietnamese = languages.messages.texts[language], languages.messages.texts["vi"]
    everywhere = "tiles.everywhere"
    yield words(f"departments/{WHOLE_CENTRE}", texts[everywhere], vietnamese[everywhere])
    yield from (words(f"screen/{key}", texts[key], vietnamese[key]) for key in SPOKEN)


def _former_names(surveys: Mapping[str, Survey]) -> dict[str, list[str]]:
    """By the name of a text, what the same text is called in the instruments that are followed."""
    found = {}
    for survey in surveys.values():
        for key, older in heritage(survey, surveys).items():
            kind, _, rest = key.partition(".")
            if older and kind in ("factors", "questions", "scales"):
                end = f"factor.{rest}" if kind == "factors" else rest
                found[f"{survey.id}/{end}"] = [f"{id}/{end}" for id in older]
    return found


def load_voices(stand_ins: Path, languages: Languages, centre: Centre) -> Voices:
    """The voices of every text that has one. Never raises.

    ``stand_ins`` is the folder that ``make_voices`` wrote.
    """
    recordings, made, room = {}, {}, {}
    before = _former_names(languages.surveys)
    for language in languages.names:
        names = {words.name for words in spoken(languages, centre, language)}
        names |= {name for older in before.values() for name in older}
        recordings[language] = dict(
            named_files(languages.audio(language), names, TYPES, "voice", "read")
        )
        made[language] = {path.name: path for path in entries(stand_ins / language)}
        room[language] = LARGEST_IN_ALL
    addresses, files, seen = {}, {}, dict[Path, str | None]()

    def address(path: Path, folder: Path, language: str) -> str | None:
        if path not in seen:
            try:
                data = _sound(path, folder)
                room[language] -= len(data)
                if room[language] < 0:
                    raise UnusableError(f"all are larger than {LARGEST_IN_ALL // 10**6} MB")
                file = digest(data) + path.suffix
                files[file], seen[path] = path, f"/centre/voices/{file}"
            except UnusableError as error:
                log.warning("voice %r is left out: %s", str(path), error)
                seen[path] = None
        return seen[path]

    for language in languages.names:
        for words in spoken(languages, centre, language):
            former = (words.name, *before.get(words.name, ()))
            own = next(filter(None, map(recordings[words.language].get, former)), None)
            stand_in = made[words.language].get(f"{words.digest}.wav")
            found = own and address(own, languages.folder, words.language)
            found = found or (stand_in and address(stand_in, stand_ins, words.language))
            if found:
                addresses[language, words.name] = found
    return Voices(addresses, files)


def _sound(path: Path, folder: Path) -> bytes:
    """The content of a file of sound. Raises UnusableError."""
    data = content(path, LARGEST, folder)
    if not _is_sound(data, path.suffix):
        raise UnusableError(f"no {path.suffix} file by its content")
    return data


def _is_sound(data: bytes, suffix: str) -> bool:
    if suffix == ".wav":
        return data[:4] == b"RIFF" and data[8:12] == b"WAVE"
    if suffix == ".ogg":
        return data[:4] == b"OggS"
    return data[:3] == b"ID3" or (data[:1] == b"\xff" and data[1:2] >= b"\xe0")


def has_espeak() -> bool:
    """Whether espeak-ng is installed."""
    return shutil.which(ESPEAK) is not None


def make_voices(
    stand_ins: Path, languages: Languages, centre: Centre, told: Callable[[str], None]
) -> tuple[int, int]:
    """Have espeak-ng speak every text that has no stand-in yet: how many were made, and failed.

    Stand-ins of texts that are not there any more are removed. ``told`` hears of each failure.
    """
    wanted: dict[Path, Words] = {}
    for language in languages.names:
        for words in spoken(languages, centre, language):
            wanted[stand_ins / words.language / f"{words.digest}.wav"] = words
    made = failed = 0
    for path, words in wanted.items():
        if path.is_file():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _speak(words, languages.voices.get(words.language, words.language), path)
            made += 1
        except (OSError, subprocess.SubprocessError) as error:
            told(f"{words.language} {words.name}: {error}")
            failed += 1
    for path in stand_ins.glob("*/*.wav"):
        if path not in wanted:
            path.unlink(missing_ok=True)
    return made, failed


def _speak(words: Words, voice: str, path: Path) -> None:
    """Write a text as sound. Raises OSError or SubprocessError, and leaves no half file."""
    rough = path.with_suffix(".part")
    # A slash between two words is no word itself.
    text = words.text.replace("/", " ")
    command = [ESPEAK, "-v", voice, "-s", "150", "-w", str(rough), "--stdin"]
    subprocess.run(command, input=text.encode(), check=True, capture_output=True, timeout=30)  # noqa: S603
    rough.replace(path)
