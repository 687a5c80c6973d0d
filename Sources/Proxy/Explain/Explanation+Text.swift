import Admission
import Policy

extension Explanation: CustomStringConvertible {
    /// For people: plain text, aligned.
    package var description: String {
        var blocks = [request]
        if let way { blocks += way.blocks.map { Self.indented($0) } }
        blocks.append(outcome)
        return blocks.joined(separator: "\n\n") + "\n"
    }

    private static func indented(_ rows: [[String]]) -> String {
        CheckTable.aligned(rows).map { "  " + $0 }.joined(separator: "\n")
    }

    private var outcome: String {
        switch verdict {
        case .goes: "It goes at once where nothing else is under way."
        case .answeredHere: "Penstock answers it: it is about the proxy itself."
        case .refused(let refusal): "Refused with \(refusal.status): \(refusal.message)."
        }
    }
}

extension Explanation.Way {
    fileprivate var blocks: [[[String]]] {
        [destination, names.map { [$0.name, $0.value.isEmpty ? "-" : $0.value, $0.source] }, contents]
            + (limits.isEmpty ? [[["no limit is about it"]]] : [limitRows])
            + (others.isEmpty ? [] : [others.map { ["not \($0.name)", $0.reason] }]) + [rules]
    }

    private var destination: [[String]] {
        [["upstream", "\(upstream): \(reason)"], ["goes to", target], ["key", key]]
            + (withheld.isEmpty ? [] : [["stays here", withheld.joined(separator: ", ")]])
    }

    private var contents: [[String]] {
        var rows: [[String]] = []
        rows.append(["answer", streams.map { $0 ? "streams" : "comes whole" } ?? "a tunnel"])
        guard countsTokens else { return rows + [["tokens", "not estimated: no limit counts them"]] }
        guard let tokens else { return rows + [["tokens", "none found"]] }
        let bound = tokens.outputBound.map { "at most \($0)" } ?? "no bound stated"
        rows.append(["tokens", "about \(tokens.input) in; out: \(bound)"])
        return rows
    }

    private var limitRows: [[String]] {
        var rows = [["limit", "counted for", "bound", "pacing", "it takes"]]
        for limit in limits {
            var name = limit.name
            for row in limit.rows {
                rows.append([name] + row)
                name = ""
            }
        }
        return rows
    }

    private var rules: [[String]] {
        let places = line.map { "\($0.level) \($0.value.isEmpty ? "-" : $0.value) (weight \($0.weight))" }
        return [
            ["line", places.joined(separator: " > ")],
            ["waits", "at most \(Self.text(longestWait)), by \(waitSource)"],
            ["timeouts", timeouts], ["retry", retry],
        ]
    }

    /// To the millisecond, where it is no whole number of seconds.
    private static func text(_ wait: Interval) -> String {
        Units.text(.milliseconds(wait.millisecondsRoundedUp))
    }
}

extension Explanation.Held {
    /// One row for each bound.
    fileprivate var rows: [[String]] {
        var whom = key.isEmpty ? "all" : key.map { "\($0.name)=\($0.value)" }.joined(separator: ", ")
        if isOverridden { whom += ", overridden" }
        if isObserved { whom += ", only observed" }
        return bounds.enumerated().map { index, bound in
            [index == 0 ? whom : "", bound.text, bound.pacing, bound.takes.map { "\($0)" } ?? "-"]
        }
    }
}
