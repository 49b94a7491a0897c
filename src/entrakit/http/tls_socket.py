"""A TLS socket that hands on several records that have arrived, not one at a time.

OpenSSL gives 16 KiB per read at the most. The layers above it cost more for each piece than for each byte, so of a page
of some 300 KB that is there already, larger pieces are better; from 128 KiB on, each copy would be new memory again, as
the C library gives it out, and cost more than a piece.
"""

from __future__ import annotations

import ssl

RECORD = 16 * 1024
MOST = 64 * 1024


class EagerSocket(ssl.SSLSocket):
    """What `ssl.SSLContext.sslsocket_class` makes of a socket."""

    def recv(self, buflen: int = RECORD, flags: int = 0) -> bytes:
        """Return what is there, once there is something; more than `buflen`, if more has arrived."""
        first = super().recv(buflen, flags)
        if len(first) < RECORD or self.selected_alpn_protocol() == "h2":
            # A record that is not full is the last one of an answer. With HTTP/2 another thread may be sending
            # meanwhile, whose time-out is this socket's, too.
            return first
        parts, size = [first], len(first)
        patience = self.gettimeout()
        self.settimeout(0.0)
        try:
            while size < MOST:
                part = super().recv(RECORD)
                if not part:
                    break
                parts.append(part)
                size += len(part)
        except (ssl.SSLError, OSError):
            # Nothing more yet, or an end: the next read waits for it, or meets it again.
            pass
        finally:
            self.settimeout(patience)
        return b"".join(parts)
