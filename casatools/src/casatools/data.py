"""Measures data: what is in use, and the update that fetches newer ones when the user asks for it.

``python -m casatools.data`` prints which tables are used, from where and how old; ``--update`` fetches newer ones into measurespath.
Nothing else of the suite opens the network.

References
----------
Sites list archives ``WSRT_Measures_YYYYMMDD-HHMMSS`` with the endings of packed tar files (CASA's documentation of the option measures_site); casacore itself
fetches ``https://iers.astron.nl/WSRT_Measures.ztar`` (casacore issue 1488). An archive holds ``geodetic`` and ``ephemerides``.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import fcntl
import os
import re
import shutil
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

from casatools._base import config
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import remove_output
from casatools.frames.engine import data_folder
from casatools.frames.measures_tables import describe, is_measures_folder
from casatools.io.tables import is_table

__all__ = ["main", "summary", "update"]

_TIMEOUT_S = 60.0
_MOST_BYTES = 500 << 20
# What the WSRT archives are called at their sites, and the name under which the newest stands beside them.
_ARCHIVE = re.compile(r"WSRT_Measures_\d{8}-\d{6}\.(?:ztar|tgz|tar(?:\.[gx]z|\.bz2)?)(?![\w.])")
_LATEST = "WSRT_Measures.ztar"
_FOLDERS = ("geodetic", "ephemerides")


def summary() -> str:
    """Which measures tables are in use, from where and how old, a line each."""
    folder = data_folder()
    now = datetime.datetime.now(datetime.UTC).date().toordinal() - datetime.date(1858, 11, 17).toordinal()
    lines = [f"measures data in {folder}\n"]
    for table in describe(folder):
        age = f"{now - table.made_mjd:.0f} days old" if table.made else "of unknown age"
        until = ""
        if table.last_mjd:
            until = (
                f", covers days until {datetime.date.fromordinal(int(table.last_mjd) + datetime.date(1858, 11, 17).toordinal())}"
            )
        lines.append(f"  {table.name:<24} of {table.made or '?':<12} {age}{until}\n")
    return "".join(lines)


def update(path: str = "", sites: Sequence[str] = (), force: bool = False) -> str:
    """Fetch the newest measures data into a folder and swap them in when they are complete and good.

    Parameters
    ----------
    path : str
        The folder; that of the configuration option measurespath when empty.
    sites : sequence of str
        Addresses to try in order; those of measures_site when empty.
    force : bool
        Fetch although the folder has the same version.

    Returns
    -------
    str
        One sentence on what was done.

    Raises
    ------
    DataError
        No site can be reached or what it gave is not good; the old data stay. Another update is at work; the folder cannot be written.
    ParameterError
        An address is not http.
    """
    folder = os.path.abspath(os.path.expanduser(path or str(config.value("measurespath"))))
    addresses = list(sites) or list(config.value("measures_site"))
    for address in addresses:
        if not address.startswith(("https://", "http://")):
            raise ParameterError(f"a measures site must be an http address; got {address!r}")
    try:
        os.makedirs(folder, exist_ok=True)
        with _locked(folder):
            return _update(folder, addresses, force)
    except OSError as error:
        raise DataError(f"the folder {folder!r} of the measures data cannot be written: {error.strerror}") from error


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[None]:
    with open(os.path.join(folder, "data_update.log"), "a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DataError(f"another update of {folder!r} is at work") from None
        lock.write(f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S} pid {os.getpid()}\n")
        yield


def _update(folder: str, sites: Sequence[str], force: bool) -> str:
    failures = []
    for site in sites:
        try:
            address, name = _newest(site)
            if not force and is_measures_folder(folder) and _version(folder) >= name:
                return f"the measures data in {folder} are the newest already ({_version(folder)})"
            with tempfile.TemporaryDirectory(prefix=".update-", dir=folder) as work:
                fresh = _fetch(address, work)
                _keep_others(fresh, folder)
                files = sorted(
                    f
                    for kind in _FOLDERS
                    if os.path.isdir(os.path.join(fresh, kind))
                    for f in os.listdir(os.path.join(fresh, kind))
                )
                _swap(fresh, folder, work)
            _write_readme(folder, site, name, files)
        except (OSError, DataError, tarfile.TarError, EOFError) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            failures.append(f"{site}: {reason}")
        else:
            return f"measures data {name} of {site} are in {folder}"
    raise DataError(f"measures data could not be updated, the old ones stay ({'; '.join(failures)})")


def _newest(site: str) -> tuple[str, str]:
    """Address and name of the newest archive of a site; one that lists none may have the newest under its plain name."""
    refusal: OSError | DataError
    try:
        with urllib.request.urlopen(site, timeout=_TIMEOUT_S) as answer:
            listing = answer.read(_MOST_BYTES).decode("utf-8", "replace")
            base = answer.url  # that of the mirror, where the site sends us to one
    except urllib.error.HTTPError as error:
        refusal, base = error, site
        error.close()
    else:
        names = sorted(set(_ARCHIVE.findall(listing)))
        refusal = DataError("the page lists no measures data")
        if names:
            return urljoin(_as_folder(base), names[-1]), names[-1]
    address = urljoin(_as_folder(base), _LATEST)
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=_TIMEOUT_S) as answer:
            made = parsedate_to_datetime(answer.headers["Last-Modified"])
    except (OSError, TypeError, ValueError) as error:  # not there either, or without a date
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise refusal from None
    return address, f"WSRT_Measures_{made:%Y%m%d-%H%M%S}.ztar"


def _as_folder(address: str) -> str:
    """The address with a slash at its end, unless it is that of a page: names are relative to it."""
    return address if address.endswith(("/", ".html", ".htm")) else address + "/"


def _keep_others(fresh: str, folder: str) -> None:
    """Complete the new folders by what the old ones have beside the archive's tables: CASA keeps more there, and an Observatories table of its own."""
    for kind in _FOLDERS:
        old, new = os.path.join(folder, kind), os.path.join(fresh, kind)
        if not os.path.isdir(old) or not os.path.isdir(new):
            continue
        for name in os.listdir(old):
            source, target = os.path.join(old, name), os.path.join(new, name)
            if os.path.lexists(target):
                if name != "Observatories" or not is_table(source):
                    continue
                shutil.rmtree(target)
            if os.path.isdir(source):
                shutil.copytree(source, target, symlinks=True)
            else:
                shutil.copy2(source, target, follow_symlinks=False)


