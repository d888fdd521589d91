"""Runs a program under what a systemd unit lets it do of system calls, without systemd as process 1.

    filtered.py UNIT PROGRAM ARGUMENT..

Makes one seccomp filter of the unit's SystemCallFilter=, RestrictAddressFamilies= and MemoryDenyWriteExecute=, by
systemd's own lists of calls, becomes user 65534 and the program. Needs root for the user, and libseccomp's Python.
"""

import os
import subprocess
import sys

sys.dont_write_bytecode = True
import errno
import socket

import seccomp

PROT_WRITE, PROT_EXEC = 2, 4


def settings(unit):
    """The values of each key, in their order."""
    found = {}
    for line in open(unit, encoding="utf-8"):
        key, sign, value = line.strip().partition("=")
        if sign and not key.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def calls(name):
    """The calls of a group, and of those in it."""
    if not name.startswith("@"):
        return {name}
    listed = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True).stdout
    words = [line.strip() for line in listed.splitlines()[1:]]
    return set().union(*(calls(word) for word in words if word and not word.startswith("#")))


def allowed(filters):
    taken = set()
    for line in filters:
        names = set().union(*(calls(name) for name in line.lstrip("~").split()))
        taken = taken - names if line.startswith("~") else taken | names
    return taken


def main(unit, program):
    keys = settings(unit)
    taken = allowed(keys["SystemCallFilter"])
    assert "execve" in taken and "mount" not in taken, "systemd's lists are others"
    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    families = [getattr(socket, name) for name in keys["RestrictAddressFamilies"][0].split()]
    assert keys["MemoryDenyWriteExecute"] == ["yes"] and keys["NoNewPrivileges"] == ["yes"]
    without = {"socket", "mmap", "mprotect", "pkey_mprotect"}
    for name in sorted(taken - without):
        try:
            rules.add_rule(seccomp.ALLOW, name)
        except (RuntimeError, ValueError, OSError):
            # Of another architecture.
            pass
    for family in families:
        rules.add_rule(seccomp.ALLOW, "socket", seccomp.Arg(0, seccomp.EQ, family))
    # What is not both, or not executable from now on.
    both = PROT_WRITE | PROT_EXEC
    for bits in (0, PROT_WRITE, PROT_EXEC):
        rules.add_rule(seccomp.ALLOW, "mmap", seccomp.Arg(2, seccomp.MASKED_EQ, both, bits))
    for name in ("mprotect", "pkey_mprotect"):
        rules.add_rule(seccomp.ALLOW, name, seccomp.Arg(2, seccomp.MASKED_EQ, PROT_EXEC, 0))
    os.umask(int(keys["UMask"][0], 8))
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    # Sets NoNewPrivileges.
    rules.load()
    os.execv(program[0], program)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
