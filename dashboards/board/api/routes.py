"""The addresses of the API: what each takes, answers and demands. Routes and OpenAPI both come from here."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboards.board.access import May, Visitor
from dashboards.board.api.asking import Asked, MetricAsked, NothingAsked, PictureAsked, SurgesAsked
from dashboards.board.api.figures import metric_rows
from dashboards.board.api.models import (
    Health,
    InvalidParameter,
    MetricOut,
    Metrics,
    Picture,
    ProblemCode,
    Rows,
    Sources,
    Surges,
)
from dashboards.board.api.pictures import PERIODS, picture_out, source_out, surge_out
from dashboards.board.api.problems import ProblemError
from dashboards.board.audience import Audience, nameless, sensitive_topics, shown_to
from dashboards.board.gate import Gate
from dashboards.board.live import Live, Snapshot
from dashboards.board.periods import Period
from dashboards.board.picture import Picture as Shown
from dashboards.board.reading import read_surges
from dashboards.figures import Store
from dashboards.labels import topic_label
from schemas.catalogue import Catalogue
from schemas.clickhouse.queries import Between
from schemas.clock import Clock
from schemas.errors import RetriableError
from schemas.metric import Metric
from schemas.metrics import BY_NAME, METRICS
from schemas.timebase import day_start, local_day

T = TypeVar("T")

PREFIX = "/api/v1"
SHORT, LONG = "private, no-cache", "private, max-age=300"
OTHER_METHODS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")
READINGS_AT_ONCE = 2
READINGS_WAITING = 20


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address. ``path`` is below the prefix, and may hold ``{metric}``."""

    path: str
    name: str
    summary: str
    asked: type[Asked]
    answer: type[BaseModel]
    permit: May
    cache: str = SHORT


ENDPOINTS = (
    Endpoint("/picture", "picture", "The picture of this moment", PictureAsked, Picture, May.API),
    Endpoint("/metrics", "metrics", "How each metric is counted", NothingAsked, Metrics, May.API, LONG),
    Endpoint("/metrics/{metric}", "metric", "A metric over a period", MetricAsked, Rows, May.API),
    Endpoint("/surges", "surges", "Surges that began within a period", SurgesAsked, Surges, May.API),
    Endpoint("/sources", "sources", "How the sources do", NothingAsked, Sources, May.SOURCES),
    Endpoint("/health", "health", "How the board does", NothingAsked, Health, May.SOURCES),
)


