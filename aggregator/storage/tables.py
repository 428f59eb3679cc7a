"""The tables. Submissions are append-only; tallies are integers derived from them."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

# SQLite gives only INTEGER keys out by itself; PostgreSQL wants eight bytes spelled out.
BigKey = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC. SQLite keeps no offset, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Reads SQLite's text in one step, for speed: an export has hundreds of thousands."""
        if dialect.name == "sqlite":
            return _read_text
        return super().result_processor(dialect, coltype)


def _read_text(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


class SubmissionRow(SQLModel, table=True):
    """One accepted submission. ``day`` is the centre's local day of ``answered_at``.

    ``clock_offset`` is by how many seconds the device's clock was ahead, where that is known.
    Where that was too much ``answered_at`` is set right by it, and ``told_at`` is what was said.
    ``chain``, ``device_seq`` and ``device_mac`` are its DeviceChain, number and link there. Under
    ``comment_salt`` the comment is in the digest; ``comment_seal`` stands for both when they are
    gone (surveys.chain.sealed).

    ``fingerprint`` is that of the definition by which its answers are read, a DefinitionRow.
    ``crowded`` is what the kiosk said of its network, NULL where it said nothing. ``device`` is the
    number of the DeviceRow that handed it in, None where that is not known.
    """

    __tablename__ = "submission"
    __table_args__ = (
        Index("submission_day", "day", "visit"),
        Index("submission_survey_day", "survey", "day"),
        Index(
            *("submission_commented", "day", "number"),
            sqlite_where=text("comment IS NOT NULL"),
            postgresql_where=text("comment IS NOT NULL"),
        ),
    )

    number: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    id: str = Field(max_length=36, unique=True)
    survey: str = Field(max_length=40)
    fingerprint: str | None = Field(max_length=64)
    department: str | None = Field(max_length=40)
    counter: str | None = Field(max_length=40)
    channel: str = Field(max_length=10)
    visit: str | None = Field(max_length=64)
    answered_at: datetime = Field(sa_type=UtcDateTime)
    language: str | None = Field(max_length=3)
    answers: dict[str, Any] = Field(sa_type=JSON)
    comment: str | None
    day: date
    received_at: datetime = Field(sa_type=UtcDateTime)
    digest: str = Field(max_length=64)
    device: int | None = Field(default=None, sa_type=BigInteger)
    clock_offset: int | None = Field(default=None, sa_type=BigInteger)
    told_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    chain: int | None = Field(default=None, sa_type=BigInteger)
    device_seq: int | None = Field(default=None, sa_type=BigInteger)
    device_mac: str | None = Field(default=None, max_length=64)
    comment_salt: str | None = Field(default=None, max_length=32)
    comment_seal: str | None = Field(default=None, max_length=64)
    crowded: bool | None = None


class DefinitionRow(SQLModel, table=True):
    """A survey's definition that has answers, whole; ``since`` is when the first came in."""

    __tablename__ = "definition"

    number: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    fingerprint: str = Field(max_length=16, unique=True)
    survey: str = Field(max_length=40)
    document: dict[str, Any] = Field(sa_type=JSON)
    since: datetime = Field(sa_type=UtcDateTime)


# Rows that are read as a range of their key: without a row id SQLite stores them in that order.
CLUSTERED = {"sqlite_with_rowid": False}


class OfBlock(SQLModel):
    """The tallies of a survey from one day to another as a matrix; see blocks.Block.

    ``tallied`` is the name of a rollups.Layout, ``width`` the bytes of each of the ``numbers``.
    """

    survey: str = Field(primary_key=True, max_length=40)
    until: date = Field(primary_key=True)  # before since: what to drop is found fast
    since: date = Field(primary_key=True)
    tallied: str = Field(primary_key=True, max_length=40)
    items: str
    places: str
    width: int
    numbers: bytes


FLAGS = "flags"  # begins the names of blocks of flags, which other surveys and dossiers change, too


class BlockRow(OfBlock, table=True):
    """A block that is made when figures of its days are read.

    Dropped by whoever stores or withdraws an answer of one of them: what is here is always what
    the answers say.
    """

    __tablename__ = "block"


class ShiftRow(SQLModel, table=True):
    """An official, by number, at a counter; see roster.Shift."""

    __tablename__ = "shift"
    __table_args__ = (CLUSTERED,)

    day: date = Field(primary_key=True)
    counter: str = Field(primary_key=True, max_length=40)
    begins: int = Field(primary_key=True)
    ends: int
    official: str = Field(max_length=20)


class Transactions(SQLModel, table=True):
    """Dossiers settled on a day: the denominator of participation. '' is the whole centre."""

    day: date = Field(primary_key=True)
    department: str = Field(primary_key=True, max_length=40)
    dossiers: int


class HandlingTally(SQLModel, table=True):
    """How many dossiers settled on a day got 0, 1 or 2 points of an indicator, or no answer.

    The indicators are those that Circular 01/2018/TT-VPCP takes dossier by dossier. The
    dossiers themselves are not kept.
    """

    __tablename__ = "handling_tally"
    __table_args__ = (CLUSTERED,)

    department: str = Field(primary_key=True, max_length=40)
    indicator: int = Field(primary_key=True)
    day: date = Field(primary_key=True)
    unanswered: int = Field(sa_type=BigInteger)
    zero: int = Field(sa_type=BigInteger)
    one: int = Field(sa_type=BigInteger)
    two: int = Field(sa_type=BigInteger)


class HandlingFacts(SQLModel, table=True):
    """A department's own facts for the same circular, as they stood on a day; NULL: unanswered.

    Feedback is counted since the department's previous row.
    """

    __tablename__ = "handling_facts"

    day: date = Field(primary_key=True)
    department: str = Field(primary_key=True, max_length=40)
    decided_at_desk: int | None
    posted: int | None
    published_online: int | None
    feedback: int | None
    feedback_on_time: int | None
    online: int | None


class Operation(SQLModel, table=True):
    """What was counted of a centre's work from ``day`` to ``until``; '' is the whole centre.

    ``figure`` is one of figures/operations.py, such as ``visits``.
    """

    day: date = Field(primary_key=True)
    until: date = Field(primary_key=True)
    department: str = Field(primary_key=True, max_length=40)
    figure: str = Field(primary_key=True, max_length=20)
    value: int = Field(sa_type=BigInteger)


class CentreVersion(SQLModel, table=True):
    """A version of the centre's document: who saved it, when and why. The newest is in force."""

    __tablename__ = "centre_version"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    saved_at: datetime = Field(sa_type=UtcDateTime)
    saved_by: str = Field(max_length=64)
    reason: str
    document: str


class User(SQLModel, table=True):
    """An account. Without a password it signs in by link, or by its ``identity``.

    ``department`` is that of a head. ``identity`` is an OpenID Connect issuer and the subject's
    id there, with a space between.
    """

    __tablename__ = "account"

    name: str = Field(primary_key=True, max_length=64)
    role: str = Field(max_length=20)
    password_hash: str | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    department: str | None = Field(default=None, max_length=40)
    disabled: bool = False
    identity: str | None = Field(default=None, max_length=512, unique=True)


class Token(SQLModel, table=True):
    """A secret, as its SHA-256: of a device, reader, session, sign-in link or known browser.

    An invitation's has the ``role`` and ``department`` of the account that it allows to make.
    """

    hash: str = Field(primary_key=True, max_length=64)
    kind: str = Field(max_length=10)
    name: str = Field(max_length=64)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    role: str | None = Field(default=None, max_length=20)
    department: str | None = Field(default=None, max_length=40)


class DeviceRow(SQLModel, table=True):
    """A device that hands submissions in; see devices.Devices.

    From ``pending`` on it is what the device last told of itself: answers that wait on its
    disk, those that were refused, by how many seconds its clock is ahead, its release, the
    department or counter by which it works.
    ``formerly`` are devices.Stay as lists: department, counter and until when, in ISO 8601.
    ``channels`` are those that it may use, NULL: devices.CHANNELS.
    """

    __tablename__ = "device"

    number: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    name: str = Field(max_length=64, unique=True)
    department: str | None = Field(default=None, max_length=40)
    counter: str | None = Field(default=None, max_length=40)
    enrolled_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    pending: int | None = Field(default=None, sa_type=BigInteger)
    refused: int | None = Field(default=None, sa_type=BigInteger)
    drift: int | None = Field(default=None, sa_type=BigInteger)
    version: str | None = Field(default=None, max_length=40)
    told_department: str | None = Field(default=None, max_length=40)
    told_counter: str | None = Field(default=None, max_length=40)
    formerly: list[list[str | None]] | None = Field(default=None, sa_type=JSON)
    channels: list[str] | None = Field(default=None, sa_type=JSON)


class OneTimeCode(SQLModel, table=True):
    """The hash of a one-time code that its kiosk has not fetched yet; see one_time.OneTimeCodes."""

    __tablename__ = "one_time_code"
    # Numbers are never used again: a kiosk says up to which one it has its codes.
    __table_args__ = (
        Index("one_time_code_device", "device", "number"),
        {"sqlite_autoincrement": True},
    )

    number: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    device: int = Field(sa_type=BigInteger)
    hash: str = Field(max_length=64, unique=True)
    department: str | None = Field(default=None, max_length=40)
    counter: str | None = Field(default=None, max_length=40)
    until: date


class CodeServer(SQLModel, table=True):
    """Where phones reach a kiosk that serves one-time codes."""

    __tablename__ = "code_server"

    device: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    address: str = Field(max_length=200)


class DeviceChain(SQLModel, table=True):
    """The numbers that one outbox of a device gives; see chains.Progress.

    ``runs`` are chains.Run as lists, ``unnumbered`` how many submissions of the device came
    without a number after the chain had begun.
    """

    __tablename__ = "device_chain"

    number: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    name: str = Field(max_length=32, unique=True)
    device: int = Field(sa_type=BigInteger)
    key: str = Field(max_length=64)
    begun_at: datetime = Field(sa_type=UtcDateTime)
    runs: list[list[Any]] = Field(sa_type=JSON)
    lost: int = Field(default=0, sa_type=BigInteger)
    unnumbered: int = Field(default=0, sa_type=BigInteger)


class ChainNote(SQLModel, table=True):
    """What was odd about a number of a chain when it came; ``kind`` is chains.Kind."""

    __tablename__ = "chain_note"
    __table_args__ = (Index("chain_note_of", "chain", "seq"),)

    number: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    chain: int = Field(sa_type=BigInteger)
    seq: int = Field(sa_type=BigInteger)
    mac: str = Field(max_length=64)
    kind: str = Field(max_length=10)
    at: datetime = Field(sa_type=UtcDateTime)


class ClosingRow(SQLModel, table=True):
    """A closed day, or what came late of one, which triggers keep from being changed or deleted.

    See closings.Entry.
    """

    __tablename__ = "closing"
    __table_args__ = (Index("closing_day", "day"),)

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    day: date
    since: int = Field(sa_type=BigInteger)
    until: int = Field(sa_type=BigInteger)
    n: int = Field(sa_type=BigInteger)
    root: str = Field(max_length=64)
    closed_at: datetime = Field(sa_type=UtcDateTime)
    before: str = Field(max_length=64)
    hash: str = Field(max_length=64)
    journal: str | None = Field(default=None, max_length=64)


class JournalRow(SQLModel, table=True):
    """How other rows stood after a change, which triggers keep as it is; see journal.Entry."""

    __tablename__ = "journal"
    __table_args__ = (Index("journal_key", "kind", "key"),)

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    kind: str = Field(max_length=40)
    key: str = Field(max_length=64)
    digest: str = Field(max_length=64)
    before: str = Field(max_length=64)
    hash: str = Field(max_length=64)


class RestoreRow(SQLModel, table=True):
    """A restore that somebody answers for, which triggers keep as it is; see restores.Restore.

    ``missing`` are the numbers of devices that went with it: chain, first and last.
    """

    __tablename__ = "restore"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    restored: date
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str = Field(max_length=64)
    reason: str = Field(max_length=500)
    missing: list[list[int]] = Field(sa_type=JSON)


class AlertRow(SQLModel, table=True):
    """Something that should be looked at; see alerts.AlertLog.

    ``rule`` is the kind of rule of surveys.alerts by which it is told of, or the field of Alerts;
    ``subject`` what it is about: a unit, with its rule where each tells its own; a device, or ''
    for the machine. ``live`` is 1 until it has
    ended, then NULL: so one rule has one live alert for a subject.
    """

    __tablename__ = "alert"
    __table_args__ = (
        UniqueConstraint("rule", "subject", "live", name="alert_once"),
        Index("alert_begun_at", "begun_at"),
    )

    number: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    rule: str = Field(max_length=20)
    subject: str = Field(max_length=80)
    details: dict[str, Any] = Field(sa_type=JSON)
    begun_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    live: int | None = 1
    seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    seen_by: str | None = Field(default=None, max_length=64)
    note: str | None = None


class AlertPost(SQLModel, table=True):
    """An alert on its way to an address: an outbox. A row stays until it was sent, and after.

    ``channel`` is ``webhook``, or an e-mail address. ``due_at`` is when to try (next).
    """

    __tablename__ = "alert_post"
    __table_args__ = (
        UniqueConstraint("alert", "channel", name="alert_post_once"),
        Index("alert_post_due", "sent_at", "due_at"),
    )

    number: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    alert: int = Field(sa_column=Column(BigInteger, ForeignKey("alert.number"), nullable=False))
    channel: str = Field(max_length=254)
    due_at: datetime = Field(sa_type=UtcDateTime)
    tries: int = 0
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    error: str | None = None


class CommentEventRow(SQLModel, table=True):
    """What was done about a comment, which triggers keep from being changed or deleted.

    ``comment`` is the number of the submission, ``kind`` a comments.Act, ``value`` the tag.
    """

    __tablename__ = "comment_event"
    __table_args__ = (Index("comment_event_of", "comment"),)

    number: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    comment: int = Field(
        sa_column=Column(BigInteger, ForeignKey("submission.number"), nullable=False)
    )
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str = Field(max_length=64)
    kind: str = Field(max_length=10)
    value: str = Field(max_length=40)


class WrongPassword(SQLModel, table=True):
    """How many wrong passwords or codes a bucket has (dashboard/throttle.py), on PostgreSQL only.

    ``bucket`` is a SHA-256; times are seconds since 1970. The row is deleted after ``until``.
    """

    __tablename__ = "wrong_password"

    bucket: str = Field(primary_key=True, max_length=64)
    wrong: float
    since: float
    until: float


class AuditRow(SQLModel, table=True):
    """An entry of the audit log, which triggers keep from being changed or deleted.

    ``words`` is what is searched, in small letters; ``unmarked`` the same without diacritics.
    """

    __tablename__ = "audit"
    __table_args__ = (Index("audit_at", "at"),)

    number: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    at: datetime = Field(sa_type=UtcDateTime)
    kind: str = Field(max_length=20)
    event: str = Field(max_length=60)
    actor: str = Field(max_length=64)
    details: dict[str, Any] = Field(sa_type=JSON)
    words: str
    unmarked: str


class CaseRow(SQLModel, table=True):
    """A case of a citizen as it stands; see cases.Case. Changed with each of its events.

    ``submission`` is the id of the submission whose comment it is of, None where it was entered
    by hand. ``last`` is the number of its newest event. ``missed`` is whether an answer came after
    its deadline, ``due_at`` and ``answered_at`` are of the present round: since it was opened, or
    reopened.
    """

    __tablename__ = "citizen_case"
    __table_args__ = (Index("citizen_case_opened", "opened_at"),)

    number: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    submission: str | None = Field(default=None, max_length=36, unique=True)
    way: str = Field(max_length=10)
    department: str | None = Field(default=None, max_length=40)
    state: str = Field(max_length=10)
    opened_at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime = Field(sa_type=UtcDateTime)
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    missed: bool = False
    reopened: bool = False
    last: int = Field(sa_type=BigInteger)


class CaseEventRow(SQLModel, table=True):
    """What happened to a case; triggers keep it from being changed or deleted.

    ``actor`` is None where the citizen did it.
    """

    __tablename__ = "case_event"

    number: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    case_number: int = Field(sa_type=BigInteger, index=True)
    at: datetime = Field(sa_type=UtcDateTime)
    kind: str = Field(max_length=10)
    actor: str | None = Field(default=None, max_length=64)
    department: str | None = Field(default=None, max_length=40)
    text: str | None = None


class ReceiptRow(SQLModel, table=True):
    """The hash of a receipt code, of a submission or of a case that was entered by hand."""

    __tablename__ = "receipt"

    hash: str = Field(primary_key=True, max_length=64)
    submission: str | None = Field(default=None, max_length=36, unique=True)
    case_number: int | None = Field(default=None, sa_type=BigInteger, unique=True)
    given_at: datetime = Field(sa_type=UtcDateTime)


class ContactRow(SQLModel, table=True):
    """How somebody wants to be called back, encrypted; see contacts.Contacts."""

    __tablename__ = "contact"

    receipt: str = Field(primary_key=True, max_length=64)
    sealed: str
    left_at: datetime = Field(sa_type=UtcDateTime)


class FrozenBlockRow(OfBlock, table=True):
    """The block of a day as it was when its month was frozen for publication.

    A row of a whole month, without numbers, says that it was.
    Triggers keep rows from being changed or deleted.
    """

    __tablename__ = "frozen_block"


class PublishedGroupRow(SQLModel, table=True):
    """A group that was published, or found too small for it; see ledger.Group.

    ``key`` is a hash of the group, ``kind`` that of the public board's period, '' for groups
    that were asked for by others. ``figures`` are those of the board. Triggers keep rows from
    being changed or deleted.
    """

    __tablename__ = "published_group"
    __table_args__ = (Index("published_group_of", "survey", "question", "kind", "until"),)

    number: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str = Field(max_length=80)
    survey: str = Field(max_length=40)
    question: str = Field(max_length=40)
    since: date
    until: date
    channel: str = Field(max_length=10)
    places: str
    key: str = Field(max_length=64, unique=True)
    kind: str = Field(max_length=10)
    department: str = Field(max_length=40)
    shown: bool
    figures: dict[str, Any] = Field(sa_type=JSON)


class PublicAnswerRow(SQLModel, table=True):
    """What the public reads of a case; the newest row of a case counts, an empty one takes back.

    Triggers keep rows from being changed or deleted.
    """

    __tablename__ = "public_answer"
    __table_args__ = (Index("public_answer_of", "case_number"),)

    number: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    case_number: int = Field(sa_type=BigInteger)
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str = Field(max_length=64)
    said: str
    done: str


class HardData(SQLModel, table=True):
    """A number of a year from records, beside what businesses say: of PCI or of a DDCI.

    ``department`` is '' where it is the whole province's. ``indicator`` is a column of the DDCI,
    or what it is called. ``sub_index`` is a factor of the business survey, '' where the DDCI says
    what it belongs to.
    """

    __tablename__ = "hard_data"

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    department: str = Field(primary_key=True, max_length=64)
    indicator: str = Field(primary_key=True, max_length=120)
    sub_index: str = Field(max_length=64)
    value: float
    unit: str = Field(max_length=40)
    source: str = Field(max_length=200)


class BatchRow(SQLModel, table=True):
    """A version of a batch of the data desk; see batches.Batches. Triggers keep it as it is.

    ``hash`` is the SHA-256 of the file, '' where the batch was withdrawn: then it has no rows.
    ``cells`` are what it set in the table of its kind, None where its rows are submissions.
    ``sheet`` is that of the file where it has several, else ''. ``sketch`` is what its rows are
    known by again (intake.desk.likeness), None where it was withdrawn.
    """

    __tablename__ = "batch"
    __table_args__ = (UniqueConstraint("name", "version", name="batch_version"),)

    number: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    name: str = Field(max_length=80)
    version: int
    kind: str = Field(max_length=20)
    survey: str | None = Field(default=None, max_length=40)
    file: str = Field(max_length=120)
    hash: str = Field(max_length=64)
    rows: int
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str = Field(max_length=64)
    cells: list[list[Any]] | None = Field(default=None, sa_type=JSON)
    sheet: str = Field(default="", max_length=80, sa_column_kwargs={"server_default": ""})
    sketch: dict[str, int] | None = Field(default=None, sa_type=JSON)


class BatchSubmission(SQLModel, table=True):
    """Which version of a batch brought a submission in, by their numbers."""

    __tablename__ = "batch_submission"

    submission: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    batch: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))


