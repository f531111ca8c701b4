"""Which network sockets a process of this machine has open, as Linux tells it."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

_LISTEN = "0A"
_TABLES = ("tcp", "tcp6", "udp", "udp6")


@dataclass(frozen=True)
class Socket:
    """One socket: where it is bound, whom it speaks to (nobody yet: an unspecified address), whether it listens."""

    local: IPv4Address | IPv6Address
    port: int
    remote: IPv4Address | IPv6Address
    listens: bool

    @property
    def stays_here(self) -> bool:
        return self.local.is_loopback and (self.remote.is_loopback or self.remote.is_unspecified)


def sockets_of(pid: int) -> list[Socket]:
    """The sockets of TCP and UDP that this process holds at this moment."""
    process = Path("/proc") / str(pid)
    held = {link.readlink().name for link in (process / "fd").iterdir() if link.is_symlink()}
    inodes = {name.removeprefix("socket:[").removesuffix("]") for name in held if name.startswith("socket:[")}
    found = []
    for table in _TABLES:
        rows = (process / "net" / table).read_text(encoding="ascii").splitlines()[1:]
        for row in map(str.split, rows):
            if row[9] in inodes:
                (local, port), (remote, _) = (end.split(":") for end in row[1:3])
                listens = table.startswith("tcp") and row[3] == _LISTEN
                found.append(Socket(_address(local), int(port, 16), _address(remote), listens))
    return found


def _address(written: str) -> IPv4Address | IPv6Address:
    """The kernel writes an address as words of 32 bits, each in the order of the machine."""
    words = [bytes.fromhex(written[at : at + 8])[::-1] for at in range(0, len(written), 8)]
    address = ip_address(b"".join(words))
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
