"""What a PromQL expression asks for, held against what the program exposes."""

import re

# What Prometheus adds to every series of a pod.
OF_THE_TARGET = {"namespace", "pod", "container", "job", "instance", "le"}


def mistakes(place, expression, exposed):
    names = set(re.findall(r"\b(?:penstock|process)_[a-z_]+", expression))
    if not names: yield f"{place}: no metric in it"
    for name in sorted(names - set(exposed)):
        yield f"{place}: the program has no {name}"
    known = OF_THE_TARGET.union(*(exposed.get(name, set()) for name in names))
    for selector in re.findall(r"\{([^}]*)\}", expression):
        for label in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', selector):
            if label not in known: yield f"{place}: none of its metrics has a label {label}"
    for group in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression):
        for label in filter(None, (word.strip() for word in group.split(","))):
            if label not in known: yield f"{place}: none of its metrics has a label {label}"
