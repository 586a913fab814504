"""Which hosts a feed may reach: those the city file names, looked at again as addresses; and whose page it is."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

import httpx

from dashboard.sources.feed import SourceFailed

METADATA = tuple(map(ipaddress.ip_address, ("169.254.169.254", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")))
NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def host_and_port(name: str) -> tuple[str, int | None]:
    """A host's name in lower case and its port if it has one; an empty name if it is no host."""
    try:
        url = httpx.URL(f"//[{name}]" if name.count(":") > 1 and not name.startswith("[") else f"//{name}")
    except (httpx.InvalidURL, ValueError):
        return "", None
    plain = url.path in ("", "/") and not url.userinfo and not url.query and not url.fragment
    return (url.raw_host.decode("ascii").lower().rstrip("."), url.port) if plain else ("", None)


def _address(text: str) -> Address | None:
    """An address, out of the wrappings by which one address can be written as another."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is None and found in NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        return inner or found
    return found


class Doorkeeper:
    """Knows which hosts a feed may reach: those its settings name. An address is looked at once the name is resolved.

    A name does not lead to this machine itself, nor to link-local, metadata, multicast or no address at all,
    unless that address is among those named: a foreign name server must not point us at our own house.
    """

    def __init__(self, named: Iterable[str]) -> None:
        self.named = {host_and_port(name) for name in named}
        self._addresses = {found for name, _ in self.named if (found := _address(name))}
        self._local = any(name == "localhost" or name.endswith(".localhost") for name, _ in self.named)

    def check(self, host: str, port: int) -> None:
        """See that a host is one of those named; one named without a port is so at 80 and 443.

        Raises:
            SourceFailed: if it is none.
        """
        host = host.lower().rstrip(".")
        if (host, port) not in self.named and not ((host, None) in self.named and port in (80, 443)):
            raise SourceFailed(f"{host}:{port} is not among the feed's hosts; if it is to be reached, add it to hosts")

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host that may be reached.

        Raises:
            SourceFailed: if it is not named, is not known, or leads where no feed may go.
        """
        self.check(host, port)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise SourceFailed(f"the name {host} is not known ({error}); check it, and the name server") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        allowed = [text for text in addresses if self._may(text)]
        if not allowed:
            raise SourceFailed(
                f"{host} leads to {', '.join(addresses[:3])}, where no feed goes unless told; if that is right, "
                f"add the address to hosts"
            )
        return allowed

    def _may(self, text: str) -> bool:
        address = _address(text)
        if address is None:
            return False
        if address in self._addresses or (self._local and address.is_loopback):
            return True
        return not (
            address in METADATA
            or address.is_link_local
            or address.is_loopback
            or address.is_multicast
            or address.is_unspecified
            or address == ipaddress.IPv4Address("255.255.255.255")
        )


def same_origin(origin: str | None, host: str | None) -> bool:
    """Whether a browser's page comes from this server; a client that is no browser sends no origin."""
    return origin is None or urlsplit(origin).netloc == host
