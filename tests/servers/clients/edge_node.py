"""An edge node of pysparkplug: node `edge`, and behind it `fan-1` with its speed.

A line on standard input sets the speed; `lose` loses a message on its way, `die` the connection,
without a word. It tells each command that it is given on standard output.
"""

import os
import sys

import pysparkplug as psp  # type: ignore[import-not-found]

host, port = sys.argv[1:]


def speed(value: float) -> psp.Metric:
    """The metric, now."""
    now = psp.get_current_timestamp()
    return psp.Metric(timestamp=now, name="speed", datatype=psp.DataType.FLOAT, value=value)


def commanded(node: psp.EdgeNode, message: psp.Message) -> None:
    """What a host asks for."""
    for metric in message.payload.metrics:
        sys.stdout.write(f"{metric.name} {metric.value}\n")
        sys.stdout.flush()


client = psp.Client(client_id="edge")
edge = psp.EdgeNode("plant", "edge", (), client=client, cmd_callback=commanded)
edge.register(psp.Device("fan-1", (speed(800.0),)))
edge.connect(host, port=int(port))
sys.stdout.write("born\n")
sys.stdout.flush()
for line in sys.stdin:
    if line.strip() == "die":
        os._exit(1)
    if line.strip() == "lose":
        # The number of a message that nobody will hear.
        _ = edge._seq
        continue
    edge.update_device("fan-1", (speed(float(line)),))
