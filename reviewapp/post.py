"""The only door to other people's servers: one signed POST, one e-mail. Knows no rows.

An address a client gave is not trusted: only https to a public address, which is looked up once and then dialled as it
was checked, no redirect is followed, and of the answer only the status is read, for a few seconds.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import smtplib
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.translation import gettext as _

CONNECT_S = 5.0
DEADLINE_S = 15.0
"""How long a receiver may take from the first byte of the request to the end of its answer's headers."""
MOST_ADDRESSES = 3
AGAIN = frozenset({408, 425, 429})
LONGEST_WAIT_S = 3600.0
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class PostFailed(RuntimeError):
    """The message did not arrive, or nobody knows that it did. `is_final`: trying again by itself changes nothing.

    `is_network`: nobody answered. `wait_s` is what the receiver asked for.
    """

    def __init__(
        self, code: str, sentence: str, *, is_final: bool, is_network: bool = False, wait_s: float = 0
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.is_final = is_final
        self.is_network = is_network
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Mail:
    """One e-mail to one address; `event_id` makes its Message-ID the same at every try."""

    to: str
    subject: str
    text: str
    event_id: str


def check_address(url: str) -> SplitResult:
    """Return the parts of a webhook's address. Raises PostFailed with the sentence when it can't be one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused("bad_address", _("The address can't be read.")) from None
    if parts.scheme != "https" and not (parts.scheme == "http" and settings.WEBHOOKS_TO_PRIVATE):
        raise _refused("not_https", _("The address has to begin with https://."))
    if not parts.hostname or parts.username is not None or port == 0:
        raise _refused("bad_address", _("The address needs a host, and no name or password in it."))
    if any(ord(char) <= 32 or ord(char) > 126 for char in url):
        raise _refused("bad_address", _("The address has a blank or a letter that belongs percent-encoded."))
    return parts


def is_public(address: str) -> bool:
    """Say whether an IP address is one of the open internet; what is wrapped into IPv6 is looked at as what it is."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """POST once and return the status, 200..299. Raises PostFailed for everything else."""
    parts = check_address(url)
    try:
        line = _dial(parts)
        with line:
            return _ask(line, parts, body, headers)
    except PostFailed:
        raise
    except TimeoutError as error:
        raise _unheard("timeout", "The receiver took too long.") from error
    except ssl.SSLCertVerificationError as error:
        raise _refused("certificate", f"The receiver's certificate isn't valid: {error.verify_message}.") from error
    except (OSError, http.client.HTTPException) as error:
        raise _unheard(type(error).__name__, f"The receiver can't be reached: {error}.") from error


def send(mail: Mail) -> None:
    """Send one e-mail. Raises PostFailed."""
    if settings.MAIL is None and settings.EMAIL_BACKEND.endswith("dummy.EmailBackend"):
        raise _refused("mail_off", "E-mail is off: EMAIL_URL isn't set.")
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "softproof"
    headers = {"Message-ID": f"<{mail.event_id}@{host}>", "Softproof-Event-Id": mail.event_id}
    message = EmailMessage(" ".join(mail.subject.split()), mail.text, None, [mail.to], headers=headers)
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()), (550, b""))[0]
        raise _answered(code, "The mail server refuses the address", is_final=code >= 500) from error
    except smtplib.SMTPResponseException as error:
        raise _answered(
            error.smtp_code, "The mail server refuses the message", is_final=error.smtp_code >= 500
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        raise _unheard(type(error).__name__, f"The mail server can't be reached: {error}.") from error


def _dial(parts: SplitResult) -> socket.socket:
    """Connect to one of the host's addresses, after all of them were found to be allowed."""
    host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise _unheard("no_such_host", f"The host {host} isn't known.") from error
    if not settings.WEBHOOKS_TO_PRIVATE and not all(is_public(str(entry[4][0])) for entry in found):
        raise _refused("private_address", f"The host {host} is inside a private network.")
    line = _connect([entry[4] for entry in found][:MOST_ADDRESSES])
    if parts.scheme == "http":
        return line
    try:
        return ssl.create_default_context().wrap_socket(line, server_hostname=host)
    except BaseException:
        line.close()
        raise


def _connect(addresses: list[Any]) -> socket.socket:
    failed: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection(address[:2], CONNECT_S)
        except OSError as error:
            failed = error
    raise failed or OSError("no address")


def _ask(line: socket.socket, parts: SplitResult, body: bytes, headers: Mapping[str, str]) -> int:
    line.settimeout(DEADLINE_S)
    is_late = threading.Event()

    def hang_up() -> None:
        is_late.set()
        with contextlib.suppress(OSError):  # it ended in this very moment
            line.shutdown(socket.SHUT_RDWR)

    # A receiver that sends a byte now and then would outlive any timeout of a single read.
    clock = threading.Timer(DEADLINE_S, hang_up)
    clock.daemon = True
    clock.start()
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port)
    connection.sock = line
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", path, body, {"Host": parts.netloc, **headers})
        answer = connection.getresponse()
        if is_late.is_set():  # cut off in the middle of its headers
            raise TimeoutError
        # What else it says is not read: http.client caps the headers, and nothing here needs a body.
        return _judged(answer.status, answer.headers.get("Retry-After", ""))
    except (OSError, http.client.HTTPException) as error:
        if is_late.is_set():
            raise TimeoutError from error
        raise
    finally:
        clock.cancel()


def _judged(status: int, wait: str) -> int:
    if 200 <= status < 300:
        return status
    if 300 <= status < 400:
        raise _answered(
            status, "The receiver points elsewhere, and no redirect is followed: enter that address", is_final=True
        )
    is_final = 400 <= status < 500 and status not in AGAIN
    wait_s = min(float(wait), LONGEST_WAIT_S) if wait.isdecimal() else 0.0
    raise _answered(
        status, "The receiver refused it" if is_final else "The receiver failed", is_final=is_final, wait_s=wait_s
    )


def _refused(code: str, sentence: str) -> PostFailed:
    return PostFailed(code, sentence, is_final=True)


def _unheard(code: str, sentence: str) -> PostFailed:
    return PostFailed(code, sentence, is_final=False, is_network=True)


def _answered(status: int, sentence: str, *, is_final: bool, wait_s: float = 0) -> PostFailed:
    return PostFailed(f"status_{status}", f"{sentence} ({status}).", is_final=is_final, wait_s=wait_s)
