"""The board's picture as the API answers it."""

from __future__ import annotations

from dashboards.board.api.figures import value_of
from dashboards.board.api.models import (
    WITHHELD,
    ChannelOut,
    FigureOut,
    OverdueMailOut,
    PeriodName,
    Picture,
    QuarterOut,
    SourceOut,
    SurgeOut,
    TodayOut,
    TopicOut,
    UnitOut,
    Usual,
    Value,
    WaitingOut,
)
from dashboards.board.baseline import Today
from dashboards.board.figure import Figure
from dashboards.board.live import Snapshot
from dashboards.board.periods import Period
from dashboards.board.picture import Picture as Shown
from dashboards.board.reading import Surge
from dashboards.board.sources import SourceHealth
from dashboards.board.spread import ChannelShare, TopicRow
from schemas import metrics

PERIODS = {
    PeriodName.TODAY: Period.TODAY,
    PeriodName.WEEK: Period.WEEK,
    PeriodName.LAST_WEEK: Period.LAST_WEEK,
}


def picture_out(shown: Shown, snapshot: Snapshot, period: PeriodName) -> Picture:
    """Return a picture, with what may leave the centre of it."""
    return Picture(
        at=shown.at,
        away_since=snapshot.away_since,
        period=period,
        first_day=shown.span.first,
        last_day=shown.span.last,
        open_now=shown.open_now,
        waiting=tuple(
            WaitingOut(
                channel=queue.channel,
                waiting=queue.waiting,
                longest_seconds=queue.longest_s,
                stale=queue.stale,
            )
            for queue in shown.waiting
        ),
        figures=tuple(map(_figure, (*shown.figures.values(), shown.waits.mean))),
        channels=tuple(map(_channel, shown.channels)),
        topics=tuple(map(_topic, shown.topics)),
        units=tuple(
            UnitOut(
                unit=row.unit,
                label=row.label,
                handovers=row.handovers,
                blind=row.blind,
                consulted=row.consulted,
                ticket=row.ticket,
            )
            for row in shown.units
        ),
        today=_today(shown.today),
        surges=tuple(map(surge_out, shown.surges)),
        overdue_mail=OverdueMailOut(
            mails=shown.overdue_mail.mails, first_due_at=shown.overdue_mail.first_due_at
        ),
    )


def _value(figure: Figure) -> dict[str, object]:
    return {
        "value": figure.value,
        "hits": figure.hits,
        "n": figure.n,
        "low": figure.share.low if figure.share else None,
        "high": figure.share.high if figure.share else None,
        "preliminary": figure.preliminary,
    }


def _figure(figure: Figure) -> FigureOut:
    metric = figure.metric
    named = {"metric": metric.name, "label": metric.label_sv, "unit": metric.unit, "target": metric.target}
    return FigureOut.model_validate({**_value(figure), **named})


def _channel(row: ChannelShare) -> ChannelOut:
    share = row.share and Value(
        value=row.share.value, hits=row.share.hits, n=row.share.n, low=row.share.low, high=row.share.high
    )
    return ChannelOut(
        channel=row.channel,
        label=row.label,
        errands=row.errands,
        contacts=row.contacts,
        share=share,
        published=row.goal,
    )


def _topic(row: TopicRow) -> TopicOut:
    return TopicOut(
        topic=WITHHELD if row.topic is None else row.topic,
        label=row.label,
        errands=row.errands,
        resolved_in_centre=value_of(metrics.RESOLVED_IN_CENTRE, row.sums),
        handover_rate=value_of(metrics.HANDOVER_RATE, row.sums),
        under_reach=row.under_reach,
    )


def _today(today: Today) -> TodayOut:
    usual = today.usual and Usual(median=today.usual[0], lowest=today.usual[1], highest=today.usual[2])
    return TodayOut(
        until=today.until,
        contacts=today.contacts,
        usual=usual,
        compared_days=today.compared_days,
        quarters=tuple(
            QuarterOut(start=q.start, contacts=q.contacts, channels=q.channels, usual=q.usual)
            for q in today.quarters
        ),
    )


def surge_out(surge: Surge) -> SurgeOut:
    """Return a surge; of one whose topic is not told, neither are its numbers."""
    told = surge.topic is not None
    return SurgeOut(
        topic=WITHHELD if surge.topic is None else surge.topic,
        label=surge.label if surge.topic else "",
        since=surge.since,
        noticed_at=surge.noticed_at,
        until=surge.until,
        contacts=surge.contacts if told else None,
        usual=surge.usual if told else None,
        times=surge.times if told else None,
        over=surge.over,
    )


def source_out(source: SourceHealth) -> SourceOut:
    """Return how a source does."""
    return SourceOut.model_validate(
        {
            "source": source.instance,
            "state": source.state.value,
            "last_event_at": source.last_event_at,
            "last_read_at": source.last_read_at,
            "silent_since": source.silent_since,
            "missing": source.missing,
            "rejected_today": source.rejected,
        }
    )
