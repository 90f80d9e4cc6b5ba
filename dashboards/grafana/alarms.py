"""The alarms, all of them. Provisioning, docs/alarms.md and the tests are made of this list."""

from __future__ import annotations

from datetime import timedelta

from dashboards.definitions import STANDARD, Definitions
from dashboards.grafana.alarm import Alarm, Audience, Comparison, Severity, Without, label, number
from dashboards.grafana.overlays import DRIFT, KRIS, LAGESBILD, UIDS
from schemas.catalogue import Catalogue
from schemas.clickhouse.alarms import (
    delivery_alarm,
    lag_alarm,
    longest_wait_alarm,
    overdue_mail_alarm,
    rejected_alarm,
    service_level_alarm,
    source_alarm,
    surge_alarm,
    verify_away_alarm,
    verify_failed_alarm,
    worker_away_alarm,
)
from schemas.clickhouse.queries import GRAFANA
from schemas.clickhouse.silence import SilenceRule, SourceVerdict

KALLA, KONTAKTER = UIDS["Källa"], UIDS["Kontakter"]

VERIFY_PANEL = "Kontrollen att siffrorna stämmer (verify)"
LONGEST_WAIT_MINUTES = 15
OVERDUE_MAILS = 10
"""About half of what comes in a day. A few are always late, and some are never answered."""
REJECTED_PERCENT = 5
LAG_MINUTES = 2
VERIFY_DAYS = 2


def alarms(
    catalogue: Catalogue, definitions: Definitions = STANDARD, silence: SilenceRule | None = None
) -> tuple[Alarm, ...]:
    """Return every alarm; labels and opening hours are the catalogue's."""
    return (
        _surge(catalogue),
        _silent(catalogue, silence),
        _unread(catalogue, silence),
        _service_level(catalogue, definitions),
        _longest_wait(catalogue),
        _overdue_mail(),
        _rejected(),
        _worker_away(),
        _lag(),
        _verify_failed(),
        _verify_away(),
        _delivery(),
    )


def _surge(catalogue: Catalogue) -> Alarm:
    return Alarm(
        uid="kc-anstormning",
        title="Anstormning",
        summary=f"Det kommer {number(1)} gånger så många som vanligt: {label('amne')}.",
        why=(
            "Antalet kontakter, eller ärenden i ett ämne, är så mycket högre än samma tid på de senaste "
            "jämförbara dagarna att det knappast är en slump. Så börjar en vattenläcka, ett strömavbrott "
            "eller en felaktig kravutskickning. Larmet står kvar tills det har varit lugnt i en timme."
        ),
        steps=(
            "Fråga handläggarna vad det gäller, eller se ämnet på tavlan.",
            "Ring den förvaltning som berörs och kom överens om vad ni svarar.",
            "Lägg ut ett besked på webbplatsen och i telefonens talsvar, så att färre behöver vänta.",
            "Ta in fler vid telefonerna om kön växer.",
        ),
        severity=Severity.CRITICAL,
        audience=Audience.LEADERS,
        query=surge_alarm(GRAFANA, {name: topic.label for name, topic in catalogue.topics.items()}),
        comparison=Comparison.ABOVE,
        threshold=0,
        lasts=timedelta(0),
        board=KRIS,
        panel="Toppar som pågår",
    )


def _silent(catalogue: Catalogue, silence: SilenceRule | None) -> Alarm:
    return Alarm(
        uid="kc-tyst-kalla",
        title="Källa tyst",
        summary=f"Inget har kommit från {label('kalla')} på ovanligt länge.",
        why=(
            "Källan läses, men ger inget, fast den brukar göra det vid den här tiden. Inga händelser är inte "
            "detsamma som inga samtal: alla siffror blir för låga tills den är igång. Nätter och stängda "
            "dagar räknas in i vad som är vanligt."
        ),
        steps=(
            "Prova: ring växeln, skicka ett mejl eller registrera ett besök.",
            "Kommer det fram, men inte hit: se på källans tavla när det senaste kom, och kontakta den som "
            "sköter systemet.",
            "När källan är igång läses det som hänt under tiden in, om systemet har sparat det.",
        ),
        severity=Severity.CRITICAL,
        audience=Audience.OPERATIONS,
        query=source_alarm(GRAFANA, catalogue, SourceVerdict.SILENT, silence),
        comparison=Comparison.ABOVE,
        threshold=0,
        lasts=timedelta(minutes=1),
        board=KALLA,
        panel="Läget för källan",
        no_data=Without.ALERTING,
    )


def _unread(catalogue: Catalogue, silence: SilenceRule | None) -> Alarm:
    return Alarm(
        uid="kc-olast-kalla",
        title="Källa läses inte",
        summary=f"{label('kalla')} läses inte just nu.",
        why=(
            "Den process som läser källan har slutat höra av sig, eller väntar på något som inte svarar. "
            "Inget går förlorat så länge källan sparar sina uppgifter, men siffrorna är gamla."
        ),
        steps=(
            "Kör `kommuncenter source status`: där står vad processen väntar på.",
            "Starta om den: `docker compose restart source-…`.",
            "Hjälper det inte: se efter om filen, brevlådan eller tjänsten går att nå, och om lösenordet "
            "fortfarande gäller.",
        ),
        severity=Severity.WARNING,
        audience=Audience.OPERATIONS,
        query=source_alarm(GRAFANA, catalogue, SourceVerdict.UNREAD, silence),
        comparison=Comparison.ABOVE,
        threshold=0,
        lasts=timedelta(minutes=1),
        board=KALLA,
        panel="Läget för källan",
        no_data=Without.ALERTING,
    )


