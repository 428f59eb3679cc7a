"""What an alert says, as a sentence in the reader's language."""

from datetime import datetime

from aggregator.storage.alerts import Alert, Finding
from aggregator.wording import numbers
from aggregator.wording.phrases import Phrase, Words, integer, listed, percent, say, verbatim
from surveys.centre import Centre
from surveys.definition import Text
from surveys.messages import Language


def sentence(alert: Alert | Finding, centre: Centre) -> Words:
    """What an alert tells of, or would. Its names are those of today."""
    told = alert.details
    values: dict[str, Words] = {
        name: integer(value) for name, value in told.items() if isinstance(value, int)
    }
    values |= {name: verbatim(value) for name, value in told.items() if isinstance(value, str)}
    values |= {name: percent(value) for name, value in told.items() if isinstance(value, float)}
    if isinstance(since := told.get("since"), str):
        values["since"] = moment(datetime.fromisoformat(since), centre)
    key = f"alert.{alert.rule}"
    match alert.rule:
        case "low_ratings":
            values["unit"] = _unit(alert.subject, centre)
            values["level"] = Text(vi=str(told["level_vi"]), en=str(told["level_en"]))
        case "falling":
            values["unit"] = _unit(alert.subject, centre)
            values["measure"] = say(f"measure.{told['measure']}")
        case "flagged":
            values["unit"] = _unit(alert.subject, centre)
            named = str(told["flags"]).split(",")
            values["rules"] = listed([say(f"flags.rule.{one}") for one in named])
        case "backup_hours" if "since" not in told:
            key += "_none"
        case "backup_hours" if alert.subject:
            key += f"_{alert.subject}"
        case "disk_percent":
            key += f"_{alert.subject}"
    return say(key, **values)


def moment(at: datetime, centre: Centre) -> Words:
    """A day and a time of it, where the centre is."""
    local = at.astimezone(centre.zone)

    def write(language: Language) -> str:
        return f"{numbers.clock(local)} {numbers.day(local.date(), language)}"

    return Phrase(write)


def _unit(subject: str, centre: Centre) -> Words:
    """The name of the unit of a subject: of a counter with its department's."""
    unit, id, *_ = subject.split(":")
    if unit == "centre":
        return say("alert.whole_centre")
    if unit == "department":
        return centre.department[id].name if id in centre.department else verbatim(id)
    counter = centre.counter.get(id)
    if counter is None:
        return verbatim(id)
    department = centre.department[centre.department_of[id]]
    return Phrase(lambda lang: f"{counter.name.get(lang)} ({department.name.get(lang)})")
