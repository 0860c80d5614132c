"""Lists every workspace that you have a role in, with the Evo Python SDK.

    pip install --find-links build/packages "evo-token[evo]"
    python examples/evo_sdk.py evo-me

The token is fetched anew for each request, so this goes on for as long as the job takes.
"""

import asyncio
import os
import sys

from evo.aio import AioTransport
from evo.common import APIConnector
from evo.discovery import DiscoveryAPIClient
from evo.workspaces import WorkspaceAPIClient
from evo_token.evo import SidecarAuthorizer

DISCOVERY_URL = os.environ.get("EVO_DISCOVERY_URL", "https://discover.api.seequent.com")


async def main(app: str) -> None:
    authorizer = SidecarAuthorizer(app)
    transport = AioTransport(user_agent="evo-token-example")
    async with transport, APIConnector(DISCOVERY_URL, transport, authorizer) as discovery:
        for organization in await DiscoveryAPIClient(discovery).list_organizations():
            for hub in organization.hubs:
                async with APIConnector(hub.url, transport, authorizer) as connector:
                    workspaces = WorkspaceAPIClient(connector, organization.id)
                    for workspace in await workspaces.list_all_workspaces():
                        print(organization.display_name, hub.code, workspace.display_name, sep="\t")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("EVO_TOKEN_APP", "evo-me")))
