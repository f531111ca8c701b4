"""Microsoft's login for an app: who asks, with which secret or certificate, for what; and the tokens it gives."""

import base64
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from itertools import count
from typing import Any

import jwt
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tests.teams.tokens import BOT_FRAMEWORK, signing_key

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def certificate_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, name: str) -> x509.Certificate:
    """A certificate that a key signs for itself, good on 127.0.0.1 from yesterday until tomorrow."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def pem_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> str:
    """The private key and the certificate, as they stand in one file."""
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (private + certificate.public_bytes(serialization.Encoding.PEM)).decode()


@dataclass(frozen=True)
class Grant:
    """A token that was given, good until `expires_at` on the Connector's clock."""

    token: str
    app_id: str
    expires_at: float


class Denied(Exception):
    """A request for a token that Microsoft would refuse, with its code."""

    def __init__(self, status: int, error: str, code: int) -> None:
        super().__init__(code)
        self.status, self.error, self.code = status, error, code


@dataclass
class Login:
    """The app's registration in one tenant, and the tokens given. `life` is how many seconds a token is good for."""

    app_id: str
    tenant_id: str
    clock: Callable[[], float]
    secret: str = "the app's secret"
    scope: str = BOT_FRAMEWORK
    life: int = 3599
    certificate: x509.Certificate | None = None
    grants: dict[str, Grant] = field(default_factory=dict)
    denied: list[int] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _used: set[str] = field(default_factory=set)

    def register_certificate(self) -> str:
        """Give the app a certificate; the PEM text of its private key and of the certificate."""
        key = signing_key("certificate")
        self.certificate = certificate_of(key, "auditloop test")
        return pem_of(key, self.certificate)

    @property
    def thumbprint(self) -> str:
        """The certificate's SHA-1 thumbprint, as the Azure portal shows it."""
        assert self.certificate is not None, "register a certificate first"
        return self.certificate.fingerprint(hashes.SHA1()).hex().upper()

    def revoke(self) -> None:
        """No token that was given is good any longer."""
        self.grants.clear()

    def lets_in(self, authorization: str | None) -> bool:
        """Whether a request with this header may use the Connector."""
        grant = self.grants.get((authorization or "").removeprefix("Bearer "))
        return grant is not None and (authorization or "").startswith("Bearer ") and self.clock() < grant.expires_at

    async def discovery(self, request: web.Request) -> web.Response:
        """What MSAL asks first: where the tokens of a tenant are given."""
        if request.match_info["tenant"] != self.tenant_id:
            return self._refusal(Denied(400, "invalid_tenant", 90002))
        base = f"{request.scheme}://{request.host}/{self.tenant_id}"
        return web.json_response(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
            }
        )

    async def token(self, request: web.Request) -> web.Response:
        """The client-credentials flow, with a secret or an assertion signed by the certificate."""
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        try:
            self._check(form, request)
        except Denied as denied:
            return self._refusal(denied)
        grant = Grant(f"granted-{next(self._numbers)}", self.app_id, self.clock() + self.life)
        self.grants[grant.token] = grant
        life = {"expires_in": self.life, "ext_expires_in": self.life}
        return web.json_response({"token_type": "Bearer", **life, "access_token": grant.token})

    def _check(self, form: dict[str, str], request: web.Request) -> None:
        if request.match_info["tenant"] != self.tenant_id:
            raise Denied(400, "invalid_request", 90002)
        if form.get("grant_type") != "client_credentials":
            raise Denied(400, "unsupported_grant_type", 70003)
        if form.get("client_id") != self.app_id:
            raise Denied(400, "unauthorized_client", 700016)
        if form.get("scope") != f"{self.scope}/.default":
            raise Denied(400, "invalid_scope", 1002012)
        if form.get("client_assertion_type") == ASSERTION and "client_assertion" in form:
            self._check_assertion(form["client_assertion"], f"{request.scheme}://{request.host}{request.path}")
        elif "client_secret" not in form:
            raise Denied(401, "invalid_client", 7000218)
        elif form["client_secret"] != self.secret:
            raise Denied(401, "invalid_client", 7000215)

    def _check_assertion(self, assertion: str, audience: str) -> None:
        wrong = Denied(401, "invalid_client", 700027)
        if self.certificate is None:
            raise wrong
        try:
            head = jwt.get_unverified_header(assertion)
            claims: dict[str, Any] = jwt.decode(
                assertion,
                self.certificate.public_key(),  # type: ignore[arg-type]
                algorithms=["RS256", "PS256"],
                audience=audience,
                issuer=self.app_id,
                options={"require": ["exp", "iss", "sub", "aud", "jti"]},
            )
        except jwt.PyJWTError:
            raise wrong from None
        named = str(head.get("x5t#S256") or head.get("x5t")).rstrip("=")
        thumbprints = {_thumb(self.certificate, hashes.SHA256()), _thumb(self.certificate, hashes.SHA1())}
        if named not in thumbprints or claims["sub"] != self.app_id or claims["jti"] in self._used:
            raise wrong
        self._used.add(claims["jti"])

    def _refusal(self, denied: Denied) -> web.Response:
        self.denied.append(denied.code)
        said = f"AADSTS{denied.code}: The test's login refuses this. Trace ID: 0 Correlation ID: 0 Timestamp: 0"
        return web.json_response(
            {"error": denied.error, "error_description": said, "error_codes": [denied.code]}, status=denied.status
        )


def _thumb(certificate: x509.Certificate, algorithm: hashes.HashAlgorithm) -> str:
    return base64.urlsafe_b64encode(certificate.fingerprint(algorithm)).rstrip(b"=").decode()
