"""What every handler needs, handed down once: centre, instruments, outbox, pages."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID, uuid5

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kiosk.doors import Door, Place
from kiosk.drafts import Drafts
from kiosk.outbox import Added, Outbox
from kiosk.settings import Settings
from kiosk.uploader import Uploader
from surveys.centre import Centre
from surveys.definition import Survey
from surveys.messages import LANGUAGES, Language
from surveys.wire import Channel, Submission, read_submission
from web import Pages, language_of, wants_fragment

TOUCH = {"layout": "touch.html", "frame": "_touch.html"}
PHONE = {"layout": "phone.html", "frame": "_phone.html"}


@dataclass(frozen=True)
class Room:
    """One running kiosk."""

    settings: Settings
    centre: Centre
    surveys: Mapping[str, Survey]
    bound: Place
    doors: Mapping[str, Door]
    outbox: Outbox
    drafts: Drafts
    uploader: Uploader
    pages: Pages
    clock: Callable[[], datetime]

    @property
    def rating(self) -> Survey:
        """The survey behind the faces."""
        return self.surveys[self.centre.instruments.rating]

    @property
    def in_lobby(self) -> bool:
        return self.bound.department is None

    def now(self) -> datetime:
        """The moment, on the centre's clock."""
        return self.clock().astimezone(self.centre.zone)

    def submission(
        self,
        survey: Survey,
        key: UUID,
        *,
        place: Place,
        channel: Channel,
        visit: UUID,
        language: Language,
        answers: Mapping[str, object],
        comment: str | None = None,
        fingerprint: str | None = None,
    ) -> Submission:
        """A checked submission of this moment. Raises Refused."""
        now = self.now()
        raw = {
            "id": str(key),
            "survey": survey.id,
            "fingerprint": fingerprint or survey.fingerprint,
            "department": place.department_id,
            "counter": place.counter_id,
            "channel": channel,
            "visit": str(visit),
            "answered_at": now,
            "language": language,
            "answers": dict(answers),
            "comment": comment,
        }
        return read_submission(raw, self.surveys, self.centre, now)

    async def store(self, *submissions: Submission) -> list[Added]:
        """Put submissions on disk, all or none, then wake the uploader. Raises OutboxError."""
        added = await anyio.to_thread.run_sync(self.outbox.add_all, submissions)
        self.uploader.wake()
        return added


# Words of two syllables that must not be torn apart at the end of a line.
TOGETHER = re.compile(
    r"\b(hài lòng|bình thường|du lịch|thể thao|văn hóa|môi trường|tài nguyên|đào tạo|giáo dục"
    r"|đầu tư|kế hoạch|nông nghiệp|nông thôn|phát triển|vận tải|giao thông|nội vụ|thương binh"
    r"|lao động|xã hội|xây dựng|truyền thông|thông tin|tài chính|công nghệ|khoa học|tư pháp"
    r"|công thương|nước sạch)\b",
    re.IGNORECASE,
)


def together(text: str) -> str:
    """A name or an answer with its words kept whole, for narrow cards."""
    return TOGETHER.sub(lambda found: found[0].replace(" ", "\u00a0"), text)


def room_of(request: Request) -> Room:
    """The room that serves a request."""
    return cast(Room, request.app.state.room)


def part_id(visit: UUID, part: str) -> UUID:
    """The id of one part of a visit: the same however often the form is sent or reloaded."""
    return uuid5(visit, part)


def touch_language(request: Request) -> Language:
    """Vietnamese unless the person before the screen chose: the kiosk's browser has no wish."""
    wish = request.query_params.get("lang") or request.cookies.get("lang")
    return wish if wish in LANGUAGES else "vi"


def on_phone(request: Request) -> bool:
    """Whether the asker came through a QR code."""
    return request.url.path.startswith("/f/")


def asker_language(request: Request) -> Language:
    """The language to answer in, by where the request came from."""
    return language_of(request) if on_phone(request) else touch_language(request)


def show(
    request: Request,
    name: str,
    context: Mapping[str, object] | None = None,
    *,
    status: int = 200,
    language: Language | None = None,
    address: str | None = None,
) -> HTMLResponse:
    """A screen: whole, or its fragment to htmx, in the layout that fits the asker.

    ``address`` is what the address bar should say after a post that htmx answered in place.
    """
    language = language or asker_language(request)
    looks = PHONE if on_phone(request) else TOUCH
    full = {**looks, "place": None, "home": "/", "errors": {}, **(context or {})}
    response = room_of(request).pages.render(request, name, full, language=language, status=status)
    if request.cookies.get("lang", "vi") != language or "lang" in request.query_params:
        response.set_cookie("lang", language, samesite="lax", httponly=True)
    if address is not None and wants_fragment(request):
        response.headers["hx-push-url"] = address
    return response


def go_to(address: str) -> Response:
    """After a post without JavaScript: a reload there repeats nothing."""
    return RedirectResponse(address, status_code=303)


def leave_for(request: Request, address: str) -> Response:
    """A whole new page, also where htmx would swap a part of this one."""
    if wants_fragment(request):
        return Response(headers={"hx-redirect": address})
    return go_to(address)
