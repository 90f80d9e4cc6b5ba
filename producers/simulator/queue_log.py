"""Lines of Asterisk's queue_log: ``epoch|callid|queue|agent|EVENT|data…``, in whole seconds.

Fields of each verb: Asterisk's documentation, "Queue Logs".
"""

from __future__ import annotations

from producers.simulator.records import Draft, RecordKind

TRANSFERS = ("BLINDTRANSFER", "ATTENDEDTRANSFER")
COMPLETES = ("COMPLETEAGENT", "COMPLETECALLER")


def line(at: float, callid: str, queue: str, agent: str, verb: str, *data: object, leg: str = "") -> Draft:
    """Return a line of the log, about the call ``leg`` where it is about one."""
    fields = (int(at), callid, queue, agent, verb, *data)
    text = "|".join(map(str, fields)) if data else "|".join(map(str, fields)) + "|"
    return Draft(at, RecordKind.QUEUE_LOG, text.encode(), leg)


def fields(payload: bytes) -> list[str]:
    """Return the fields of a line."""
    return payload.decode().split("|")
