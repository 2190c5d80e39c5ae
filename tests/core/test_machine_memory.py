"""How much memory we may have: that of the machine, or what a container is allowed."""

from pathlib import Path

import pytest

from core.machine_memory import memory_bytes

MIB = 1024**2
# What cgroups of version 1 say where there is no limit.
ENDLESS = 9223372036854771712


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        # Version 2 in a container with a namespace of its own.
        ("0::/\n", {"memory.max": "536870912\n"}, 512),
        # Version 2 on the machine itself: a unit within a slice, each with a limit.
        (
            "0::/system.slice/watchkeeper.service\n",
            {
                "system.slice/memory.max": f"{600 * MIB}\n",
                "system.slice/watchkeeper.service/memory.max": f"{700 * MIB}\n",
            },
            600,
        ),
        # Version 1: a container sees its own limit at the top, and the path that the host knows.
        (
            "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n1:name=systemd:/docker/abc\n",
            {"memory/memory.limit_in_bytes": f"{400 * MIB}\n"},
            400,
        ),
        # Both versions beside each other: memory is the first one's.
        (
            "4:memory:/box\n0::/box\n",
            {
                "memory/memory.limit_in_bytes": f"{ENDLESS}\n",
                "memory/box/memory.limit_in_bytes": f"{300 * MIB}\n",
            },
            300,
        ),
        ("0::/\n", {"memory.max": "max\n"}, None),
        ("4:memory:/box\n", {"memory/box/memory.limit_in_bytes": f"{ENDLESS}\n"}, None),
        ("0::/\n", {}, None),
        (None, {}, None),
    ],
)
def test_what_a_control_group_allows_counts_where_it_is_less(
    tmp_path: Path, groups: str | None, limits: dict[str, str], expected: int | None
) -> None:
    if groups is not None:
        files = {"proc/self/cgroup": groups}
        files |= {f"sys/fs/cgroup/{name}": text for name, text in limits.items()}
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="ascii")
    whole = memory_bytes(tmp_path / "nowhere")
    # Of the machine that tests run on it is known only that it has more.
    assert whole > 1024 * MIB
    assert memory_bytes(tmp_path) == (whole if expected is None else expected * MIB)