class Api:
    """The answers. Heavy readings wait for one another, so that the board itself is not held up."""

    def __init__(self, live: Live, store: Store, clock: Clock, catalogue: Catalogue, gate: Gate) -> None:
        """Take what there is to be asked; ``store`` is called from threads."""
        self._live = live
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._gate = gate
        self._reading = asyncio.Semaphore(READINGS_AT_ONCE)
        self._waiting = 0

    def routes(self) -> list[Route]:
        """Return the routes, and one for the description of them all."""
        answers: dict[str, Callable[[Request, Any], Awaitable[BaseModel]]] = {
            "picture": self._picture,
            "metrics": self._metrics,
            "metric": self._metric,
            "surges": self._surges,
            "sources": self._sources,
            "health": self._health,
        }
        pages = [(PREFIX + e.path, self._endpoint(e, answers[e.name])) for e in ENDPOINTS]
        pages.append((f"{PREFIX}/openapi.json", self._description))
        routes = [Route(path, page, methods=["GET"]) for path, page in pages]
        others = [Route(path, _only_get, methods=OTHER_METHODS) for path, _ in pages]
        return [*routes, *others, Route("/api/{rest:path}", _missing)]

    def _endpoint(
        self, endpoint: Endpoint, answer: Callable[[Request, Any], Awaitable[BaseModel]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def page(request: Request) -> Response:
            try:
                self._admit(self._gate.visitor(request), endpoint)
                body = (await answer(request, _parameters(request, endpoint))).model_dump_json()
            except ProblemError as error:
                return error.response()
            except RetriableError:
                return ProblemError(ProblemCode.AWAY, "Try again in a few seconds.").response()
            return answered(request, body.encode(), "application/json", endpoint.cache)

        return page

    def _admit(self, visitor: Visitor | None, endpoint: Endpoint) -> None:
        if visitor is None:
            raise ProblemError(ProblemCode.UNAUTHENTICATED, "Send a token as Authorization: Bearer.")
        if not visitor.may(endpoint.permit):
            raise ProblemError(ProblemCode.FORBIDDEN, f"It takes a role with {endpoint.permit.value}.")

    async def _shown(self, period: Period) -> tuple[Snapshot, Shown]:
        snapshot = await self._live.current(period)
        if snapshot.picture is None:
            raise ProblemError(ProblemCode.AWAY, "There is no picture yet. Try again in a few seconds.")
        return snapshot, snapshot.picture

    async def _picture(self, request: Request, asked: PictureAsked) -> Picture:
        del request
        snapshot, shown = await self._shown(PERIODS[asked.period])
        return picture_out(shown_to(shown, Audience.WALL, self._catalogue), snapshot, asked.period)

    async def _metrics(self, _: Request, asked: NothingAsked) -> Metrics:
        del asked
        return Metrics(metrics=tuple(map(_metric_out, METRICS)))

    async def _metric(self, request: Request, asked: MetricAsked) -> Rows:
        metric = BY_NAME.get(request.path_params["metric"])
        if metric is None:
            raise ProblemError(
                ProblemCode.NOT_FOUND,
                f"No metric has that name. {PREFIX}/metrics names them all.",
            )
        rows = await self._read(
            lambda: metric_rows(self._store, self._catalogue, metric, asked, self._clock.now())
        )
        return Rows(
            metric=metric.name,
            label=metric.label_sv,
            unit_of_value=metric.unit,
            grain=asked.grain,
            first_day=asked.first,
            last_day=asked.last,
            by=asked.by,
            rows=rows,
        )

    async def _surges(self, _: Request, asked: SurgesAsked) -> Surges:
        period = Between(day_start(asked.first), day_start(asked.last + timedelta(days=1)))
        today = day_start(local_day(self._clock.now()))
        sensitive = sensitive_topics(self._catalogue)
        found = await self._read(lambda: read_surges(self._store, period))
        told = (
            nameless(surge)
            if surge.topic in sensitive and surge.since >= today
            else surge.named(topic_label(surge.topic or "", self._catalogue))
            for surge in found
        )
        return Surges(since=period.since, until=period.until, surges=tuple(map(surge_out, told)))

    async def _sources(self, request: Request, asked: NothingAsked) -> Sources:
        del request, asked
        _, shown = await self._shown(Period.TODAY)
        return Sources(sources=tuple(map(source_out, shown.sources)))

    async def _health(self, _: Request, asked: NothingAsked) -> Health:
        del asked
        snapshot = await self._live.current(Period.TODAY)
        return Health(
            status="ok" if snapshot.away_since is None else "away",
            picture_at=snapshot.picture.at if snapshot.picture else None,
            away_since=snapshot.away_since,
            listeners=self._live.listeners,
            reading_ms=round(self._live.reading_seconds * 1000),
        )

    async def _description(self, request: Request) -> Response:
        from dashboards.board.api.openapi import openapi_json

        return answered(request, openapi_json().encode(), "application/json", LONG)

    async def _read(self, reading: Callable[[], T]) -> T:
        if self._waiting >= READINGS_WAITING:
            raise ProblemError(ProblemCode.BUSY, "Others are being answered. Try again in a few seconds.")
        self._waiting += 1
        try:
            async with self._reading:
                return await asyncio.to_thread(reading)
        finally:
            self._waiting -= 1


async def _only_get(request: Request) -> Response:
    answer = ProblemError(ProblemCode.METHOD, f"{request.method} changes nothing here.").response()
    answer.headers["allow"] = "GET, HEAD"
    return answer


async def _missing(request: Request) -> Response:
    del request
    return ProblemError(ProblemCode.NOT_FOUND, f"{PREFIX}/openapi.json tells what there is.").response()


def _parameters(request: Request, endpoint: Endpoint) -> Asked:
    """Return the parameters. Raises ProblemError with each that is wrong."""
    given: dict[str, object] = {}
    for name in request.query_params:
        values = request.query_params.getlist(name)
        given[name] = values if name in _LISTS or len(values) > 1 else values[0]
    try:
        return endpoint.asked.model_validate(given)
    except ValidationError as error:
        wrong = [
            InvalidParameter(parameter=".".join(map(str, one["loc"][:1])), detail=one["msg"])
            for one in error.errors(include_input=False, include_url=False)
        ]
        told = "; ".join(f"{one.parameter}: {one.detail}" if one.parameter else one.detail for one in wrong)
        raise ProblemError(ProblemCode.INVALID, told, wrong) from error


_LISTS = frozenset({"by", "channel", "area", "topic", "unit"})


def answered(request: Request, body: bytes, media_type: str, cache: str) -> Response:
    """Return an answer with its ETag; 304 where the asker has it already."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": cache, "vary": "Authorization, Cookie"}
    known = re.findall(r'(?:W/)?("[^"]*")|(\*)', request.headers.get("if-none-match", ""))
    if any(tag == one or every for one, every in known):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


def _metric_out(metric: Metric) -> MetricOut:
    return MetricOut(
        metric=metric.name,
        label=metric.label_sv,
        description=metric.description_sv,
        unit=metric.unit,
        formula=metric.formula(),
        numerator=metric.numerator,
        denominator=metric.denominator,
        better=metric.better,
        target=metric.target,
        final_after_days=metric.final_after_days,
        source=metric.source,
    )
