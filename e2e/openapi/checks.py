"""Checks of this repository's own, which schemathesis loads as its hooks."""

import re

import schemathesis

# What the server answers to a request that it cannot read. A handler's own refusals have codes of their own.
UNREADABLE = {"sync.invalidRequest", "sync.invalidInput", "sync.missingReceiver", "room.invalid"}
UNREADABLE |= {"invalid_json", "invalid_state", "invalid_room_id", "invalid_data", "unsupported_media_type"}

# To JSON Schema 5.0 is an integer, to serde it is none, and no schema can say so.
INTEGER_WITH_A_POINT = re.compile(r"invalid type: floating point `[^`]*`, expected [iu]\d+")


@schemathesis.check
def what_fits_the_schema_is_read(ctx, response, case):
    """A request that the document allows may be refused by its handler, but not for its form."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code < 400:
        return
    error = response.json()
    code = error.get("errorCode") or error.get("error")
    if code not in UNREADABLE:
        return
    if INTEGER_WITH_A_POINT.search(str(error.get("errorParams", {}).get("reason", ""))):
        return
    # The state systems do not say where a body is wrong.
    if "error" in error and isinstance(case.body, dict) and isinstance(case.body.get("lock_version"), float):
        return
    raise AssertionError(f"fits the document and is refused as {code}: {error.get('errorParams')}")
