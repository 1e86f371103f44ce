"""TLS from certificate files."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from pycall.core.errors import ConfigError, ErrorCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Both files in PEM; without them the server speaks plain HTTP. Read once, at the start."""

    cert: str = ""
    """The certificate, followed by those between it and its root."""
    key: str = ""
    """Its private key, not encrypted."""

    def __post_init__(self) -> None:
        if bool(self.cert) != bool(self.key):
            raise ConfigError(ErrorCode.BAD_SETTING, "TLS needs both a certificate and its key: --tls-cert, --tls-key")

    def context(self) -> ssl.SSLContext | None:
        """For the listening socket, TLS 1.2 or newer; None without files. Raises ConfigError."""
        if not self.cert:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.cert, self.key, password=_no_password)
        except (ssl.SSLError, OSError, ValueError) as error:
            reason = "the files are no PEM certificate with its unencrypted key"
            if not isinstance(error, ssl.SSLError) and isinstance(error, OSError):
                reason = error.strerror or reason
            raise ConfigError(
                ErrorCode.BAD_SETTING, f"cannot use the certificate {self.cert} with the key {self.key}: {reason}"
            ) from error
        return context


def _no_password() -> str:
    """Instead of a question at the terminal."""
    raise ValueError("the key is encrypted")
