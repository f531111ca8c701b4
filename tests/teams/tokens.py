"""The tokens that Bot Framework signs for a bot, from a key of the test's own, and each way in which one is bad."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

BOT_FRAMEWORK = "https://api.botframework.com"
SKEW_SECONDS = 300
"""The most by which the clocks of Microsoft and of a bot may differ."""

EMULATOR_TENANT = "d6d49420-f39b-4df7-a1dc-d59a935871db"
OTHER_APP = "9d2f4b9e-0000-4000-8000-00000000beef"
OTHER_SERVICE_URL = "https://smba.trafficmanager.net/amer/"


@cache
def signing_key(name: str) -> rsa.RSAPrivateKey:
    """A key under a name of its own; making one is slow, so each is made once for a whole run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class Expected:
    """What the bot under test takes for right."""

    app_id: str
    service_url: str
    tenant_id: str = ""


@dataclass
class Issuer:
    """Bot Framework as a bot sees it: a key with an id, endorsed for Teams, and the tokens signed with it.

    `address` stands in every token as its issuer.
    """

    address: str = BOT_FRAMEWORK
    generation: int = 1
    endorsements: tuple[str, ...] = ("msteams",)
    _headers: dict[tuple[str, int, Expected], str] = field(default_factory=dict, init=False, repr=False)

    @property
    def kid(self) -> str:
        return f"key-{self.generation}"

    @property
    def key(self) -> rsa.RSAPrivateKey:
        return signing_key(self.kid)

    def rotate(self) -> None:
        """Sign with a new key from now on; the document of keys names the old one no longer."""
        self.generation += 1

    @property
    def lesser_kids(self) -> dict[str, tuple[str, ...]]:
        """Key ids in the document that are not endorsed for Teams, each with what it is endorsed for."""
        return {f"{self.kid}-webchat": ("webchat",), f"{self.kid}-unendorsed": ()}

    def keys(self) -> dict[str, Any]:
        """The document of keys (JWKS)."""
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        kids = {self.kid: self.endorsements, **self.lesser_kids}
        return {
            "keys": [
                {"kty": "RSA", "use": "sig", "kid": kid, "x5t": kid, "n": public["n"], "e": public["e"]}
                | {"endorsements": list(endorsed)}
                for kid, endorsed in kids.items()
            ]
        }

    def token(
        self,
        *,
        app_id: str,
        service_url: str | None,
        tenant: str | None = None,
        issuer: str | None = None,
        audience: str | None = None,
        expires_in: float = 3600,
        not_before: float = 0,
        kid: str | None = None,
        key: rsa.RSAPrivateKey | None = None,
        algorithm: str = "RS256",
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """A token for a bot. Times are seconds from now; without a `service_url` the claim is left out.

        `claims` are added, and one that is None is taken out. `algorithm` may be `none`, or `HS256`: signed with the
        public key as if it were a shared secret.
        """
        now = time.time()
        said: dict[str, Any] = {
            "iss": issuer or self.address,
            "aud": audience or app_id,
            "nbf": int(now + not_before),
            "exp": int(now + expires_in),
        }
        if service_url is not None:
            said["serviceurl"] = service_url
        if tenant is not None:
            said["tid"] = tenant
        said = {name: value for name, value in {**said, **(claims or {})}.items() if value is not None}
        head = {"kid": kid or self.kid, "x5t": kid or self.kid}
        if algorithm == "HS256":
            return self._signed_with_the_public_key(said, head)
        signer = "" if algorithm == "none" else key or self.key
        return jwt.encode(said, signer, algorithm=algorithm, headers=head)

    def header(self, expected: Expected) -> str:
        """The Authorization header of a good request. Like Teams, it sends one token with many requests."""
        good = (self.address, self.generation, expected)
        if good not in self._headers:
            self._headers[good] = f"Bearer {self.token(app_id=expected.app_id, service_url=expected.service_url)}"
        return self._headers[good]

    def _signed_with_the_public_key(self, claims: dict[str, Any], head: dict[str, str]) -> str:
        # PyJWT refuses to make this forgery, so it is put together by hand.
        secret = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        parts = (_packed({"typ": "JWT", "alg": "HS256", **head}), _packed(claims))
        signed = ".".join(parts)
        return f"{signed}.{_encoded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def _packed(part: dict[str, Any]) -> str:
    return _encoded(json.dumps(part, separators=(",", ":")).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


Header = Callable[[Issuer, Expected], str | None]


def _bearer(**changes: Any) -> Header:
    """A Bearer header whose token differs in these arguments from a good one; a function is given the issuer."""

    def made(issuer: Issuer, expected: Expected) -> str:
        known = {name: value(issuer) if callable(value) else value for name, value in changes.items()}
        return f"Bearer {issuer.token(**{'app_id': expected.app_id, 'service_url': expected.service_url, **known})}"

    return made


def _altered(issuer: Issuer, expected: Expected) -> str:
    """A good token whose claims were changed after it was signed."""
    head, _, signature = issuer.header(expected).split(".")
    now = int(time.time())
    claims = {"iss": issuer.address, "aud": expected.app_id, "serviceurl": expected.service_url, "nbf": now}
    return f"{head}.{_packed({**claims, 'exp': now + 86400})}.{signature}"


def _emulator(issuer: Issuer, expected: Expected) -> str:
    return "Bearer " + issuer.token(
        app_id=expected.app_id,
        service_url=expected.service_url,
        tenant=EMULATOR_TENANT,
        issuer=f"https://sts.windows.net/{EMULATOR_TENANT}/",
        claims={"appid": expected.app_id, "ver": "1.0"},
    )


def _skill(issuer: Issuer, expected: Expected) -> str:
    return "Bearer " + issuer.token(
        app_id=expected.app_id,
        service_url=expected.service_url,
        tenant=EMULATOR_TENANT,
        issuer=f"https://login.microsoftonline.com/{EMULATOR_TENANT}/v2.0",
        claims={"azp": OTHER_APP, "ver": "2.0"},
    )


def _single_tenant_bot(issuer: Issuer, expected: Expected) -> str:
    """What the bot's own tenant would sign for the bot: right for calling Microsoft, wrong for calling the bot."""
    return "Bearer " + issuer.token(
        app_id=expected.app_id,
        service_url=expected.service_url,
        tenant=expected.tenant_id,
        issuer=f"https://login.microsoftonline.com/{expected.tenant_id}/v2.0",
        claims={"azp": expected.app_id, "ver": "2.0"},
    )


GOOD_TOKENS: dict[str, Header] = {
    "fresh": _bearer(),
    "expired, and within the skew": _bearer(expires_in=-SKEW_SECONDS + 60, not_before=-7200),
    "not yet valid, and within the skew": _bearer(not_before=SKEW_SECONDS - 60),
}
"""By a readable name, the Authorization header of a request that must be let in."""

BAD_TOKENS: dict[str, Header] = {
    "no header": lambda _issuer, _expected: None,
    "an empty header": lambda _issuer, _expected: "",
    "the scheme alone": lambda _issuer, _expected: "Bearer",
    "the scheme and a space": lambda _issuer, _expected: "Bearer ",
    "another scheme": lambda issuer, expected: issuer.header(expected).replace("Bearer", "Basic"),
    "no scheme": lambda issuer, expected: issuer.header(expected).removeprefix("Bearer "),
    "two tokens": lambda issuer, expected: f"{issuer.header(expected)} {issuer.header(expected)[7:]}",
    "garbage": lambda _issuer, _expected: "Bearer garbage",
    "garbage in three parts": lambda _issuer, _expected: "Bearer a.b.c",
    "claims that are no object": lambda _issuer, _expected: f"Bearer {_packed({'alg': 'RS256'})}.{_encoded(b'[]')}.eA",
    "no signature": lambda issuer, expected: issuer.header(expected).rpartition(".")[0] + ".",
    "claims changed after signing": _altered,
    "another app as audience": _bearer(audience=OTHER_APP),
    "the channel as audience": _bearer(audience=BOT_FRAMEWORK),
    "no audience": _bearer(claims={"aud": None}),
    "another issuer": _bearer(issuer="https://issuer.example.org"),
    "no issuer": _bearer(claims={"iss": None}),
    "another service URL": _bearer(service_url=OTHER_SERVICE_URL),
    "no service URL": _bearer(service_url=None),
    "an empty service URL": _bearer(service_url=""),
    "expired": _bearer(expires_in=-SKEW_SECONDS - 60, not_before=-7200),
    "no expiry": _bearer(claims={"exp": None}),
    "not yet valid": _bearer(not_before=SKEW_SECONDS + 60),
    "signed with another key under the same id": _bearer(key=lambda _issuer: signing_key("forger")),
    "an unknown key id": _bearer(kid="key-0"),
    "a key endorsed for another channel": _bearer(kid=lambda issuer: f"{issuer.kid}-webchat"),
    "a key without endorsements": _bearer(kid=lambda issuer: f"{issuer.kid}-unendorsed"),
    "algorithm none": _bearer(algorithm="none"),
    "HS256 with the public key as secret": _bearer(algorithm="HS256"),
    "an emulator's token": _emulator,
    "a skill's token": _skill,
    "a token of the bot's own tenant": _single_tenant_bot,
}
"""By a readable name, the Authorization header of a request that must be answered with 401; None for no header."""
