"""A real IMAP server for the tests: Dovecot on loopback, with one user and a Maildir of its own."""

from __future__ import annotations

import contextlib
import getpass
import grp
import imaplib
import os
import pwd
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest

from kommuncenter.embedded.processes import LOOPBACK, ChildProcess, accepts_connections, free_port
from tests.require import require

USER: Final = "kc"
# Dovecot gives mail to nobody who is root; as root the test's mail belongs to Dovecot's own login user.
_MAIL_OWNER_OF_ROOT: Final = "dovenull"
_START_TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A running server; plain authentication over loopback, no TLS."""

    host: str
    port: int
    user: str
    password: str
    mail: Path
    """The Maildir: folder ``x`` is ``.x`` in it."""
    process: ChildProcess

    @contextlib.contextmanager
    def session(self) -> Iterator[imaplib.IMAP4]:
        """Yield a logged-in session of the standard library's client."""
        with imaplib.IMAP4(self.host, self.port, timeout=10) as client:
            client.login(self.user, self.password)
            yield client

    def append(self, mailbox: str, message: bytes, received: datetime | None = None) -> int:
        """Put a message into the mailbox, which is created when missing; return its UID.

        `received` (aware) becomes the server's date of arrival; None means now.
        """
        with self.session() as client:
            client.create(f'"{mailbox}"')  # answers NO where it exists
            when = imaplib.Time2Internaldate(received) if received is not None else ""
            status, answer = client.append(f'"{mailbox}"', "", when, message)
        found = re.search(rb"APPENDUID \d+ (\d+)", answer[0])
        assert status == "OK", answer
        assert found is not None, answer
        return int(found.group(1))

    def recreate(self, mailbox: str) -> None:
        """Delete the mailbox and create it anew and empty, with another UIDVALIDITY."""
        with self.session() as client:
            for step in (client.delete, client.create):
                status, answer = step(f'"{mailbox}"')
                assert status == "OK", answer

    def restart(self) -> None:
        """Cut every connection and come back on the same port with the same mail."""
        self.process.stop()
        self.start()

    def start(self) -> None:
        """Start it and return when the user can log in."""
        self.process.start()
        self.process.wait_until(self._ready, _START_TIMEOUT_S)

    def _ready(self) -> bool:
        if not accepts_connections(self.port):
            return False
        try:
            with self.session():
                return True
        except (OSError, imaplib.IMAP4.error):
            return False


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """Dovecot, started once for the session; a test takes a mailbox of its own name."""
    binary = dovecot_binary()
    require("imap", binary is not None, "no dovecot; install Debian's dovecot-imapd")
    assert binary is not None
    # Not pytest's directory: only its owner may enter that, and a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="kc-imap-") as name:
        server = configured(binary, Path(name))
        server.start()
        yield server
        server.process.stop()


def dovecot_binary() -> str | None:
    """The server's path; Debian has it outside an ordinary user's PATH."""
    return shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def configured(binary: str, directory: Path) -> Dovecot:
    """Write the settings into the directory and return the server, not yet started."""
    directory.chmod(0o711)
    owner = _mail_owner()
    (directory / "mail").mkdir()
    if os.geteuid() == 0:
        os.chown(directory / "mail", owner.pw_uid, owner.pw_gid)
    port, password = free_port(), secrets.token_urlsafe(16)
    users = directory / "users"
    users.write_text(f"{USER}:{{PLAIN}}{password}\n")
    users.chmod(0o644)
    settings = directory / "dovecot.conf"
    modern = _version(binary) >= (2, 4)
    settings.write_text((_settings_2_4 if modern else _settings_2_3)(directory, port, owner))
    process = ChildProcess("dovecot", [binary, "-F", "-c", str(settings)])
    return Dovecot(LOOPBACK, port, USER, password, directory / "mail", process)


def _mail_owner() -> pwd.struct_passwd:
    return pwd.getpwnam(_MAIL_OWNER_OF_ROOT if os.geteuid() == 0 else getpass.getuser())


def _version(binary: str) -> tuple[int, int]:
    shown = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = shown.split(".")[:2]
    return int(major), int(minor)


def _common(directory: Path, port: int, owner: pwd.struct_passwd) -> str:
    """Settings that have one form in both versions; no process changes its root, so any user may run it."""
    me = pwd.getpwuid(os.geteuid())
    internal = "dovecot" if me.pw_uid == 0 else me.pw_name
    group = "dovecot" if me.pw_uid == 0 else grp.getgrgid(me.pw_gid).gr_name
    return f"""
base_dir = {directory}/run
state_dir = {directory}/state
log_path = /dev/stderr
protocols = imap
listen = {LOOPBACK}
ssl = no
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {owner.pw_name}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
auth_failure_delay = 0
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


def _settings_2_3(directory: Path, port: int, owner: pwd.struct_passwd) -> str:
    return f"""{_common(directory, port, owner)}
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:{directory}/mail
mail_max_userip_connections = 50
passdb {{
  driver = passwd-file
  args = {directory}/users
}}
userdb {{
  driver = static
  args = uid={owner.pw_uid} gid={owner.pw_gid} home={directory}/mail
}}
"""


def _settings_2_4(directory: Path, port: int, owner: pwd.struct_passwd) -> str:
    """Debian 13 has 2.4, whose settings have other names; written from its manual."""
    return f"""dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
{_common(directory, port, owner)}
auth_allow_cleartext = yes
first_valid_uid = 1
mail_driver = maildir
mail_path = {directory}/mail
mail_max_userip_connections = 50
namespace inbox {{
  inbox = yes
}}
passdb passwd-file {{
  passwd_file_path = {directory}/users
}}
userdb static {{
  fields {{
    uid = {owner.pw_uid}
    gid = {owner.pw_gid}
    home = {directory}/mail
  }}
}}
"""