def _service_level(catalogue: Catalogue, definitions: Definitions) -> Alarm:
    metric = definitions.service_level
    target = round(100 * (metric.target or 0))
    return Alarm(
        uid="kc-serviceniva",
        title="Låg svarsnivå i telefon",
        summary=f"Bara {number()} procent av den senaste timmens samtal fick svar i tid. Målet är {target}.",
        why=(
            "Andelen är så låg att det inte beror på slumpen, även om samtalen är få. Gäller under "
            f"öppettid, när minst tio har ringt. Så räknas den: {metric.description_sv}"
        ),
        steps=(
            "Se på tavlan om det är ovanligt många som ringer, eller få som svarar.",
            "Be fler logga in i kön, eller flytta raster.",
            "Ringer många om samma sak: se larmet Anstormning.",
        ),
        severity=Severity.WARNING,
        audience=Audience.LEADERS,
        query=service_level_alarm(GRAFANA, catalogue, metric),
        comparison=Comparison.BELOW,
        threshold=target,
        lasts=timedelta(minutes=10),
        board=LAGESBILD,
        panel="Svarat i tid",
    )


def _longest_wait(catalogue: Catalogue) -> Alarm:
    return Alarm(
        uid="kc-langsta-vantan",
        title="Lång väntan",
        summary=f"Någon har väntat i {number()} minuter ({label('kanal')}).",
        why=(
            f"Ett samtal eller ett besök har väntat i mer än {LONGEST_WAIT_MINUTES} minuter under öppettid. "
            "Har någon gått utan att det märktes kan besöket stå kvar i kön. Efter två timmar räknas det ej."
        ),
        steps=(
            "Besök: se efter om någon sitter och väntar, och ropa upp eller avsluta numret.",
            "Telefon: be fler logga in i kön. Erbjud återuppringning om det finns.",
        ),
        severity=Severity.WARNING,
        audience=Audience.LEADERS,
        query=longest_wait_alarm(GRAFANA, catalogue),
        comparison=Comparison.ABOVE,
        threshold=LONGEST_WAIT_MINUTES,
        lasts=timedelta(minutes=2),
        board=LAGESBILD,
        panel="Väntar nu",
    )


def _overdue_mail() -> Alarm:
    return Alarm(
        uid="kc-forsenade-mejl",
        title="Försenade mejl",
        summary=f"{number()} mejl har inte fått svar inom en arbetsdag.",
        why=(
            f"Mer än {OVERDUE_MAILS} mejl, för vilka tiden gick ut under de senaste sju dagarna, är varken "
            "besvarade eller lämnade vidare. Några enstaka är vanliga, till exempel tackbrev."
        ),
        steps=(
            "Öppna brevlådan och sortera efter äldst först.",
            "Svara, eller skicka vidare till rätt förvaltning. Behövs mer tid: skriv och säg det.",
            "Är alla besvarade: svaren kan ha skickats från en annan brevlåda, som inte läses.",
        ),
        severity=Severity.WARNING,
        audience=Audience.LEADERS,
        query=overdue_mail_alarm(GRAFANA),
        comparison=Comparison.ABOVE,
        threshold=OVERDUE_MAILS,
        lasts=timedelta(minutes=15),
        board=KONTAKTER,
        panel="Kontakter",
    )


def _rejected() -> Alarm:
    return Alarm(
        uid="kc-avvisade-poster",
        title="Poster som inte kan användas",
        summary=f"{number()} procent av den senaste timmens poster från {label('kalla')} kan inte användas.",
        why=(
            f"Mer än {REJECTED_PERCENT} procent, av minst tjugo poster. Oftast har systemet uppdaterats och "
            "skriver på ett nytt sätt. Posterna är sparade och kan läsas in på nytt när felet är rättat."
        ),
        steps=(
            "Kör `kommuncenter dlq list`: där står skälen, och hur många de är.",
            "Rätta källans inställningar eller dess läsare (docs/sources.md).",
            "Kör `kommuncenter dlq replay`. Kontrollera efteråt med `kommuncenter verify`.",
        ),
        severity=Severity.WARNING,
        audience=Audience.OPERATIONS,
        query=rejected_alarm(GRAFANA),
        comparison=Comparison.ABOVE,
        threshold=REJECTED_PERCENT,
        lasts=timedelta(minutes=1),
        board=DRIFT,
        panel="Avvisat per källa",
    )


