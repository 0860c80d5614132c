"""A job with the real Evo SDK. It does what its stdin says, a word a line, and says how that went."""

import asyncio
import os
import sys

from evo.aio import AioTransport
from evo.common import APIConnector
from evo.common.exceptions import EvoAPIException
from evo.discovery import DiscoveryAPIClient
from evo_token import EvoTokenError, TokenClient
from evo_token.evo import SidecarAuthorizer

URL = os.environ["EVO_DISCOVERY_URL"]


async def organizations(transport, authorizer):
    return await DiscoveryAPIClient(APIConnector(URL, transport, authorizer)).list_organizations()


async def main():
    authorizer = SidecarAuthorizer()
    async with AioTransport(user_agent="evo-token-test") as transport:
        for word in map(str.strip, sys.stdin):
            try:
                if word == "crowd":
                    crowd = [SidecarAuthorizer(client=TokenClient()) for _ in range(50)]
                    for one in crowd:
                        await one.get_default_headers()
                    print("ready", flush=True)
                    sys.stdin.readline()
                    found = await asyncio.gather(*(organizations(transport, one) for one in crowd))
                    print(len(found), flush=True)
                else:
                    (found,) = await organizations(transport, authorizer)
                    print(found.display_name, flush=True)
            except (EvoTokenError, EvoAPIException) as error:
                print(type(error).__name__, flush=True)


asyncio.run(main())
