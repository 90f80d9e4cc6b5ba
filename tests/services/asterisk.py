"""A real exchange for the tests: Asterisk on loopback, with queues, agents and callers that are dialplans."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from kommuncenter.embedded.processes import LOOPBACK, ChildProcess, accepts_connections, free_port
from producers.sources.asterisk_ami.protocol import action
from tests.require import require

VARIABLE: Final = "KC_ASTERISK"
"""The folder that .ci/fetch-asterisk filled; else Asterisk is looked for on PATH."""
USER: Final = "kommuncenter"
_START_TIMEOUT_S: Final = 20.0

_MODULES: Final = (
    *("res_timing_timerfd", "pbx_config", "app_queue", "app_exec", "app_senddtmf", "app_stack"),
    *("bridge_simple", "bridge_softmix", "bridge_builtin_features", "bridge_builtin_interval_features"),
    *("func_callerid", "func_channel", "func_cut", "codec_ulaw", "codec_gsm", "format_gsm"),
)

_EMPTY: Final = ("acl.conf", "ccss.conf", "cdr.conf", "cel.conf", "stasis.conf", "udptl.conf")
"""Asterisk complains where it finds no settings."""

_QUEUES: Final = """
[general]
persistentmembers = no

[template](!)
strategy = linear
timeout = 2
retry = 1
joinempty = yes
context = keys
log-restricted-caller-id = no

[kommuncenter](template)
member => Local/1001@agents/n,0,Agent Anka|1

[oppen](template)
member => Local/1002@agents/n,0,Agent 2

[tyst](template)
member => Local/1999@agents/n,0,Agent 9

[full](template)
maxlen = 1
member => Local/1999@agents/n,0,Agent 9

[tom](template)
joinempty = no
"""

_DIALPLAN: Final = """
[agents]
include => transfers
; 1001 and 1002 answer at once and talk for as long as the other side wishes; 1999 never answers.
exten => _100X,1,Answer()
 same => n,Wait(60)
exten => 1999,1,Ringing()
 same => n,Wait(60)

[callers]
; <queue>-<seconds that the queue has>: the caller's own channel, which a queue takes.
exten => _[a-z].,1,Answer()
 same => n,ExecIf($["${HIDE}" = "yes"]?Set(CALLERID(num-pres)=prohib))
 same => n,Queue(${CUT(EXTEN,-,1)},t,,,${CUT(EXTEN,-,2)})
 same => n,ExecIf($["${SECOND}" != ""]?Queue(${SECOND}))
 same => n,Hangup()

[keys]
exten => 5,1,Hangup()

[transfers]
exten => _3XXX,1,Answer()
 same => n,Wait(2)
 same => n,Hangup()

[phones]
; The other half of a caller: it waits, or presses a key, and hangs up.
exten => waits,1,Wait(${FOR})
 same => n,Hangup()
exten => presses,1,Wait(1)
 same => n,SendDTMF(5)
 same => n,Wait(${FOR})
 same => n,Hangup()
