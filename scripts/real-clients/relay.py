"""Ports that lead to another one, each passing bytes on, keeping them back, losing them, or breaking its connections.

    relay.py TARGET PORT…     then lines on its input: `WHICH MODE`; ends with it
"""

import asyncio
import socket
import struct
import sys


class Relay:
    def __init__(self, target):
        self.target, self.mode, self.changed, self.writers = target, "pass", asyncio.Event(), set()

    def set(self, mode):
        self.mode = mode
        self.changed.set()
        self.changed = asyncio.Event()
        if mode == "reset":
            for writer in list(self.writers): self.reset(writer)

    def reset(self, writer):
        # Without lingering the end is told as a reset.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def accept(self, reader, writer):
        if self.mode == "reset": return self.reset(writer)
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return self.reset(writer)
        pair = {writer, to_writer}
        self.writers |= pair
        try:
            await asyncio.gather(self.pump(reader, to_writer), self.pump(to_reader, writer))
        except asyncio.CancelledError:
            pass  # At the end of all.
        finally:
            self.writers -= pair

    async def pump(self, reader, writer):
        try:
            while data := await reader.read(1 << 16):
                if self.mode == "drop": continue
                if self.mode[0].isdigit(): await asyncio.sleep(float(self.mode))
                while self.mode == "stall": await self.changed.wait()
                writer.write(data)
        except OSError:
            pass
        writer.close()


async def main():
    target, *ports = map(int, sys.argv[1:])
    relays = [Relay(target) for _ in ports]
    for relay, port in zip(relays, ports): await asyncio.start_server(relay.accept, "127.0.0.1", port)
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        which, mode = line.split()
        relays[int(which)].set(mode)
        print("done", flush=True)


asyncio.run(main())