class Withdrawal(SQLModel, table=True):
    """A submission that no longer counts, and the version of a batch without which it stands.

    The submission itself stays as it was; triggers keep this as it is.
    """

    __tablename__ = "withdrawal"

    submission: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    batch: int = Field(sa_column=Column(BigInteger, nullable=False))


class DeskFile(SQLModel, table=True):
    """A file on the desk until somebody takes it or puts it away; at most for an hour."""

    __tablename__ = "desk_file"

    id: str = Field(primary_key=True, max_length=36)
    name: str = Field(max_length=120)
    kind: str = Field(max_length=20)
    survey: str | None = Field(default=None, max_length=40)
    data: bytes
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str = Field(max_length=64)


class DeskColumns(SQLModel, table=True):
    """Which column of a table is which field, as somebody last agreed, by the header's SHA-256."""

    __tablename__ = "desk_columns"

    header: str = Field(primary_key=True, max_length=64)
    kind: str = Field(primary_key=True, max_length=60)
    columns: dict[str, Any] = Field(sa_type=JSON)


class BallotBatch(SQLModel, table=True):
    """Paper ballots that were printed as one batch; ``number`` is that of its first version.

    ``survey`` and ``fingerprint`` are what is printed on them. They are of a ``counter``, a
    ``department`` or the whole centre; ``places`` are the departments that a ballot asks to choose
    from, in the order of their keys. Of the ``printed`` ballots so many were ``handed_out``, and
    so many ``returned`` in the box, where that was counted. ``seed`` (hexadecimal) draws those
    that are typed twice: nobody is shown it.
    """

    __tablename__ = "ballot_batch"

    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    name: str = Field(max_length=80, unique=True)
    survey: str = Field(max_length=40)
    fingerprint: str = Field(max_length=16)
    department: str | None = Field(default=None, max_length=40)
    counter: str | None = Field(default=None, max_length=40)
    places: list[str] = Field(sa_type=JSON)
    day: date
    printed: int
    seed: str = Field(max_length=64)
    handed_out: int | None = None
    returned: int | None = None


