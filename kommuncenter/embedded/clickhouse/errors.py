"""An error as ClickHouse reports it: a number, a name and a text, with the HTTP status that goes with it."""

from __future__ import annotations

import re

# Numbers and names are ClickHouse's own (src/Common/ErrorCodes.cpp).
NOT_IMPLEMENTED = 48
SYNTAX_ERROR = 62
UNKNOWN_FORMAT = 73
INCORRECT_DATA = 117
READONLY = 164
REQUIRED_PASSWORD = 194
QUERY_IS_TOO_LARGE = 307
SUPPORT_IS_DISABLED = 344
ACCESS_DENIED = 497
AUTHENTICATION_FAILED = 516
STD_EXCEPTION = 1001

_NAMES = {
    NOT_IMPLEMENTED: "NOT_IMPLEMENTED",
    SYNTAX_ERROR: "SYNTAX_ERROR",
    UNKNOWN_FORMAT: "UNKNOWN_FORMAT",
    INCORRECT_DATA: "INCORRECT_DATA",
    READONLY: "READONLY",
    REQUIRED_PASSWORD: "REQUIRED_PASSWORD",
    QUERY_IS_TOO_LARGE: "QUERY_IS_TOO_LARGE",
    SUPPORT_IS_DISABLED: "SUPPORT_IS_DISABLED",
    ACCESS_DENIED: "ACCESS_DENIED",
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
    STD_EXCEPTION: "STD_EXCEPTION",
}

# The statuses that ClickHouse's HTTP handler gives (unlisted: 500). Clients retry 429, 503 and 504 only.
_STATUS = dict.fromkeys((6, 26, 27, 36, 38, 41, 42, 43, 47, 53, 62, 69, 70, 72, 117, 456, 457), 400)
_STATUS |= {REQUIRED_PASSWORD: 401, ACCESS_DENIED: 403, AUTHENTICATION_FAILED: 403}
_STATUS |= dict.fromkeys((16, 46, 50, 56, 60, 73, 81, 115), 404)
_STATUS |= {159: 408, QUERY_IS_TOO_LARGE: 413, NOT_IMPLEMENTED: 501, SUPPORT_IS_DISABLED: 501}

_ENGINE_TEXT = re.compile(r"Code: (\d+)\. ?DB::Exception: .*", re.DOTALL)


class ClickHouseError(Exception):
    """One failed request. `code` is ClickHouse's error number, `text` the body that a client is shown."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def status(self) -> int:
        """The HTTP status for this error."""
        return _STATUS.get(self.code, 500)


def refusal(code: int, reason: str) -> ClickHouseError:
    """An error of the endpoint's own, in the form in which ClickHouse writes its errors."""
    return ClickHouseError(code, f"Code: {code}. DB::Exception: {reason} ({_NAMES[code]})")


def engine_error(error: Exception) -> ClickHouseError:
    """What the engine said, without the words that its Python binding puts in front."""
    found = _ENGINE_TEXT.search(str(error))
    if found is None:
        return refusal(STD_EXCEPTION, f"{type(error).__name__} inside the embedded engine.")
    return ClickHouseError(int(found[1]), found[0].strip())
