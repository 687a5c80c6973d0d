import Admission
import Policy

/// What a gate goes by, and what the dimensions of its limits are called. A reload puts another in its place.
///
/// Limits are places in a list, so whatever a gate says of one is read with the terms under which it said so.
final class GateTerms: Sendable {
    let rules: GateRules
    let dimensions: Dimensions

    init(rules: GateRules, dimensions: Dimensions) {
        self.rules = rules
        self.dimensions = dimensions
    }

    func name(ofLimit place: Int) -> String { rules.limits[place].name }
}

/// What a gate refused, with the terms of that moment.
struct RefusedAsk: Sendable {
    let refusal: GateRefusal
    let terms: GateTerms
}