class BallotEntry(SQLModel, table=True):
    """What somebody typed of a ballot, once; triggers keep it as it is. See ballots.Ballots.

    ``turn`` numbers what was typed of one ballot, from 1. ``submission`` is the id of the one that
    it counts as, None where it counts as none. A comment is there alone, where it may be deleted.
    """

    __tablename__ = "ballot_entry"
    __table_args__ = (UniqueConstraint("batch", "serial", "turn", name="ballot_turn"),)

    number: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    id: str = Field(max_length=36, unique=True)
    batch: int = Field(sa_type=BigInteger)
    serial: int
    turn: int
    kind: str = Field(max_length=10)
    outcome: str = Field(max_length=10)
    department: str | None = Field(default=None, max_length=40)
    answers: dict[str, Any] = Field(sa_type=JSON)
    submission: str | None = Field(default=None, max_length=36)
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str = Field(max_length=64)


class ReportTextRow(SQLModel, table=True):
    """What was written into a period's report; the newest row of a period counts.

    See issued.Texts. Triggers keep rows from being changed or deleted.
    """

    __tablename__ = "report_text"
    __table_args__ = (Index("report_text_of", "survey", "kind", "since"),)

    number: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    survey: str = Field(max_length=40)
    kind: str = Field(max_length=10)
    since: date
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str = Field(max_length=64)
    limits: str
    causes: str
    proposals: str


