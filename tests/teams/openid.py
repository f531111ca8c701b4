"""Where a bot finds the keys of Bot Framework: the OpenID document and the keys it names."""

from dataclasses import dataclass

from aiohttp import web

from tests.teams.tokens import Issuer


@dataclass
class OpenId:
    """Counts how often each document was fetched; what goes wrong is ordered at the Connector's trouble."""

    issuer: Issuer
    configurations: int = 0
    keys: int = 0

    async def configuration(self, request: web.Request) -> web.Response:
        self.configurations += 1
        base = f"{request.scheme}://{request.host}"
        return web.json_response(
            {
                "issuer": self.issuer.address,
                "authorization_endpoint": "https://invalid.botframework.com",
                "jwks_uri": f"{base}/openid/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            }
        )

    async def key_set(self, _request: web.Request) -> web.Response:
        self.keys += 1
        return web.json_response(self.issuer.keys())
