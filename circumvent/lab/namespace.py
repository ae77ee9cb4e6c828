"""User, network, mount and process namespaces without root (Linux).

:func:`contained` runs a function as everything in there: whatever it starts ends with it, also when this process is
killed, because the kernel ends all processes of a PID namespace with its first one. The rest are the system calls, for
whoever builds something of their own (the tests do).

Root becomes nobody inside, so that what is tried by root meets the same permissions as everybody's.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import select
import signal
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000
MS_BIND: Final = 0x1000
MS_PRIVATE_RECURSIVE: Final = 0x40000 | 0x4000
CAP_NET_ADMIN: Final = 12
CAP_SYS_ADMIN: Final = 21

_NOBODY: Final = 65534
_TUNSETIFF: Final = 0x400454CA
_IFF_TUN_NO_PI: Final = 0x0001 | 0x1000
_CAPABILITY_VERSION_3: Final = 0x20080522
_PR_SET_PDEATHSIG: Final = 1
_LONGEST_REASON: Final = 1000
#: What :func:`contained` returns when its function was killed by a signal: 128 and its number, as in a shell.
_KILLED: Final = 128
#: What it returns when an interrupt ended its function.
INTERRUPTED: Final = _KILLED + signal.SIGINT
_ASKING: Final = (signal.SIGINT, signal.SIGTERM)
#: Stands inside for a SIGINT that the process outside got, and nobody else.
FOR_US_ALONE: Final = signal.SIGUSR1
#: siginfo's code of what the kernel sent by itself, as a terminal's driver does (sigaction(2)).
_SI_KERNEL: Final = 0x80

#: What to do where the kernel refuses; shown to people.
HELP: Final = (
    "The laboratory needs user namespaces. Allow them with"
    " 'sysctl kernel.unprivileged_userns_clone=1' (Debian, older kernels) or"
    " 'sysctl kernel.apparmor_restrict_unprivileged_userns=0' (Ubuntu), or run it as root."
)


class Refused(Exception):
    """The kernel does not let us build what we want; the message says which call, and why."""


def contained(main: Callable[[], int], *, resolv_conf: str | None = None) -> int:
    """Run ``main`` in user, network, mount and PID namespaces of its own, and return its status.

    Inside, ``/run`` and ``/dev/shm`` are empty, so that no service of the machine is found there that would look up
    names or fetch pages on the program's behalf, and ``/etc/resolv.conf`` says ``resolv_conf``. The network has a
    loopback device that is down, and nothing else.

    SIGINT and SIGTERM, whether they come from a terminal or to this process alone, are ``KeyboardInterrupt`` in ``main``,
    once; if it does not take that, the status is :data:`INTERRUPTED`.

    :raises Refused: when the kernel says no, or there is no such kernel.
    """
    if not sys.platform.startswith("linux"):
        raise Refused(f"{sys.platform} has no network namespaces; use Linux, a virtual machine or WSL")
    if threading.active_count() > 1:
        raise Refused("a thread is running already, and a process with threads cannot be divided")
    ours, theirs = socket.socketpair()
    parent = os.getpid()
    with asked_to_stop() as stop:
        child = os.fork()
        if child == 0:
            ours.close()
            _end_with(lambda: _outer(main, parent, theirs, resolv_conf, stop))
        theirs.close()
        with ours:
            said, descriptors, _, _ = socket.recv_fds(ours, _LONGEST_REASON, 1)
        worker = descriptors[0] if descriptors else None
        try:
            status = stop.wait(child, worker)
        finally:
            if worker is not None:
                os.close(worker)
    if worker is None:
        raise Refused(said.decode("utf-8", "replace") or "the kernel ended it")
    return _code(status)


def _outer(
    main: Callable[[], int], parent: int, told: socket.socket, resolv_conf: str | None, stop: Stop
) -> int:
    """Make the namespaces, then wait for the first process inside.

    Here and in the processes below, signals are held back until each has said what they do to it: whoever signals the
    whole group must not end one that has just been made.
    """
    try:
        enter_user_namespace()
        unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID)
        hide_services(resolv_conf)
        die_with_parent(parent)
    except (Refused, OSError) as error:
        told.send(str(error).encode()[:_LONGEST_REASON])
        return 1
    watching, watched = os.pipe()
    first = os.fork()
    if first == 0:
        os.close(watched)
        _end_with(lambda: _first(main, watching, told, stop))
    told.close()
    with ignoring_interrupts():
        stop.let_go()
        return _code(os.waitpid(first, 0)[1])


def _first(main: Callable[[], int], watching: int, told: socket.socket, stop: Stop) -> int:
    """Be process 1: bury whoever ends, and end with ``main``; tell outside who does the work."""
    die_with_parent(0)  # the parent lives outside and has no number in here
    if select.select([watching], [], [], 0)[
        0
    ]:  # its end of the pipe is closed: it died before the line above
        return 1
    worker = os.fork()
    if worker == 0:
        told.close()
        _end_with(lambda: _work(main, stop))
    with ignoring_interrupts(), told:
        stop.let_go()
        process = os.pidfd_open(worker)
        with contextlib.suppress(OSError):  # whoever asked has ended, and so will this process
            socket.send_fds(told, [b"\0"], [process])
        os.close(process)
        told.close()
        while True:
            ended, status = os.wait()
            if ended == worker:
                return _code(status)


def _work(main: Callable[[], int], stop: Stop) -> int:
    _interrupt_once()
    stop.let_go()
    return main()


def _interrupt_once() -> None:
    """Take the first signal that asks to stop as an interrupt; those that follow leave the clearing up alone.

    Whoever signals a whole group of processes is heard twice: here, and by :class:`Stop`.
    """
    heard = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal heard
        del number, frame
        if not heard:
            heard = True
            raise KeyboardInterrupt

    for each in (*_ASKING, FOR_US_ALONE):
        signal.signal(each, interrupt)


def _end_with(main: Callable[[], int]) -> None:
    """Run ``main`` and end this forked process with its status, whatever happens; nothing of the parent runs here."""
    status = 1
    try:
        status = main()
    except SystemExit as request:
        status = request.code if isinstance(request.code, int) else 1
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BaseException as error:  # noqa: BLE001 - a forked child must not run the parent's code after this
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else _KILLED - code


class Stop:
    """Waits for a process, and passes on that this one was asked to stop. Made by :func:`asked_to_stop`."""

    def __init__(self, mask: set[int | signal.Signals]) -> None:
        self._mask = mask

    def let_go(self) -> None:
        """Take signals again, as before."""
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def wait(self, child: int, worker: int | None) -> int:
        """Return the wait status of ``child``; signals go to ``worker`` (a descriptor) meanwhile.

        An interrupt from a terminal has reached the worker already, as it goes to the whole group.
        """
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return status
            heard = signal.sigwaitinfo({*_ASKING, signal.SIGCHLD})
            from_terminal = heard.si_signo == signal.SIGINT and heard.si_code == _SI_KERNEL
            if heard.si_signo in _ASKING and worker is not None and not from_terminal:
                passed_on = FOR_US_ALONE if heard.si_signo == signal.SIGINT else signal.SIGTERM
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(worker, passed_on)


@contextlib.contextmanager
def asked_to_stop() -> Iterator[Stop]:
    """Hold SIGINT and SIGTERM back for :class:`Stop`, also where the parent has SIGINT ignored (``nohup``, ``&``)."""
    stop = Stop(signal.pthread_sigmask(signal.SIG_BLOCK, {*_ASKING, signal.SIGCHLD}))
    try:
        yield stop
    finally:
        while signal.sigtimedwait(_ASKING, 0):  # meant for what has ended
            pass
        stop.let_go()


@contextlib.contextmanager
def ignoring_interrupts() -> Iterator[None]:
    """Let interrupts of the group be the business of the process that does the work."""
    before = {each: signal.signal(each, signal.SIG_IGN) for each in _ASKING}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def enter_user_namespace() -> None:
    """Move this process, which must have no threads, into a user namespace in which it may do anything.

    :raises Refused: when the kernel says no.
    """
    uid, gid = os.geteuid(), os.getegid()
    unshare(CLONE_NEWUSER)
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", f"{uid or _NOBODY} {uid} 1")
    write("/proc/self/gid_map", f"{gid or _NOBODY} {gid} 1")


def furnish_network() -> None:
    """In the current network namespace: every port may be listened on, echo requests may be sent, IPv6 is on.

    :raises Refused: when the kernel says no.
    """
    write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0")
    with contextlib.suppress(Refused):  # only ping needs it
        write("/proc/sys/net/ipv4/ping_group_range", f"{os.getegid()} {os.getegid()}")
    with contextlib.suppress(Refused):  # a kernel without IPv6
        write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "0")
        write("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1")  # no link-local addresses


def any_address_is_ours() -> None:
    """In the current network namespace: servers may listen on any address of a prefix that is routed to it."""
    with contextlib.suppress(Refused):  # a kernel without IPv6; IPv4 needs only the route
        write("/proc/sys/net/ipv6/ip_nonlocal_bind", "1")


def hide_services(resolv_conf: str | None) -> None:
    """In this mount namespace: an empty ``/run`` and ``/dev/shm``, and another ``/etc/resolv.conf``.

    :raises Refused: when the kernel says no.
    """
    mount("none", "/", MS_PRIVATE_RECURSIVE)
    for place in ("/run", "/dev/shm"):  # noqa: S108 - they are covered, not used
        if Path(place).is_dir():
            mount("tmpfs", place, 0, kind="tmpfs")
    target = Path("/etc/resolv.conf")
    if resolv_conf is None or not Path("/run").is_dir():
        return
    source = Path("/run/resolv.conf")
    source.write_text(resolv_conf, encoding="ascii")
    if target.exists():
        mount(str(source), str(target.resolve()), MS_BIND)
    elif target.is_symlink():  # into the /run that is hidden now
        hidden = target.resolve()
        hidden.parent.mkdir(parents=True, exist_ok=True)
        hidden.write_text(resolv_conf, encoding="ascii")


def open_tun(name: str) -> int:
    """Create a TUN device in the current network namespace; it lives as long as the descriptor.

    :raises OSError: when there is no ``/dev/net/tun``.
    """
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN_NO_PI))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def current_network() -> int:
    """Return a descriptor of this thread's network namespace, which keeps it alive."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def new_network() -> int:
    """Make a network namespace and return a descriptor of it; this thread stays where it is.

    :raises Refused: when this process may not.
    """
    before = current_network()
    try:
        unshare(CLONE_NEWNET)
        try:
            return current_network()
        finally:
            set_network(before)
    finally:
        os.close(before)


