/// What differs between two policies, in words.
package struct PolicyChanges {
    /// One line each, in the order in which the configuration is shown: `upstream openai, limit account: in_flight 16 →
    /// 32`. No line shows a secret.
    package private(set) var lines: [String] = []

    package init(from old: Policy, to new: Policy) {
        compare(old.settings, new.settings, at: Place())
    }

    /// Where in the configuration something stands, as a sentence names it.
    private struct Place {
        /// What has a name of its own: an upstream, a limit.
        var owners: [String] = []
        var keys: [String] = []

        func inner(_ key: String) -> Place {
            switch (owners.count, keys) {
            case (0, ["upstreams"]): Place(owners: ["upstream \(key)"])
            case (1, ["limits"]): Place(owners: owners + ["limit \(key)"])
            case (1, ["credentials"]): Place(owners: owners + ["credential \(key)"])
            default: Place(owners: owners, keys: keys + [key])
            }
        }

        var text: String {
            let owner = owners.joined(separator: ", ")
            if keys.isEmpty { return owner }
            return (owner.isEmpty ? "" : owner + ": ") + keys.joined(separator: ".")
        }
    }

    private mutating func compare(_ old: Setting, _ new: Setting, at place: Place) {
        if old == new { return }
        switch (old, new) {
        case (.mapping(let old), .mapping(let new)), (.named(let old), .named(let new)):
            compare(old, new, at: place)
        case (.secret(_, let before), .secret(_, let now)):
            lines.append("\(place.text) " + (before == now ? "has a new value" : "comes \(now)"))
        default: lines.append("\(place.text) \(old.inline) → \(new.inline)")
        }
    }

    private mutating func compare(_ old: [Setting.Entry], _ new: [Setting.Entry], at place: Place) {
        for entry in old {
            let inner = place.inner(entry.key)
            if let now = new.first(where: { $0.key == entry.key }) {
                compare(entry.value, now.value, at: inner)
            } else {
                lines.append("\(inner.text) removed")
            }
        }
        for entry in new where !old.contains(where: { $0.key == entry.key }) {
            let inner = place.inner(entry.key)
            lines.append(inner.keys.isEmpty ? "\(inner.text) added" : "\(inner.text) added: \(entry.value.inline)")
        }
        let (before, now) = (old.map(\.key), new.map(\.key))
        let common = Set(before).intersection(now)
        if before.filter(common.contains) != now.filter(common.contains) {
            lines.append("\(place.text) in another order")
        }
    }
}