"""


@dataclass(frozen=True, slots=True)
class Asterisk:
    """A running exchange."""

    directory: Path
    port: int
    secret: str
    process: ChildProcess

    @property
    def queue_log(self) -> Path:
        """The log of its queues."""
        return self.directory / "log" / "queue_log"

    def start(self) -> None:
        """Start it and return when it takes calls."""
        self.process.start()
        self.process.wait_until(self._ready, _START_TIMEOUT_S)

    def _ready(self) -> bool:
        if not accepts_connections(self.port):
            return False
        with socket.create_connection((LOOPBACK, self.port), timeout=_START_TIMEOUT_S) as connection:
            login = {"Username": "test", "Secret": self.secret, "Events": "system"}
            connection.sendall(action("Login", login))
            answer = b""
            while b"FullyBooted" not in answer:
                more = connection.recv(4096)
                if not more:
                    return False
                answer += more
        return True


@pytest.fixture(scope="session")
def asterisk() -> Iterator[Asterisk]:
    """An exchange, started once for the session; a test that restarts one starts one of its own."""
    with running_asterisk() as server:
        yield server


class running_asterisk:  # noqa: N801 - used as a function
    """Start an exchange of its own, and stop it."""

    def __enter__(self) -> Asterisk:
        """Return it, started."""
        binary = asterisk_binary()
        require("asterisk", binary is not None, f"no asterisk; .ci/fetch-asterisk DIR and {VARIABLE}=DIR")
        assert binary is not None
        # A socket's path must be short.
        self._directory = tempfile.TemporaryDirectory(prefix="kc-ast-")
        self.server = configured(binary, Path(self._directory.name))
        self.server.start()
        return self.server

    def __exit__(self, *_: object) -> None:
        """Stop it and remove what it wrote."""
        self.server.process.stop()
        self._directory.cleanup()


def asterisk_binary() -> Path | None:
    """Return the program, or None where there is none."""
    folder = os.environ.get(VARIABLE)
    if folder:
        return Path(folder) / "asterisk"
    found = shutil.which("asterisk", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return Path(found) if found else None


def configured(binary: Path, directory: Path) -> Asterisk:
    """Write the settings into the directory and return the exchange, not yet started."""
    port, secret = free_port(), secrets.token_urlsafe(16)
    for name in ("etc", "log", "run", "db", "spool"):
        (directory / name).mkdir()
    files = {
        "asterisk.conf": _asterisk_conf(binary, directory),
        "modules.conf": "[modules]\nautoload = no\n" + "".join(f"load = {m}.so\n" for m in _MODULES),
        "logger.conf": "[general]\nqueue_log = yes\n[logfiles]\nmessages = warning,error\n",
        "manager.conf": _manager_conf(port, secret),
        "queues.conf": _QUEUES,
        "extensions.conf": _DIALPLAN,
        "features.conf": "[featuremap]\natxfer => *2\n",
        **dict.fromkeys(_EMPTY, ""),
    }
    for name, text in files.items():
        (directory / "etc" / name).write_text(text)
    settings = str(directory / "etc" / "asterisk.conf")
    # Without -g it writes no core file, with -f it stays in the foreground, with -n it has no colours.
    process = ChildProcess("asterisk", [str(binary), "-f", "-n", "-C", settings])
    return Asterisk(directory, port, secret, process)


def version(binary: Path) -> str:
    """Return what the exchange calls itself, such as ``Asterisk 22.10.1``."""
    return subprocess.run([binary, "-V"], capture_output=True, text=True, check=True).stdout.strip()


def queue_module(binary: Path) -> Path:
    """Return the file of the exchange's queues."""
    root = binary.parent / "root"
    return next((root if root.is_dir() else Path("/usr/lib")).rglob("app_queue.so"))


def _asterisk_conf(binary: Path, directory: Path) -> str:
    root = binary.parent / "root"
    data = (root if root.is_dir() else Path("/")) / "usr/share/asterisk"
    return f"""[directories]
astmoddir => {queue_module(binary).parent}
astdatadir => {data}
astetcdir => {directory}/etc
astlogdir => {directory}/log
astrundir => {directory}/run
astdbdir => {directory}/db
astkeydir => {directory}/db
astspooldir => {directory}/spool
astvarlibdir => {data}

[options]
; The only voice that Debian's package has; an agent who transfers hears it.
defaultlanguage = en_US_f_Allison
"""


def _manager_conf(port: int, secret: str) -> str:
    """What the README of the source asks for, and the rights with which the tests make calls."""
    return f"""[general]
enabled = yes
bindaddr = {LOOPBACK}
port = {port}
timestampevents = yes
channelvars = CALLERID(num-pres)

[{USER}]
secret = {secret}
read = call,agent,system,dialplan
write = none

[test]
secret = {secret}
read = call,agent,system
write = originate,call,system
"""
