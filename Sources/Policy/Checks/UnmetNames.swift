import Admission

/// Finds names in `overrides`, `match` and `weights` that no request can have.
struct UnmetNames {
    private let upstream: ReadUpstream
    private let dimensions: Dimensions
    private let values: PossibleValues

    init(_ upstream: ReadUpstream, _ dimensions: Dimensions, _ values: PossibleValues) {
        self.upstream = upstream
        self.dimensions = dimensions
        self.values = values
    }

    func check() {
        for read in upstream.limits {
            checkOverrides(of: read)
            checkConditions(of: read)
        }
        checkWeights()
    }

    private func checkOverrides(of read: ReadLimit) {
        guard let last = read.limit.per.last else { return }
        let conditions = read.limit.match.filter { $0.dimension == last }
        for entry in read.section["overrides"]?.entries() ?? [] {
            if let known = values.known(last), !known.contains(entry.key) {
                warn(about: entry, last, known)
            } else if let condition = conditions.first(where: { !$0.patterns.contains { $0.matches(entry.key) } }) {
                let patterns = condition.patterns.map { "`\($0.pattern)`" }.joined(separator: " or ")
                entry.reading.findings.warning(
                    "the limit is never about `\(entry.key)`: its `match` asks for \(patterns)", at: entry.keyPosition)
            }
        }
    }

    private func checkConditions(of read: ReadLimit) {
        for entry in read.section["match"]?.entries() ?? [] {
            guard let dimension = dimensions[entry.key], let known = values.known(dimension) else { continue }
            // Names of the upstream's own keys, which were looked up where they were read.
            if dimension == .credential, !read.limit.keys.isEmpty { continue }
            for item in entry.oneOrMore() {
                guard let pattern = item.string(), !known.meets(Glob(pattern)) else { continue }
                item.warning(
                    "no request has a \(entry.key) that matches `\(pattern)`: there is only \(known.inWords)")
            }
        }
    }

    private func checkWeights() {
        guard let weights = upstream.section["queue"]?.entries()?.first(where: { $0.key == "weights" }) else { return }
        for level in weights.entries() ?? [] {
            guard let dimension = dimensions[level.key], let known = values.known(dimension) else { continue }
            for entry in level.entries() ?? [] where !known.contains(entry.key) { warn(about: entry, dimension, known) }
        }
    }

    private func warn(about entry: Field, _ dimension: Dimension, _ known: PossibleValues.Known) {
        let name = dimensions.name(of: dimension)
        // Where a fingerprint is expected the key itself may stand, which no message repeats.
        let message =
            known.hasFingerprints && !known.names.contains(where: { !$0.isEmpty })
            ? "no \(name) is called so: there is only \(known.inWords), `key:` and 8 hexadecimal digits"
            : "no request has the \(name) `\(entry.key)`: there is only \(known.inWords)"
        entry.reading.findings.warning(message, at: entry.keyPosition)
    }
}
