"""The desk's registration form: server-rendered, works without JavaScript, plain Swedish, WCAG 2.1 AA."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import structlog
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from producers.sources.desk import form
from producers.sources.desk.form import Answers, Errors
from producers.sources.desk.journal import DeskJournal
from producers.sources.desk.records import Line
from producers.sources.desk.visits import Visit
from schemas.catalogue import Catalogue
from schemas.clock import Clock
from schemas.identity import Pseudonymiser
from schemas.timebase import STOCKHOLM

_log = structlog.get_logger(__name__)

BODY_LIMIT = 16_384
LOCAL_HOSTS = ("127.0.0.1", "localhost")
SECURITY_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # no-referrer would make browsers send Origin: null
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
MESSAGES = {
    "registrerat": "Besöket är registrerat.",
    "vantar": "Besökaren står i kö.",
    "kallad": "Besökaren är kallad.",
    "kom-inte": "Besökaren kom inte. Det är sparat.",
    "avslutat": "Besöket är avslutat.",
    "redan": "Det var redan sparat. Inget sparades en gång till.",
    "borta": "Besökaren står inte längre i kö.",
}
_EMPTY: Mapping[str, str] = {}


class _RefusedError(Exception):
    """The request is not answered as asked; the person gets a page that says why."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


def desk_app(
    journal_path: Path,
    catalogue: Catalogue,
    clock: Clock,
    pseudonymiser: Pseudonymiser,
    system: str,
    *,
    hosts: Sequence[str] = LOCAL_HOSTS,
) -> Starlette:
    """Return the form as an ASGI application.

    ``journal_path`` is the file that the desk source follows; ``system`` names the desk on the page.
    ``hosts`` are the host names under which the form may be asked for; others are refused. The form knows no
    users: what stands before it decides who may use it.
    """
    desk = _Desk(DeskJournal(journal_path), catalogue, clock, pseudonymiser, system)
    routes = [
        Route("/", desk.page(desk.show), methods=["GET"]),
        Route("/besok", desk.page(desk.register), methods=["POST"]),
        Route("/ko", desk.page(desk.arrive), methods=["POST"]),
        Route("/ko/{visit}/kalla", desk.page(desk.call), methods=["POST"]),
        Route("/ko/{visit}/kom-inte", desk.page(desk.miss), methods=["POST"]),
        Route("/ko/{visit}/avsluta", desk.page(desk.show_ending), methods=["GET"]),
        Route("/ko/{visit}/avsluta", desk.page(desk.end), methods=["POST"]),
        Mount("/static", StaticFiles(packages=[("producers.sources.desk", "static")])),
    ]
    middleware = [
        Middleware(_SecurityHeaders),
        Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
    ]
    return Starlette(routes=routes, middleware=middleware)


