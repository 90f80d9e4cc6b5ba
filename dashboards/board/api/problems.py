"""Errors of the API, as problem+json (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.responses import Response

from dashboards.board.api.models import InvalidParameter, Problem, ProblemCode

MEDIA_TYPE = "application/problem+json"
_STATUS_AND_TITLE = {
    ProblemCode.UNAUTHENTICATED: (401, "Who asks is not known"),
    ProblemCode.FORBIDDEN: (403, "The role does not permit this"),
    ProblemCode.NOT_FOUND: (404, "There is no such thing"),
    ProblemCode.METHOD: (405, "Only GET is answered"),
    ProblemCode.INVALID: (400, "The request is wrong"),
    ProblemCode.TOO_LARGE: (400, "The answer would be too large"),
    ProblemCode.SENSITIVE: (403, "The topic is told in figures of past days only"),
    ProblemCode.BUSY: (503, "Too much is asked at once"),
    ProblemCode.AWAY: (503, "The store can't be reached"),
}


class ProblemError(Exception):
    """What the API answers with a problem."""

    def __init__(self, code: ProblemCode, detail: str, invalid: Sequence[InvalidParameter] = ()) -> None:
        """Take what is wrong, what it is about, and which parameters are to blame."""
        super().__init__(detail)
        status, title = _STATUS_AND_TITLE[code]
        self.problem = Problem(
            type=f"urn:kommuncenter:problem:{code.value}",
            title=title,
            status=status,
            detail=detail,
            code=code,
            invalid=tuple(invalid),
        )

    def response(self) -> Response:
        """Return the answer."""
        headers: Mapping[str, str] = {"cache-control": "no-store"}
        if self.problem.status == 401:
            headers = {**headers, "www-authenticate": "Bearer"}
        if self.problem.status == 503:
            headers = {**headers, "retry-after": "5"}
        return Response(self.problem.model_dump_json(), self.problem.status, headers, MEDIA_TYPE)
