"""The page of the receiver for engineers: where to send what, and how to prove who sends it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from producers.webhook.inbox import Inbox

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>kommuncenter webhooks</title>
<style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:45rem;margin:2rem auto;padding:0 1rem}}</style>
</head>
<body>
<main>
<h1>kommuncenter webhooks</h1>
<p>Send records by POST. 202 says that the broker has them; a record that can't be used is named in the answer
and should not be sent again. 429 and 503 say when to send again. What is sent twice counts once.
The details stand in <a href="/openapi.json">openapi.json</a>.</p>
{instances}
</main>
</body>
</html>
"""
_INSTANCE = """<h2>/hooks/{name}</h2>
<p>{description}</p>
<p>{content}, up to {limit} bytes. {proof}</p>
"""


def page(inboxes: Sequence[Inbox]) -> str:
    """Return the page as HTML. It holds no secret."""
    return _PAGE.format(instances="".join(_instance(inbox) for inbox in inboxes))


def _instance(inbox: Inbox) -> str:
    content = (
        "A posted form" if inbox.content == "form" else "JSON: one record, an array of them, or one a line"
    )
    auth = inbox.settings.auth
    return _INSTANCE.format(
        name=escape(inbox.instance),
        description=escape(inbox.description),
        content=content,
        limit=inbox.settings.max_body,
        proof=escape(auth.description) if auth else "",
    )
