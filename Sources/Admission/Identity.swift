/// One of the names by which an ask can be told apart: who asks, for which job, for which model, with which key.
///
/// The raw value is a place in ``Identity/values``. The first five are fixed; a policy may add names of its own behind
/// them (``Dimension/init(rawValue:)`` with 5 and up).
package struct Dimension: Hashable, Sendable, RawRepresentable {
    package var rawValue: Int

    package init(rawValue: Int) {
        precondition(rawValue >= 0, "a dimension is a place in a list")
        self.rawValue = rawValue
    }

    package static let tenant = Dimension(rawValue: 0)
    package static let job = Dimension(rawValue: 1)
    package static let priority = Dimension(rawValue: 2)
    package static let model = Dimension(rawValue: 3)
    package static let credential = Dimension(rawValue: 4)

    /// How many dimensions have a fixed place.
    package static let fixedCount = 5
}

/// Who and what an ask is for: one value per dimension, empty where the request names none.
package struct Identity: Hashable, Sendable {
    package var tenant: String
    package var job: String
    package var priority: Priority
    package var model: String
    package var credential: String
    /// Values of the dimensions that the policy added, in their order; missing ones are empty.
    package var others: [String]

    package init(
        tenant: String = "anonymous", job: String = "", priority: Priority = .normal, model: String = "",
        credential: String = "", others: [String] = []
    ) {
        self.tenant = tenant
        self.job = job
        self.priority = priority
        self.model = model
        self.credential = credential
        self.others = others
    }

    /// The value in one dimension; empty where the request names none, and then no limit per that dimension applies.
    package subscript(dimension: Dimension) -> String {
        get {
            switch dimension {
            case .tenant: tenant
            case .job: job
            case .priority: priority.rawValue
            case .model: model
            case .credential: credential
            default:
                others.indices.contains(dimension.rawValue - Dimension.fixedCount)
                    ? others[dimension.rawValue - Dimension.fixedCount] : ""
            }
        }
        set {
            switch dimension {
            case .tenant: tenant = newValue
            case .job: job = newValue
            case .priority: priority = Priority(rawValue: newValue) ?? .normal
            case .model: model = newValue
            case .credential: credential = newValue
            default:
                let place = dimension.rawValue - Dimension.fixedCount
                while others.count <= place { others.append("") }
                others[place] = newValue
            }
        }
    }
}

/// The class of a request inside its tenant. Classes share by weight, so none starves.
package enum Priority: String, Hashable, Sendable, CaseIterable {
    case high, normal, low
}
