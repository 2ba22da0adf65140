"""Outside systems that nobody can reach from a trial: their simulators, as threads of the supervisor, with the demonstration."""

from collections.abc import Callable, Mapping
from http.server import ThreadingHTTPServer
from threading import Thread

from portal.foundation.accounts.sso import simulator as sso
from portal.foundation.assets.valuation import simulator as agency


def _government() -> ThreadingHTTPServer:
    return sso.server()[0]


# The setting that names the real system, and who stands in for it.
STAND_INS: dict[str, Callable[[], ThreadingHTTPServer]] = {
    "VALUATION_AGENCY_URL": agency.server,
    "SSO_ISSUER": _government,
}


def stand_in(environment: Mapping[str, str]) -> dict[str, str]:
    """Start a simulator for every system that no setting names; returns their addresses. They end with this process."""
    return {name: _serve(make()) for name, make in STAND_INS.items() if not environment.get(name)}


def _serve(server: ThreadingHTTPServer) -> str:
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"