@contextlib.contextmanager
def inside(network: int) -> Iterator[None]:
    """Move this thread into a network namespace; sockets made and programs started meanwhile belong there."""
    before = current_network()
    set_network(network)
    try:
        yield
    finally:
        set_network(before)
        os.close(before)


def set_network(network: int) -> None:
    """Move this thread into a network namespace for good.

    :raises Refused: when this process may not.
    """
    if _libc().setns(network, CLONE_NEWNET):
        raise Refused(f"setns: {_error()}")


def unshare(flags: int) -> None:
    """Leave the namespaces of ``flags`` for new ones: unshare(2).

    :raises Refused: when the kernel says no.
    """
    if _libc().unshare(flags):
        raise Refused(f"unshare({flags:#x}): {_error()}")


def mount(source: str, target: str, flags: int, *, kind: str | None = None) -> None:
    """Mount: mount(2).

    :raises Refused: when the kernel says no.
    """
    name = None if kind is None else kind.encode()
    if _libc().mount(source.encode(), target.encode(), name, ctypes.c_ulong(flags), None):
        raise Refused(f"mount on {target}: {_error()}")


def write(path: str, text: str) -> None:
    """Write to a file of the kernel.

    :raises Refused: when it says no.
    """
    try:
        Path(path).write_text(text, encoding="ascii")
    except OSError as error:
        raise Refused(f"writing {path}: {error.strerror}") from error


def keep_capabilities(*kept: int) -> None:
    """Drop every capability but these, so that file permissions hold as they do for people.

    :raises Refused: when the kernel says no.
    """
    mask = sum(1 << number for number in kept)
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    if _libc().capset(header, struct.pack("=6I", mask, mask, 0, 0, 0, 0)):
        raise Refused(f"capset: {_error()}")


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends (prctl(2)); end now if that has happened already.

    Entering a user namespace undoes it, so it comes after.
    """
    _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _error() -> str:
    return os.strerror(ctypes.get_errno())
