"""How long to stay away from a broker that can't be reached."""

import random

FIRST = 0.5
LONGEST = 30.0
# A connection that held this long counts as good: the next failure starts from FIRST again. A
# shorter one may be two sessions with one client id that throw each other out.
LASTING = 5.0
_DOUBLINGS = 10
_random = random.SystemRandom()


def delay(failures: int) -> float:
    """Seconds before the next attempt: doubling to LONGEST, of which up to half is left to chance.

    Chance keeps the sessions of many processes from returning to a restarted broker in step.
    """
    longest = min(LONGEST, FIRST * 2 ** min(max(failures - 1, 0), _DOUBLINGS))
    return _random.uniform(longest / 2, longest)