def _worker_away() -> Alarm:
    return Alarm(
        uid="kc-arbetare-borta",
        title="Siffrorna står stilla",
        summary="Arbetaren eller databasen svarar inte. Siffrorna på tavlorna är gamla.",
        why=(
            "Någon del av händelserna bearbetas av ingen arbetare, eller så går databasen inte att fråga. "
            "Inget går förlorat: allt ligger kvar i Kafka, och räknas när arbetaren är igång."
        ),
        steps=(
            "Kör `kommuncenter doctor`: det säger vad som inte svarar.",
            "Kör `docker compose ps`, och `docker compose up --detach` om något har stannat.",
            "Stannar arbetaren igen: se varför med `docker compose logs worker`. Kontrollera att disken "
            "inte är full.",
        ),
        severity=Severity.CRITICAL,
        audience=Audience.OPERATIONS,
        query=worker_away_alarm(GRAFANA),
        comparison=Comparison.ABOVE,
        threshold=0,
        lasts=timedelta(minutes=2),
        board=DRIFT,
        panel="Arbetare",
        no_data=Without.ALERTING,
        failed=Without.ALERTING,
    )


def _lag() -> Alarm:
    return Alarm(
        uid="kc-efterslapning",
        title="Siffrorna släpar efter",
        summary=f"Det äldsta som inte är räknat har väntat i {number()} minuter.",
        why=(
            "Arbetaren hinner inte med, eller väntar på databasen eller Kafka. Det kan vara i sin ordning "
            "när mycket historik läses in, och går då över av sig självt."
        ),
        steps=(
            "Se på tavlan om arbetaren väntar, och på vad, eller om den arbetar för fullt.",
            "Väntar den: kör `kommuncenter doctor`.",
            "Arbetar den: starta en till, `docker compose up --detach --scale worker=2`.",
        ),
        severity=Severity.WARNING,
        audience=Audience.OPERATIONS,
        query=lag_alarm(GRAFANA),
        comparison=Comparison.ABOVE,
        threshold=LAG_MINUTES,
        lasts=timedelta(minutes=3),
        board=DRIFT,
        panel="Poster som väntar i kö",
        no_data=Without.ALERTING,
    )


def _verify_failed() -> Alarm:
    return Alarm(
        uid="kc-kontroll-fel",
        title="Kontrollen fann fel i siffrorna",
        summary="Den senaste kontrollen fann siffror som inte stämmer med händelserna.",
        why=(
            "Varje natt räknas alla siffror om på två andra sätt. De ska bli desamma. Skiljer de sig har "
            "något gått fel, eller så har någon ändrat i databasen."
        ),
        steps=(
            "Kör `kommuncenter verify` och läs vilka dagar och siffror det gäller.",
            "Läs i docs/verify.md vad skillnaden betyder. Oftast räcker `kommuncenter rebuild --since DAG`.",
            "Skicka ingen rapport för de dagarna förrän kontrollen är utan anmärkning.",
        ),
        severity=Severity.CRITICAL,
        audience=Audience.OPERATIONS,
        query=verify_failed_alarm(GRAFANA),
        comparison=Comparison.ABOVE,
        threshold=0,
        lasts=timedelta(0),
        board=DRIFT,
        panel=VERIFY_PANEL,
    )


def _verify_away() -> Alarm:
    return Alarm(
        uid="kc-kontroll-utebliven",
        title="Siffrorna har inte kontrollerats",
        summary=f"Det är {number(1)} dygn sedan siffrorna kontrollerades.",
        why=(
            f"Kontrollen ska köras varje natt, men har inte gått igenom på {VERIFY_DAYS} dygn. Den avstår "
            "när arbetaren ligger efter eller en ombyggnad inte är klar."
        ),
        steps=(
            "Kör `kommuncenter verify` och läs vad det säger.",
            "Se efter att tjänsten är igång: `docker compose ps verify`.",
        ),
        severity=Severity.WARNING,
        audience=Audience.OPERATIONS,
        query=verify_away_alarm(GRAFANA),
        comparison=Comparison.ABOVE,
        threshold=VERIFY_DAYS,
        lasts=timedelta(hours=1),
        board=DRIFT,
        panel=VERIFY_PANEL,
        no_data=Without.ALERTING,
    )


def _delivery() -> Alarm:
    return Alarm(
        uid="kc-rapport-ej-levererad",
        title="Rapporten kom kanske inte fram",
        summary=f"{number()} rapporter per e-post behöver ses över.",
        why=(
            "En rapport skickas aldrig två gånger av sig själv. Avbröts den på vägen går det inte att veta "
            "om den kom fram, och då frågar systemet i stället. Larmet går också när e-postservern sagt nej."
        ),
        steps=(
            "Kör `kommuncenter deliver list`: där står vilken rapport det är, och vem som inte fått den.",
            "Står det `in doubt`: fråga en mottagare om rapporten har kommit.",
            "Har den inte det, eller står det `failed`: rätta felet och kör `kommuncenter deliver resend`.",
        ),
        severity=Severity.WARNING,
        audience=Audience.OPERATIONS,
        query=delivery_alarm(GRAFANA),
        comparison=Comparison.ABOVE,
        threshold=0,
        lasts=timedelta(0),
        board=DRIFT,
    )
