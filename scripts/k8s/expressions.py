"""What a PromQL expression asks for, held against what the program exposes."""

import re

# What Prometheus adds to every series of a pod.
OF_THE_TARGET = {"namespace", "pod", "container", "job", "instance", "le"}
# The program has these words already, and exposes them only with features that are still to come.
NOT_YET_EXPOSED = {"penstock_cluster_connected"}


def mistakes(place, expression, exposed):
    names = set(re.findall(r"\b(?:penstock|process)_[a-z_]+", expression))
    if not names: yield f"{place}: no metric in it"
    for name in sorted(names - set(exposed) - NOT_YET_EXPOSED):
        yield f"{place}: the program has no {name}"
    known = OF_THE_TARGET.union(*(exposed.get(name, set()) for name in names))
    for selector in re.findall(r"\{([^}]*)\}", expression):
        for label in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', selector):
            if label not in known: yield f"{place}: none of its metrics has a label {label}"
    for group in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression):
        for label in filter(None, (word.strip() for word in group.split(","))):
            if label not in known: yield f"{place}: none of its metrics has a label {label}"


def not_yet(expressions):
    words = {name for text in expressions for name in NOT_YET_EXPOSED if name in text}
    return sorted(words)