def _fetch(address: str, work: str) -> str:
    """Fetch and unpack an archive, and read its tables; gives the folder."""
    archive, fresh = os.path.join(work, "archive"), os.path.join(work, "new")
    with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer, open(archive, "wb") as stream:
        shutil.copyfileobj(answer, stream)
        expected = answer.headers.get("Content-Length")
        if expected is not None and stream.tell() != int(expected):
            raise DataError(f"only {stream.tell()} of {expected} bytes came")
    with tarfile.open(archive) as packed:
        packed.extractall(fresh, filter="data")
    if not is_measures_folder(fresh):
        raise DataError("the archive holds no measures data")
    tables = {t.name: t for t in describe(fresh)}
    if tables["geodetic/TAI_UTC"].made_mjd <= 0 or tables["geodetic/IERSpredict"].last_mjd <= 0:
        raise DataError("the tables of the archive are empty or without a date")
    return fresh


def _swap(fresh: str, folder: str, work: str) -> None:
    """Put the new folders in the place of the old ones; these come back when that fails."""
    done: list[tuple[str, str]] = []
    try:
        for kind in _FOLDERS:
            source, target, old = os.path.join(fresh, kind), os.path.join(folder, kind), os.path.join(work, "old-" + kind)
            if not os.path.isdir(source):
                continue
            if os.path.lexists(target):
                os.rename(target, old)
            done.append((target, old))
            os.rename(source, target)
    except OSError:
        for target, old in done:
            remove_output(target)
            if os.path.lexists(old):
                os.rename(old, target)
        raise


def _version(folder: str) -> str:
    """The archive that the data of a folder came from; "" when it is not told."""
    with contextlib.suppress(OSError), open(os.path.join(folder, "readme.txt"), encoding="utf-8") as stream:
        for line in stream:
            if line.startswith("version : "):
                return line[10:].strip()
    return ""


def _write_readme(folder: str, site: str, name: str, files: Sequence[str]) -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    text = f"# measures data fetched by casatools.data\nsite : {site}\nversion : {name}\ndate : {today}\n#\n# tables\n" + "".join(
        f"{f}\n" for f in files
    )
    with open(os.path.join(folder, "readme.txt"), "w", encoding="utf-8") as stream:
        stream.write(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; gives the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m casatools.data", description="Measures data: what is in use, and their update."
    )
    parser.add_argument("--update", action="store_true", help="fetch newer measures data")
    parser.add_argument("--path", default="", help="folder to fetch into instead of measurespath")
    parser.add_argument(
        "--site", action="append", default=[], help="address to fetch from instead of measures_site; may be repeated"
    )
    parser.add_argument("--force", action="store_true", help="fetch although the version is the same")
    options = parser.parse_args(arguments)
    if not options.update:
        sys.stdout.write(summary())
        return 0
    try:
        sys.stdout.write(update(options.path, options.site, options.force) + "\n")
    except (DataError, ParameterError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
