"""A group member as a program, so that a test can kill it.

Run as ``python -m tests.contract.member BOOTSTRAP GROUP TOPIC``; it prints ``assigned N`` each time the
number of its partitions changes.
"""

from __future__ import annotations

import asyncio
import sys

from tests.contract.kafka_groups import group_member


async def main(bootstrap: str, group: str, topic: str) -> None:
    """Be a member until killed."""
    shown = -1
    async with group_member(bootstrap, group, topic) as member:
        while True:
            await member.getmany(timeout_ms=50)
            if len(member.assignment()) != shown:
                shown = len(member.assignment())
                sys.stdout.write(f"assigned {shown}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
