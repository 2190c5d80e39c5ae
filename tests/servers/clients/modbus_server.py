"""A Modbus TCP server of pymodbus: register 0 and coil 0; a line on standard input sets both.

Run by the gateway's own packages, so it is no module of the tests.
"""

import asyncio
import sys

from pymodbus.datastore import (  # type: ignore[import-not-found]
    ModbusSequentialDataBlock,
    ModbusServerContext,
    ModbusSlaveContext,
)
from pymodbus.server import StartAsyncTcpServer  # type: ignore[import-not-found]


async def main() -> None:
    """Serve until the end of the input."""
    # The library counts from 1 what the protocol counts from 0.
    registers = ModbusSequentialDataBlock(1, [420] * 8)
    coils = ModbusSequentialDataBlock(1, [True] * 8)
    slave = ModbusSlaveContext(hr=registers, co=coils)
    context = ModbusServerContext(slaves=slave, single=True)
    address = ("127.0.0.1", int(sys.argv[1]))
    server = asyncio.create_task(StartAsyncTcpServer(context, address=address))
    reader = asyncio.get_running_loop()
    while line := await reader.run_in_executor(None, sys.stdin.readline):
        slave.setValues(3, 0, [int(line)])
    server.cancel()


asyncio.run(main())