class _SecurityHeaders:
    """Adds the headers that keep other pages and scripts away from the form."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *SECURITY_HEADERS]}
            await send(message)

        await self._app(scope, receive, send_with_headers)


Handler = Callable[[Request], Awaitable[Response]]


class _Desk:
    """The pages, and what they save."""

    def __init__(
        self,
        journal: DeskJournal,
        catalogue: Catalogue,
        clock: Clock,
        pseudonymiser: Pseudonymiser,
        system: str,
    ) -> None:
        self._journal = journal
        self._catalogue = catalogue
        self._clock = clock
        self._pseudonymiser = pseudonymiser
        self._templates = Environment(
            loader=PackageLoader("producers.sources.desk"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            system=system,
            audiences=form.AUDIENCES,
            outcomes=form.OUTCOMES,
            levels=form.LEVELS,
            units=_by_label({name: unit.label for name, unit in catalogue.units.items()}),
            areas=_topics_by_area(catalogue),
            local=lambda instant: f"{instant.astimezone(STOCKHOLM):%H:%M}",
        )

    def page(self, handler: Handler) -> Handler:
        """Return a handler whose refusals and failures become pages that say what to do."""

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except _RefusedError as refused:
                return self._render("message.html", refused.status, text=refused.text)
            except OSError as error:
                _log.error("desk_journal_failed", error=type(error).__name__)
                return self._render(
                    "message.html",
                    503,
                    text="Det gick inte att spara just nu. Vänta en stund och skicka formuläret igen. "
                    "Blir det fel igen, kontakta den som ansvarar för systemet.",
                )

        return answer

    async def show(self, request: Request) -> Response:
        """Show the form and who is waiting."""
        message = MESSAGES.get(request.query_params.get("sparat", ""), "")
        return await self._start_page(200, message=message)

    async def register(self, request: Request) -> Response:
        """Save a visit that is over."""
        fields = await _fields(request)
        key, checked = _key(fields), form.check(fields, self._catalogue, self._pseudonymiser)
        if not isinstance(checked, Answers):
            return await self._start_page(422, key=key, values=fields, errors=checked)
        return await self._save(form.whole_visit(key, self._clock.now(), checked), "registrerat")

    async def arrive(self, request: Request) -> Response:
        """Save that a visitor has come and waits."""
        key = _key(await _fields(request))
        return await self._save(form.arrival(key, self._clock.now()), "vantar")

    async def call(self, request: Request) -> Response:
        """Save that a visitor is called."""
        await _fields(request)
        visit = await self._visit(request)
        if visit is None:
            return _see_start("borta")
        return await self._save(form.called(visit.visit, self._clock.now()), "kallad")

    async def miss(self, request: Request) -> Response:
        """Save that a visitor did not come."""
        await _fields(request)
        visit = await self._visit(request)
        if visit is None:
            return _see_start("borta")
        return await self._save(form.no_show(visit, self._clock.now()), "kom-inte")

    async def show_ending(self, request: Request) -> Response:
        """Show the form that ends a visit."""
        visit = await self._visit(request)
        if visit is None:
            return _see_start("borta")
        return self._ending_page(200, visit, _EMPTY, {})

    async def end(self, request: Request) -> Response:
        """Save what a visit was about and that it is over."""
        fields = await _fields(request)
        visit = await self._visit(request)
        if visit is None:
            return _see_start("borta")
        checked = form.check(fields, self._catalogue, self._pseudonymiser)
        if not isinstance(checked, Answers):
            return self._ending_page(422, visit, fields, checked)
        lines = form.ending(visit, self._clock.now(), checked, called=visit.called_at is not None)
        return await self._save(lines, "avslutat")

    async def _visit(self, request: Request) -> Visit | None:
        state = await run_in_threadpool(self._journal.state)
        return state.present.get(request.path_params["visit"])

    async def _save(self, lines: list[Line], message: str) -> Response:
        new = await run_in_threadpool(self._journal.append, lines)
        return _see_start(message if new else "redan")

    async def _start_page(
        self,
        status: int,
        key: str | None = None,
        values: Mapping[str, str] = _EMPTY,
        errors: Errors | None = None,
        message: str = "",
    ) -> Response:
        state = await run_in_threadpool(self._journal.state)
        return self._render(
            "start.html",
            status,
            key=key or uuid.uuid4().hex,
            arrival_key=uuid.uuid4().hex,
            values=_shown(values),
            errors=errors or {},
            message=message,
            waiting=state.waiting(self._clock.now()),
        )

    def _ending_page(self, status: int, visit: Visit, values: Mapping[str, str], errors: Errors) -> Response:
        known = {"audience": visit.audience.value} if visit.audience else {}
        return self._render(
            "ending.html", status, visit=visit, values={**known, **_shown(values)}, errors=errors
        )

    def _render(self, template: str, status: int, **context: object) -> Response:
        return HTMLResponse(self._templates.get_template(template).render(context), status_code=status)


def _see_start(message: str) -> Response:
    return RedirectResponse(f"/?sparat={message}", status_code=303)


def _shown(values: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed, so that it can be corrected; the number is never shown again."""
    return {name: value for name, value in values.items() if name != "number"}


def _key(fields: Mapping[str, str]) -> str:
    key = fields.get("key", "")
    if not form.is_key(key):
        raise _RefusedError(400, "Formuläret var inte helt. Ladda om sidan och fyll i det igen.")
    return key


async def _fields(request: Request) -> dict[str, str]:
    """Return the fields of a posted form. Raises _RefusedError for what is none, or not from this page."""
    if not _same_origin(request):
        raise _RefusedError(
            403, "Formuläret skickades från en annan sida. Öppna sidan på nytt och försök igen."
        )
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise _RefusedError(415, "Det som skickades var inget formulär.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise _RefusedError(413, "Det som skickades var för stort.")
    with suppress(ValueError):
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=40, errors="strict"))
    raise _RefusedError(400, "Formuläret kunde inte läsas. Ladda om sidan och fyll i det igen.")


def _same_origin(request: Request) -> bool:
    """Tell whether a form was sent from this very page: nobody else may save in a colleague's name."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    said = request.headers.get("origin") or request.headers.get("referer") or ""
    return bool(said) and urlsplit(said).netloc == request.headers.get("host")


def _by_label(labels: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(labels.items(), key=lambda pair: pair[1].casefold()))


def _topics_by_area(catalogue: Catalogue) -> list[tuple[str, dict[str, str]]]:
    """Return (area, topics with labels), without areas that have no topic."""
    grouped = [
        (
            label,
            _by_label({name: topic.label for name, topic in catalogue.topics.items() if topic.area == area}),
        )
        for area, label in catalogue.areas.items()
    ]
    return [(label, topics) for label, topics in grouped if topics]