class IssuedReportRow(SQLModel, table=True):
    """A report as it was issued; see issued.Issued. Triggers keep it as it is.

    ``figures`` are the cells of its tables as JSON. ``hash`` is over the row, its files' hashes
    and the hash of the row ``before``.
    """

    __tablename__ = "issued_report"
    __table_args__ = (
        UniqueConstraint("year", "registered", name="issued_report_registered"),
        Index("issued_report_of", "survey", "kind", "since"),
    )

    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str = Field(max_length=80)
    survey: str = Field(max_length=40)
    kind: str = Field(max_length=10)
    since: date
    until: date
    organisation: str = Field(max_length=10)
    published: bool
    language: str = Field(max_length=10)
    year: int
    registered: int
    symbol: str = Field(max_length=60)
    day: date
    replaces: int | None
    texts: int = Field(sa_type=BigInteger)
    basis: str = Field(max_length=64)
    figures: str
    before: str = Field(max_length=64)
    hash: str = Field(max_length=64)


class IssuedFileRow(SQLModel, table=True):
    """A file of an issued report, byte for byte. Triggers keep it as it is."""

    __tablename__ = "issued_file"

    report: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    format: str = Field(primary_key=True, max_length=10)
    sha256: str = Field(max_length=64)
    size: int
    content: bytes
