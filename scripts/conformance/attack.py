"""An attack on Penstock: others ask in the meantime, its memory is watched, and afterwards nothing is lost."""

import contextlib
import os
import resource
import threading
import time

from harness import eventually
from proxied import MIB, recorder, resident, serves, start
from recorder import answer, trickles, waits
from suite import check

# What Penstock may need on top under any one attack, and keep of all of them.
PEAK, KEPT = 96 * MIB, 192 * MIB

limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
penstock = start()


recorder.on("/waits", waits)
recorder.on("/trickles", trickles)
recorder.on("/noise", answer(os.urandom(MIB)))
serves(penstock)
at_rest = resident(penstock)


class Watch:
    """Samples the memory and asks as a normal caller while an attack goes on."""

    def __enter__(self):
        self.before = self.peak = resident(penstock)
        self.slowest, self.refused, self.stopped = 0.0, [], threading.Event()
        self.threads = [threading.Thread(target=self.sample), threading.Thread(target=self.ask)]
        for thread in self.threads: thread.start()
        return self

    def sample(self):
        while not self.stopped.wait(0.02): self.peak = max(self.peak, resident(penstock))

    def ask(self):
        while not self.stopped.wait(0.2):
            began = time.monotonic()
            try:
                serves(penstock)
            except Exception as error:
                self.refused.append(f"{type(error).__name__}: {error}")
            self.slowest = max(self.slowest, time.monotonic() - began)

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads: thread.join()


@contextlib.contextmanager
def attack(sentence, peak=PEAK):
    """A check around an attack: others are served in the meantime and afterwards, no slot and little memory is lost."""
    with check(f"{sentence}: others are served, memory is bounded") as remark:
        with Watch() as watch:
            yield remark
        grown = (watch.peak - watch.before) / MIB
        remark(f"{grown:.0f} MiB more, slowest other {watch.slowest * 1000:.0f} ms")
        assert penstock.child.poll() is None, "penstock ended"
        serves(penstock)
        eventually(lambda: penstock.is_idle("recorder"), "all slots to be free", 15)
        assert grown < peak / MIB, f"{grown:.0f} MiB more"
        assert not watch.refused, f"others were not served: {watch.refused[:2]}"
        assert watch.slowest < 4, f"another caller waited {watch.slowest:.1f} s"
        assert resident(penstock) - at_rest < KEPT, f"{(resident(penstock) - at_rest) / MIB:.0f} MiB more than at rest"
        recorder.take()


def remains():
    """The last check of a file."""
    with check("after all of it memory is near where it was, and a caller is served") as remark:
        time.sleep(1)
        grown = resident(penstock) - at_rest
        remark(f"{grown / MIB:.0f} MiB more than at rest")
        assert grown < KEPT
        serves(penstock)
