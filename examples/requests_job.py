"""The same list with `requests` alone, for those who do without the SDK.

    pip install --find-links build/packages "evo-token[requests]"
    python examples/requests_job.py evo-me

`SidecarAuth` puts a fresh token on each request, and tries once more where one was refused.
"""

import os
import sys

import requests
from evo_token.requests import SidecarAuth

DISCOVERY_URL = os.environ.get("EVO_DISCOVERY_URL", "https://discover.api.seequent.com")


def main(app: str) -> None:
    session = requests.Session()
    session.auth = SidecarAuth(app)

    def get(url: str, **params: object) -> dict:
        answer = session.get(url, params=params, timeout=30)
        answer.raise_for_status()
        return answer.json()

    found = get(f"{DISCOVERY_URL}/evo/identity/v2/discovery", service="evo")["discovery"]
    hubs = {hub["code"]: hub["url"].rstrip("/") for hub in found["hubs"]}
    names = {organization["id"]: organization["display_name"] for organization in found["organizations"]}
    for access in found["service_access"]:
        hub, organization = access["hub_code"], access["org_id"]
        page = get(f"{hubs[hub]}/workspace/orgs/{organization}/workspaces", limit=100, offset=0)
        for workspace in page["results"]:
            print(names[organization], hub, workspace["name"], sep="\t")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("EVO_TOKEN_APP", "evo-me"))
