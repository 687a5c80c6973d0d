import Admission

/// The names that `per`, `distinct`, `match`, `fair_by` and `weights` may use, and the places they stand for.
package struct Dimensions: Sendable {
    /// In the order of ``Dimension``'s raw values; empty where a name of an earlier policy is gone.
    package let names: [String]

    package init(_ identity: IdentityRules) {
        names = ["tenant", "job", "priority", "model", "credential"] + identity.others.map(\.name)
    }

    package subscript(name: String) -> Dimension? {
        name.isEmpty ? nil : names.firstIndex(of: name).map(Dimension.init(rawValue:))
    }

    /// Those that rules may go by.
    var known: [String] { names.filter { !$0.isEmpty } }

    package func name(of dimension: Dimension) -> String {
        names.indices.contains(dimension.rawValue) ? names[dimension.rawValue] : "?"
    }
}

extension Field {
    /// The dimension that this value names.
    func dimension(in dimensions: Dimensions) -> Dimension? {
        guard let name = scalar(expected: "a name from `identity`, or model, or credential")?.text else { return nil }
        return dimension(named: name, at: position, in: dimensions)
    }

    /// The dimension that the key names, in a mapping by dimension.
    func keyDimension(in dimensions: Dimensions) -> Dimension? {
        dimension(named: key, at: keyPosition, in: dimensions)
    }

    /// One name or a list, none of them twice.
    func dimensions(in dimensions: Dimensions) -> [Dimension] {
        var found: [Dimension] = []
        for item in oneOrMore() {
            guard let dimension = item.dimension(in: dimensions) else { continue }
            if found.contains(dimension) {
                item.mistake("`\(key)` names `\(dimensions.name(of: dimension))` twice")
            } else {
                found.append(dimension)
            }
        }
        return found
    }

    private func dimension(named name: String, at position: Position, in dimensions: Dimensions) -> Dimension? {
        if let dimension = dimensions[name] { return dimension }
        let known = dimensions.known
        let hint =
            Nearest.match(name, in: known).map { "did you mean `\($0)`?" }
            ?? "known are \(known.joined(separator: ", "))"
        reading.findings.mistake("`\(name)` is no name of an identity; \(hint)", at: position)
        return nil
    }
}
