"""Ratings with a flag: counted as all others, and beside each share the share without them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from aggregator.alerts.rules import Scene, findings
from aggregator.alerts.words import sentence
from aggregator.dashboard.schemas import RowJson
from aggregator.figures.attitude import RATED, OfShifts
from aggregator.figures.figures import figure_rows
from aggregator.figures.hours import hour_map
from aggregator.figures.layouts import layouts_ahead
from aggregator.figures.reasons import reason_rows
from aggregator.figures.rows import FigureRow
from aggregator.intake.ingest import Candidate, Ingest, Offer, rebuild
from aggregator.storage.audit import Entry
from aggregator.storage.batches import NewBatch
from aggregator.storage.flags import Flagging
from aggregator.storage.judging import JudgedDay
from aggregator.storage.rollups import Span
from aggregator.storage.roster import Shift
from aggregator.storage.store import Selection, Store
from aggregator.storage.tallies import Answered, by_code, pooled
from surveys.centre import Centre
from tests.aggregator.conftest import CENTRE, Room, sipas, statuses, submission
from tests.aggregator.dashboard.screens import shown

DAY = datetime.fromisoformat("2026-11-20T09:00:00+07:00")  # a Friday
PLACE: dict[str, Any] = {"department": "so_tu_phap", "counter": "q05"}


@pytest.fixture
def watched(make_room: Callable[..., Room], migrated_url: str) -> Room:
    """An aggregator of the sample centre with its flags, on each kind of database in turn."""
    return make_room(migrated_url, centre=CENTRE)


def spread(codes: list[int], begin: datetime = DAY, every: float = 60, **said: Any) -> list[Any]:
    return [
        submission(
            **(PLACE | said),
            answers={"rating": code},
            answered_at=(begin + timedelta(seconds=every * number)).isoformat(),
        )
        for number, code in enumerate(codes)
    ]


def honest() -> list[Any]:
    return spread([5, 5, 4, 5, 5, 5, 3, 5, 5, 5], every=420)


def attack(begin: datetime = DAY + timedelta(hours=6)) -> list[Any]:
    return spread([1] * 40, begin, every=0.1, channel="qr")


def rows(room: Room, by: Any = "centre", **selection: Any) -> list[FigureRow]:
    context = room.context
    survey = context.surveys["in_centre"]
    chosen = Selection(survey.id, **selection)
    return figure_rows(context.store, survey, context.centre, chosen, by)


def flagged_counts(row: FigureRow) -> dict[int, int]:
    others = row.unflagged.counts if row.unflagged else row.counts
    return {code: n - others[code] for code, n in row.counts.items() if n != others[code]}


def test_beside_the_share_of_all_stands_that_without_them(watched: Room) -> None:
    watched.take(honest())
    [row] = rows(watched)
    assert row.flagged is None
    assert row.share("very_satisfied").beside is None
    watched.take(attack())
    [row] = rows(watched)
    assert (row.n, row.measures["very_satisfied"].k) == (50, 8)  # nothing is taken from it
    assert row.flagged is not None
    assert row.unflagged is not None
    assert (row.flagged.n, flagged_counts(row)) == (40, {1: 40})
    assert dict(row.flagged.rules) == {"burst": 40, "run": 40}
    without = row.unflagged.measures["very_satisfied"]
    assert (without.k, without.n) == (8, 10)
    figure = row.share("very_satisfied")
    said = "không tính 40 lượt có dấu hiệu bất thường: 80,0%"
    assert figure.beside is not None
    assert figure.beside.get("vi") == said
    facts = {label.get("vi"): text.get("vi") for label, text in figure.facts}
    assert facts["Dồn dập"].startswith("40 lượt. Từ 5 lượt trở lên ở một nơi trong 20 giây")


@pytest.mark.parametrize("by", ["department", "counter", "channel", "day", "month"])
def test_flags_add_up_by_whatever_rows_are_asked(watched: Room, by: str) -> None:
    watched.take([*honest(), *attack()])
    watched.take(
        spread([1] * 6, DAY - timedelta(days=9), every=1, department="so_y_te", counter="q09")
    )
    flagged = [row.flagged.n for row in rows(watched, by) if row.flagged]
    assert sum(flagged) == 46
    chosen = rows(watched, by, channel="kiosk")
    assert sum(row.flagged.n for row in chosen if row.flagged) == 6


def test_counting_anew_gives_the_same_flags(watched: Room) -> None:
    watched.take([*honest(), *attack()])
    store, surveys = watched.context.store, watched.context.surveys
    before = [row.flagged for row in rows(watched, "department")]
    store.roll_up(surveys.values(), layouts_ahead(watched.context.centre))
    assert [row.flagged for row in rows(watched, "department")] == before
    rebuild(store, lambda _: None)
    assert [row.flagged for row in rows(watched, "department")] == before
    assert any(before)


def test_a_late_answer_and_later_dossiers_change_the_flags_of_their_day(watched: Room) -> None:
    watched.take(
        [*honest(), *spread([5], DAY + timedelta(days=2, hours=23))]
    )  # so that DAY is past
    assert rows(watched)[0].flagged is None
    five = spread([5] * 4, DAY, every=2)
    watched.take(five)  # with the honest one of nine o'clock they are five within twenty seconds
    flagged = rows(watched)[0].flagged
    assert flagged is not None
    assert dict(flagged.rules) == {"burst": 5}
    settled = {"day": DAY.date(), "department": "so_tu_phap", "dossiers": 0}
    watched.context.store.put_transactions([settled])
    flagged = rows(watched)[0].flagged
    assert flagged is not None
    assert dict(flagged.rules) == {"burst": 5, "unserved": 14, "taps": 14}
    watched.context.store.put_transactions([settled | {"dossiers": 40}])
    flagged = rows(watched)[0].flagged
    assert flagged is not None
    assert dict(flagged.rules) == {"burst": 5}


def test_flags_of_the_newest_day_follow_what_they_are_made_of(watched: Room) -> None:
    """They are made once, added to by an answer, and made anew for dossiers."""
    store, settled = watched.context.store, {"day": DAY.date(), "department": "so_tu_phap"}
    looked_at: list[int] = []

    def rules() -> dict[str, int]:
        flagged = rows(watched)[0].flagged
        return dict(flagged.rules) if flagged else {}

    add = JudgedDay.add

    def noting(self: JudgedDay, given: Iterable[Any], *more: Any) -> None:
        submissions = list(given)
        looked_at.append(len(submissions))
        add(self, submissions, *more)

    watched.take(honest())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JudgedDay, "add", noting)
        assert [rules(), rules()] == [{}, {}]
        assert looked_at == [10]
        watched.take(spread([5] * 4, DAY, every=2))
        assert [rules(), rules()] == [{"burst": 5}] * 2
        assert looked_at == [10, 4]  # those that came in since
        store.put_transactions([settled | {"dossiers": 0}])
        assert rules() == {"burst": 5, "unserved": 14, "taps": 14}
        store.put_transactions([settled | {"dossiers": 40}])
        assert rules() == {"burst": 5}
        assert looked_at == [10, 4, 14, 14]


def test_reasons_of_the_newest_day_follow_what_is_withdrawn(watched: Room) -> None:
    context = watched.context
    store, survey = context.store, context.surveys["in_centre"]
    said = {**PLACE, "answered_at": DAY.isoformat(), "answers": {"rating": 2, "reasons": [1]}}
    ingest = Ingest(store, context.surveys, context.centre, context.clock)
    read = ingest.read([submission(**said) for _ in range(3)], "en", context.clock())
    given = [one for one in read if isinstance(one, Candidate)]
    told = Entry(context.clock(), "giam_doc", "batch.withdrawn", {"name": "Giấy", "n": 2})

    def visits() -> int:
        return reason_rows(store, survey, context.centre, Selection(survey.id))[0].n

    def version(rows: int) -> NewBatch:
        names = ("Giấy", "ratings", survey.id, "giay.csv")
        return NewBatch(*names, f"{rows}", rows, context.clock(), "giam_doc")

    ingest.replace_batch(version(3), 0, given, [], told)
    assert [visits(), visits()] == [3, 3]
    ingest.replace_batch(version(1), 1, [], [one.row.id for one in given[1:]], told)
    assert visits() == 1


def test_other_rules_of_the_centre_make_other_flags(watched: Room) -> None:
    watched.take([*honest(), *attack()])
    context = watched.context
    before = rows(watched)[0].flagged
    flags = context.centre.flags.model_copy(update={"burst_ratings": 0, "run_ratings": 0})
    other: Centre = context.centre.model_copy(update={"flags": flags})
    selection = Selection("in_centre")
    survey = context.surveys["in_centre"]
    [row] = figure_rows(context.store, survey, other, selection, "centre")
    assert row.flagged is None
    assert rows(watched)[0].flagged == before


def test_taps_at_six_in_the_morning_and_on_a_sunday(watched: Room) -> None:
    early = DAY.replace(hour=6)
    watched.take(spread([5, 1], early, every=600))
    watched.take(spread([4], DAY - timedelta(days=5)))
    watched.take(spread([3], early, channel="qr"))  # a form may be sent from home
    watched.take(spread([5], DAY.replace(hour=11, minute=50)))  # the last of the morning
    [row] = rows(watched)
    assert row.flagged is not None
    assert dict(row.flagged.rules) == {"closed": 3}
    assert flagged_counts(row) == {5: 1, 1: 1, 4: 1}


def test_what_was_imported_has_no_times_to_judge(watched: Room) -> None:
    context = watched.context
    ingest = Ingest(context.store, context.surveys, context.centre)
    [receipts] = ingest.accept([Offer(attack(), "en")])
    assert statuses(receipts) == {"accepted": 40}
    assert rows(watched)[0].flagged is None


def test_managers_are_told_of_many_today(watched: Room) -> None:
    watched.take(attack(watched.clock().astimezone(DAY.tzinfo) - timedelta(minutes=5)))
    context = watched.context
    survey = context.surveys["in_centre"]
    scene = Scene(context.store, watched.settings, context.centre, survey, watched.clock())
    [one] = [found for found in findings(scene) if found.rule == "flagged"]
    assert one.subject == "counter:q05"
    said = "Quầy 05 (Sở Tư pháp): hôm nay 40 lượt đánh giá có dấu hiệu bất thường"
    assert sentence(one, context.centre).get("vi").startswith(said)


def traffic(chance: Random) -> list[Any]:
    """Three days of forms and ratings, among them bursts, runs, crowds and taps at night."""
    items = []
    for day in range(3):
        for number in range(25):
            place = chance.choice((PLACE, {"department": "so_y_te", "counter": "q09"}))
            begin = DAY - timedelta(days=day, hours=chance.choice((0, 0, 0, 7)))
            at = begin + timedelta(seconds=chance.choice((number * 300, number)))
            said = {"answered_at": at.isoformat(), "visit": f"v{chance.randint(0, 40)}", **place}
            said["channel"] = chance.choice(("kiosk", "qr"))
            if said["channel"] == "qr" and chance.random() < 0.2:
                said["crowded"] = True
            match chance.randrange(4):
                case 0:
                    items.append(submission(answers={"rating": chance.randint(1, 5)}, **said))
                case 1:
                    items.append(submission(answers={"reasons": [chance.randint(1, 4)]}, **said))
                case 2:
                    items.append(sipas([chance.randint(0, 5) for _ in range(21)] + [5], **said))
                case _:
                    answers = {"b1_1": chance.randint(1, 4), "b1_2": chance.randint(0, 90)}
                    items.append(submission(survey="business", answers=answers, **said))
    return items


@pytest.mark.parametrize("seed", [3, 8])
def test_what_is_flagged_and_the_others_are_the_whole(watched: Room, seed: int) -> None:
    """Of each survey, by whatever rows: to the last answer, and to the last sum of a pool."""
    watched.take(traffic(Random(seed)))
    context = watched.context
    store, centre = context.store, context.centre
    for id in ("in_centre", "sipas_2020", "business"):
        survey = context.surveys[id]
        flagging = Flagging(survey, centre)
        whole, others = store.snapshot(), store.snapshot().unflagged(flagging)
        with store.database.begin() as connection:
            flagged = flagging.numbers(connection, id, Span(date(2026, 11, 1), date(2026, 11, 30)))
        own = [row for row in store.submissions(None, None) if row.survey == id]
        assert 0 < len(flagged) < len(own)
        left: dict[str, list[Answered]] = defaultdict(list)
        for row in own:
            if row.number not in flagged:
                place = (row.channel, row.department or "", row.counter or "")
                left[str(row.day)].append(Answered(*place, row.answers))
        tallies = [
            (id, day, *row[2:5], row[0], row[1], row[5])
            for day, answered in left.items()
            for row in by_code(survey, answered)
        ]
        pooled_rows = [
            (id, day, *row[2:5], row[0], row[1], *row[5:])
            for day, answered in left.items()
            for row in pooled(survey, answered)
        ]
        chosen = Selection(id)
        by: Any = ("day", "channel", "department", "counter", "question")
        counted = others.counts(chosen, by).itertuples(index=False, name=None)
        assert sorted((str(one[0]), *one[1:]) for one in counted) == sorted(
            row[1:] for row in tallies
        )
        by = ("day", "channel", "department", "counter")
        for factor in sorted({str(row[5]) for row in pooled_rows}):
            summed = others.pooled(chosen, by, factor).itertuples(index=False, name=None)
            wanted = [(*row[1:5], *row[6:]) for row in pooled_rows if row[5] == factor]
            found = [(str(one[0]), *one[1:]) for one in summed if any(one[5:])]
            assert sorted(found) == sorted(wanted)
        keys: list[Any] = ["question"]
        keys += ["centre", "department", "counter", "day"] if survey.has_total else []
        for key in keys:
            lines = figure_rows(whole, survey, centre, chosen, key)
            parts = {row.key: row for row in figure_rows(others, survey, centre, chosen, key)}
            assert any(row.flagged for row in lines)
            for line in lines:
                other = parts.get(line.key) or line.emptied()
                taken = line.flagged.n if line.flagged else 0
                assert line.n == other.n + taken
                assert all(line.counts[code] >= n for code, n in other.counts.items())
                if line.unflagged:
                    assert line.unflagged.measures == other.measures


def test_what_an_official_got_without_flags_follows_answers_and_the_roster(watched: Room) -> None:
    """Of past days it is kept: another official, or a late burst, makes it anew."""
    context = watched.context
    store, survey = context.store, context.surveys["in_centre"]
    flagging, layout = Flagging(survey, context.centre), OfShifts(survey, context.centre)
    [measure, *_] = survey.measures_of(survey.measured[0])

    def ratings(view: Store) -> dict[str, int]:
        columns = view.sums(
            layout,
            Selection(survey.id),
            ("day", "official"),
            ("respondents",),
            lambda item: item == (RATED, measure),
        )
        found: Counter[str] = Counter()
        for _, official, n in zip(*columns.values(), strict=True):
            found[official] += n
        return dict(found)

    def sit(official: str) -> None:
        shift = Shift(DAY.date(), "q05", 0, 24 * 60, official)
        told = Entry(
            context.clock(), "chi", "roster.imported", {"file": "", "added": 1, "removed": 0}
        )
        store.roster.put([shift], lambda *_: told)

    watched.take([*honest(), *attack(), *spread([5], DAY + timedelta(days=1))])
    for official in ("1", "2"):
        sit(official)
        assert ratings(store) == {official: 50}
        assert ratings(store.unflagged(flagging)) == {official: 10}
    watched.take(attack(DAY + timedelta(hours=3)))
    assert ratings(store) == {"2": 90}
    assert ratings(store.unflagged(flagging)) == {"2": 10}


def test_a_follow_up_and_a_form_have_the_flags_of_their_visits_rating(watched: Room) -> None:
    begin = DAY.replace(hour=5)  # nobody is there
    for number, reason in enumerate((3, 1)):
        at = (begin + timedelta(hours=5 * number)).isoformat()
        said: dict[str, Any] = {"visit": f"visit-{number}", "answered_at": at, **PLACE}
        watched.take([submission(**said), submission(answers={"reasons": [reason]}, **said)])
        watched.take([sipas([5] * 22, **said | {"channel": "qr"})])  # as from a phone at home
    context = watched.context
    for id in ("in_centre", "sipas_2020"):
        survey, chosen = context.surveys[id], Selection(id)
        found = figure_rows(context.store, survey, context.centre, chosen, "question")
        assert found
        assert {row.flagged.n for row in found if row.flagged} == {1}
        assert {dict(row.flagged.rules)["closed"] for row in found if row.flagged} == {1}
    survey = context.surveys["in_centre"]
    _, reasons = reason_rows(context.store, survey, context.centre, Selection(survey.id))
    flagged = {row.key: row.flagged is not None for row in reasons if row.n}
    assert flagged == {"reasons.3": True, "reasons.1": False}
    map = hour_map(context.store, survey, context.centre, Selection(survey.id), "very_satisfied")
    assert {slot for slot, one in map.slots.items() if one.row.flagged} == {
        (None, None),
        (4, None),
        (None, 5),
        (4, 5),
    }


def test_a_codes_usual_day_counts_where_no_dossiers_are_known(watched: Room) -> None:
    """Thirty forms spread over a day, at a code that has one or two on others."""
    usual = [
        one
        for back in range(1, 15)
        for one in spread([5, 4], DAY - timedelta(days=back), every=4_000, channel="qr")
    ]
    day = spread([1, 2, 5] * 10, DAY.replace(hour=8), every=900, channel="qr")
    watched.take(day)
    assert rows(watched)[0].flagged is None  # nothing is known of the code
    watched.take([*usual, *spread([5], DAY + timedelta(days=1))])
    chosen = {"since": DAY.date(), "until": DAY.date()}
    flagged = rows(watched, **chosen)[0].flagged  # answers of days before change it
    assert flagged is not None
    assert dict(flagged.rules) == {"code": 30}
    settled = {"day": DAY.date(), "department": "so_tu_phap", "dossiers": 40}
    watched.context.store.put_transactions([settled])
    assert rows(watched, **chosen)[0].flagged is None  # there were many visitors
    watched.context.store.put_transactions([settled | {"dossiers": 5}])
    assert rows(watched, **chosen)[0].flagged == flagged


def test_pages_of_other_surveys_have_both_side_by_side(make_room: Callable[..., Room]) -> None:
    room = make_room(centre=CENTRE)
    room.context.accounts.add_user("quan_ly", "manager")
    room.client.get(room.context.accounts.new_link("quan_ly", ""))

    def at(number: int) -> dict[str, Any]:
        answered = (DAY + timedelta(minutes=number)).isoformat()
        more = {"crowded": True} if number >= 4 else {}
        return {"answered_at": answered, "channel": "qr", "visit": f"v{number}", **PLACE, **more}

    room.take([sipas([5 if n < 4 else 1] * 22, **at(n)) for n in range(10)])
    for number, answers in enumerate(({"b1_1": 4, "b1_2": 5}, {"b1_1": 1, "b1_2": 80})):
        room.take([submission(survey="business", answers=answers, **at(number * 6))])
    where = "?period=day&date=2026-11-20"
    for path, said in (
        ("/sipas", "không tính 6 lượt có dấu hiệu bất thường: 100,0%"),
        ("/sipas", "không tính 6 lượt có dấu hiệu bất thường: 10,00"),  # points of PAR INDEX
        ("/business", "không tính 1 lượt có dấu hiệu bất thường: 100,0%"),
        ("/business", "không tính 1 lượt có dấu hiệu bất thường: 5"),  # a median
        ("/comparison", "không tính 6 lượt có dấu hiệu bất thường: 100,0%"),
    ):
        page = path + where + ("&survey=sipas_2020" if path == "/comparison" else "")
        assert said in shown(room, page), (path, said)
    bearer = {"authorization": f"Bearer {room.reader}"}
    for by in ("centre", "factor", "question", "department"):
        asked = f"/api/v1/satisfaction?survey=sipas_2020&by={by}"
        lines = room.client.get(asked, headers=bearer).json()["rows"]
        given = [row for row in lines if row["n"]]
        assert {row["flagged"]["n"] for row in given} == {6}
        shares = [row["flagged"]["measures_without"] for row in given]
        assert {one["satisfied_or_better"]["share"] for one in shares} == {1.0}


def test_pages_and_json_have_both_side_by_side(make_room: Callable[..., Room]) -> None:
    room = make_room(centre=CENTRE)
    room.context.accounts.add_user("quan_ly", "manager")
    room.client.get(room.context.accounts.new_link("quan_ly", ""))
    room.take(honest())
    where = "?period=day&date=2026-11-20"
    for path in ("/", "/comparison", "/briefing"):
        assert "dấu hiệu bất thường" not in shown(room, path + where)
    room.take(attack())
    beside = "không tính 40 lượt có dấu hiệu bất thường: 80,0%"
    for path in ("/", "/comparison", "/briefing", "/department/so_tu_phap"):
        assert beside in shown(room, path + where), path
    bearer = {"authorization": f"Bearer {room.reader}"}
    asked = "/api/v1/satisfaction?survey=in_centre&by=centre"
    [row] = room.client.get(asked, headers=bearer).json()["rows"]
    assert row["n"] == 50
    assert {name: row["flagged"][name] for name in ("n", "counts", "rules")} == {
        "n": 40,
        "counts": {"1": 40},
        "rules": {"burst": 40, "run": 40},
    }
    assert row["flagged"]["measures_without"]["very_satisfied"]["share"] == 0.8
    [figure] = rows(room)
    assert figure.flagged is not None
    assert RowJson.of(figure, "vi", publish=True).flagged is None  # it may be a small group
