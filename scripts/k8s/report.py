"""What held, what did not, and what was not looked at."""


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def outcome(self, what, holds, details=""):
        if holds:
            self.passed += 1
            print(f"ok       {what}", flush=True)
        else:
            self.failed.append(what)
            print(f"FAILED   {what}\n{str(details).rstrip()}", flush=True)

    def all_hold(self, what, mistakes):
        """One check of many things, by what is wrong with them."""
        lines = [f"         {mistake}" for mistake in mistakes]
        self.outcome(what, not lines, "\n".join(lines))

    def skip(self, what, why):
        self.skipped.append(what)
        print(f"SKIPPED  {what}: {why}", flush=True)

    def summary(self):
        print(f"# {self.passed} checks passed, {len(self.failed)} failed, {len(self.skipped)} not made")
        for what in self.skipped:
            print(f"#   not checked: {what}")
        return 1 if self.failed else 0
