"""Exec shim of an embedded service: ends the service when the process that started it dies (Linux).

Run as ``python -I -S _guard.py PARENT_PID COMMAND...``. A shim and not ``preexec_fn``, which is unsafe in a
process with threads. The kernel counts the *thread* that forked as the parent, so the starter must fork from
a thread that lives as long as the service; see `kommuncenter.embedded.processes`.
"""

from __future__ import annotations

import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with(parent_pid: int) -> None:
    """Ask the kernel for SIGKILL at the parent's death; end at once where the parent is already gone."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    if os.getppid() != parent_pid:
        sys.exit(1)


def main() -> None:
    """Set the guard and become the command; exit 127 with a message where it can't be started."""
    parent_pid, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        die_with(parent_pid)
    try:
        os.execvp(command[0], command)  # noqa: S606 - the shim's whole purpose
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.exit(127)


if __name__ == "__main__":
    main()
