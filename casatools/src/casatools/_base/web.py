"""Asking a web service: one request, a time limit, and one sentence when it fails."""

from __future__ import annotations

from collections.abc import Mapping

from casatools._base.errors import DataError

__all__ = ["ask"]

_MOST_BYTES = 256 * 2**20


def ask(address: str, query: Mapping[str, object], what: str, timeout_s: float = 60.0) -> tuple[str, str]:
    """Send a GET request.

    Parameters
    ----------
    address : str
        http or https address.
    query : mapping
        Parameters of the request.
    what : str
        Name of the service, for the error.
    timeout_s : float

    Returns
    -------
    (str, str)
        The answer's text, and the address asked.

    Raises
    ------
    DataError
        There is no such address, no network, or the service refuses.
    """
    import urllib.error
    import urllib.parse
    import urllib.request

    if not address.startswith(("http://", "https://")):
        raise DataError(f"{what}: {address!r} is not an http address")
    whole = address + "?" + urllib.parse.urlencode(query)
    try:
        with urllib.request.urlopen(whole, timeout=timeout_s) as answer:
            return answer.read(_MOST_BYTES).decode("utf-8", "replace"), whole
    except urllib.error.HTTPError as error:
        said = error.read(300).decode("utf-8", "replace").strip()
        raise DataError(f"{what} at {address} answers {error.code} {error.reason}" + (f": {said}" if said else "")) from error
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise DataError(f"{what} at {address} cannot be reached ({reason}); this needs a network connection") from error
